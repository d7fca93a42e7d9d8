"""`make sbom`: a bill of materials (CycloneDX, JSON) for each deployed artifact.

Usage: python -m infra.sbom FOLDER

Names, versions and hashes come from the locked requirements, and licenses from the metadata of the
installed packages, which `make install` took from the same lock. The lock of the console's page has
both. The same lock gives the same bytes.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path

from infra.licenses import license_of
from infra.sbom_page import page_bom

ARTIFACTS: Mapping[str, Path] = {
    "dependencies-layer": Path("layers/dependencies/requirements.txt"),
    "litellm-layer": Path("layers/litellm/requirements.txt"),
    "offline-layer": Path("layers/offline/requirements.txt"),
    "optimizer-image": Path("functions/optimizer/requirements.txt"),
}
"""What the stack deploys, and its locked requirements."""

Bom = Mapping[str, object]


def installed_licenses() -> dict[str, str]:
    """Return the license expression of each installed package, by its normalized name."""
    return {normalized(found.name): license_of(found) for found in distributions()}


def with_licenses(bom: Bom, licenses: Mapping[str, str]) -> dict[str, object]:
    """Return the bill with the license of each component, without those that the lock has for
    other platforms: they are not installed. Raise `SystemExit` if one states no license."""
    listed = bom.get("components")
    components = [
        dict(each)
        for each in (listed if isinstance(listed, list) else ())
        if normalized(str(each["name"])) in licenses
    ]
    for component in components:
        name = str(component["name"])
        expression = licenses[normalized(name)]
        if not expression:
            raise SystemExit(f"{name} states no license in its metadata. Find it on its page.")
        component["licenses"] = [{"expression": expression}]
    return {**bom, "components": components}


def normalized(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    licenses = installed_licenses()
    for name, requirements in ARTIFACTS.items():
        file = folder / f"{name}.cdx.json"
        command = (sys.executable, "-m", "cyclonedx_py", "requirements", str(requirements))
        options = ("--output-reproducible", "--of", "JSON", "-o", "-")
        made = subprocess.run([*command, *options], check=True, stdout=subprocess.PIPE)  # noqa: S603 (fixed command)
        write(with_licenses(json.loads(made.stdout), licenses), file)
    write(page_bom(), folder / "console-page.cdx.json")


def write(bom: Bom, file: Path) -> None:
    unfinished = file.with_suffix(".part")
    unfinished.write_text(json.dumps(bom, indent=2) + "\n")
    unfinished.replace(file)
    components = bom["components"]
    count = len(components) if isinstance(components, list) else 0
    print(f"{file}: {count} components")  # noqa: T201 (the command's output)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
