"""A prompt in a file, and the record beside it of which versions it was made from.

`FILE.base` has one line a parameter, `<SHA-256 of the document>  <parameter's name>`. It belongs
into git beside FILE; the document itself stays byte for byte what Parameter Store holds. A digest,
not a number: it still holds for a stage that was made anew, and cannot match another's content.
"""

import hashlib
from pathlib import Path

from route_switch.cli.files import read_text, write_whole


def digest(document: str) -> str:
    return hashlib.sha256(document.encode()).hexdigest()


def recorded_base(file: Path, parameter: str) -> str | None:
    """The digest of what FILE was made from, if it was pulled from or pushed to `parameter`."""
    return _records(_record_of(file)).get(parameter)


def record_base(file: Path, parameter: str, document: str) -> None:
    """Notes that FILE is made from `document`, which is live in `parameter`."""
    record = _record_of(file)
    records = {**_records(record), parameter: digest(document)}
    lines = (f"{sha}  {name}\n" for name, sha in sorted(records.items()))
    write_whole(record, "".join(lines))


def _record_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.base")


def _records(record: Path) -> dict[str, str]:
    if not record.exists():
        return {}
    pairs = (line.split("  ") for line in read_text(record, "record").splitlines())
    return {pair[1]: pair[0] for pair in pairs if len(pair) == 2}
