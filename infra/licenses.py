"""The licenses of Python packages, as their metadata states them, and which are allowed.

All allowed licenses permit use in a proprietary product. The Mozilla Public License asks only that
changes to its own files are published, and nothing here changes them.
"""

import re
from collections.abc import Iterator
from importlib.metadata import Distribution

ALLOWED = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "CNRI-Python",
        "ISC",
        "MIT",
        "MIT-0",
        "MPL-2.0",
        "PSF-2.0",
        "Zlib",
    }
)
"""SPDX identifiers."""

_SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",  # the classifier does not tell the variants apart
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""Names in older metadata."""
_CLASSIFIER = "License :: OSI Approved :: "


def license_of(package: Distribution) -> str:
    """Return an SPDX expression, or the stated name if it has none. Empty if nothing is stated."""
    metadata = package.metadata
    if "License-Expression" in metadata:
        return metadata["License-Expression"]
    names = [
        line.removeprefix(_CLASSIFIER)
        for line in metadata.get_all("Classifier") or []
        if line.startswith(_CLASSIFIER)
    ]
    if not names:
        names = metadata["License"].splitlines()[:1] if "License" in metadata else []
    return " AND ".join(_SPDX.get(name.strip(), name.strip()) for name in names)


def refused(expression: str) -> tuple[str, ...]:
    """Return the licenses in an expression that are not allowed; `unknown` if there are none.

    Each license of an expression must be allowed, alternatives too: which of them a package's
    parts come under is not stated.
    """
    names = tuple(_names(expression))
    return tuple(name for name in names or ("unknown",) if name not in ALLOWED)


def _names(expression: str) -> Iterator[str]:
    for name in re.split(r"\s+(?:AND|OR)\s+|[()]", expression):
        if name.strip():
            yield name.strip()
