"""Files of JSON lines, plain or gzip: read one line at a time, written atomically."""

import codecs
import gzip
import io
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.reasons import fault, why_invalid, why_unusable

GZIP_MAGIC = b"\x1f\x8b"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OTHER_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",  # starts like UTF-16's
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}

Row = TypeVar("Row", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Line(Generic[Row]):
    """A nonblank line with its number, from 1. `row` is None if the line is invalid: then `problem`
    says why, and `id` is its id if one can be read."""

    number: int
    row: Row | None
    problem: str = ""
    id: str | None = None


@contextmanager
def open_unpacked(path: Path) -> Iterator[io.BufferedIOBase]:
    """Open the unpacked content. Raise `RouteSwitchError` when the file cannot be read."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == GZIP_MAGIC
            raw.seek(0)
            yield gzip.GzipFile(fileobj=raw) if packed else raw
    except (OSError, EOFError, zlib.error) as error:
        raise RouteSwitchError(f"{path} cannot be read: {why_unusable(error)}") from error


def read_rows(path: Path, kind: type[Row], hint: str) -> Iterator[tuple[int, Row]]:
    """Yield each nonblank line with its number, from 1.

    Raise a `RouteSwitchError` at the first invalid line. Its message ends with `hint`, which says
    what a line must contain, or what to do.
    """
    for line in read_lines(path, kind):
        if line.row is None:
            raise RouteSwitchError(f"{path}, line {line.number}: {line.problem}. {hint}")
        yield line.number, line.row


def read_lines(path: Path, kind: type[Row]) -> Iterator[Line[Row]]:
    """Yield each nonblank line, valid or not."""
    with open_unpacked(path) as lines:
        for number, line in enumerate(lines, 1):
            content = _beginning(path, line) if number == 1 else line
            if not content.isspace() and content:
                yield _read(number, content, kind)


def why_not_utf_8(start: bytes) -> str | None:
    """Name the encoding if a text that starts with these bytes is in UTF-16 or UTF-32."""
    for mark, name in _OTHER_ENCODINGS.items():
        if start.startswith(mark):
            return f"is encoded in {name}, but must be in UTF-8. Save it as UTF-8"
    if b"\0" in start[:2]:  # half of an ASCII character, such as the first brace
        return "is encoded in UTF-16, but must be in UTF-8. Save it as UTF-8"
    return None


def gzip_lines(lines: Iterable[str]) -> bytes:
    """Compress without name and time, so that equal lines give equal bytes."""
    content = io.BytesIO()
    with gzip.GzipFile("", "wb", compresslevel=6, fileobj=content, mtime=0) as packed:
        packed.writelines(f"{line}\n".encode() for line in lines)
    return content.getvalue()


def write_gzip(path: Path, lines: Iterable[str]) -> None:
    """Write like `gzip_lines`. A reader sees either the complete file or the previous one."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        unfinished.write_bytes(gzip_lines(lines))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _beginning(path: Path, line: bytes) -> bytes:
    if why := why_not_utf_8(line):
        raise RouteSwitchError(f"{path} {why}.")
    return line.removeprefix(BYTE_ORDER_MARK)


def _read(number: int, content: bytes, kind: type[Row]) -> Line[Row]:
    try:
        return Line(number, _parse(content, kind))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(map(str, problem["loc"]))
        reason = f"{field} {why_invalid(problem)}" if field else fault(problem)
        return Line(number, None, reason, _id_of(content))


def _parse(content: bytes, kind: type[Row]) -> Row:
    """Read half a surrogate pair as U+FFFD: JSON can hold it, and Unicode text cannot."""
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        if error.errors(include_url=False)[0]["type"] != "json_invalid":
            raise
        row = _loaded(content)
        if row is None:
            raise
    text = json.dumps(row, ensure_ascii=False).encode("utf-16", "surrogatepass")
    return kind.model_validate_json(text.decode("utf-16", "replace"))


def _loaded(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _id_of(content: bytes) -> str | None:
    row = _loaded(content)
    found = row.get("id") if isinstance(row, dict) else None
    return str(found) if isinstance(found, str | int) else None
