"""Files of JSON lines, plain or gzip: read one line at a time, written atomically."""

import gzip
import io
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from route_switch.domain.errors import RouteSwitchError

GZIP_MAGIC = b"\x1f\x8b"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Row = TypeVar("Row", bound=BaseModel)


@contextmanager
def open_unpacked(path: Path) -> Iterator[io.BufferedIOBase]:
    """Open the unpacked content. Raise `RouteSwitchError` when the file cannot be read."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == GZIP_MAGIC
            raw.seek(0)
            yield gzip.GzipFile(fileobj=raw) if packed else raw
    except (OSError, EOFError, zlib.error) as error:
        raise RouteSwitchError(f"{path} cannot be read: {error}") from error


def read_rows(path: Path, kind: type[Row], hint: str) -> Iterator[tuple[int, Row]]:
    """Yield each nonblank line with its number, from 1.

    Raise a `RouteSwitchError` at the first invalid line. Its message ends with `hint`, which says
    what a line must contain, or what to do.
    """
    with open_unpacked(path) as lines:
        for number, line in enumerate(lines, 1):
            content = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
            if not content.isspace() and content:
                yield number, _parse(content, kind, f"{path}, line {number}", hint)


def gzip_lines(lines: Iterable[str]) -> bytes:
    """Compress without name and time, so that equal lines give equal bytes."""
    content = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=content, mtime=0) as packed:
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


def _parse(content: bytes, kind: type[Row], place: str, hint: str) -> Row:
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(map(str, problem["loc"])) or "the line"
        raise RouteSwitchError(f"{place}: {field}: {problem['msg']}. {hint}") from error
