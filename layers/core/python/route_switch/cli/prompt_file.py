"""Track which live version a prompt file was made from.

`FILE.base` sits next to FILE and has one line per parameter: `<SHA-256 of the document>  <name of
the parameter>`. Commit it with FILE; FILE itself stays byte for byte what Parameter Store holds.
The record is a digest rather than a version number, so it stays valid when a stage is recreated
and cannot match other content.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from route_switch.cli.files import read_text, write_whole
from route_switch.domain.errors import PromptConflictError
from route_switch.domain.ports import StoredVersion


def record_base(file: Path, parameter: str, document: str) -> None:
    """Record that FILE is based on `document`, the live prompt in `parameter`."""
    path = _base_file(file)
    records = {**_read_records(path), parameter: _digest(document)}
    lines = (f"{sha}  {name}\n" for name, sha in sorted(records.items()))
    write_whole(path, "".join(lines))


def base_version(
    file: Path, document: str, parameter: str, versions: Sequence[StoredVersion]
) -> int | None:
    """Return the version that FILE was made from, or None if it is unknown.

    That is the recorded version, or without a record the version that FILE is an unchanged copy
    of: a stale file in git must not undo what was learned since.
    """
    recorded = _read_records(_base_file(file)).get(parameter)
    wanted = recorded or _digest(document)
    found = [each.version for each in versions if _digest(each.document) == wanted]
    if found:
        return found[-1]
    if recorded is not None and versions:
        raise PromptConflictError(
            f"{file} was made from a version of {parameter} that is not kept there any more. "
            f"Compare the two with 'route-switch prompt diff {file}', merge by hand, and push with "
            f"--base {versions[-1].version}."
        )
    return None


def _digest(document: str) -> str:
    return hashlib.sha256(document.encode()).hexdigest()


def _base_file(file: Path) -> Path:
    return file.with_name(f"{file.name}.base")


def _read_records(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    pairs = (line.split("  ") for line in read_text(path, "record").splitlines())
    return {pair[1]: pair[0] for pair in pairs if len(pair) == 2}
