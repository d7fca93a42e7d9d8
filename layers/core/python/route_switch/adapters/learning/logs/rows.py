"""The rows of a log file: JSON lines, one JSON document, or CSV; plain or gzip."""

import codecs
import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue

from route_switch.adapters.learning.jsonl import BYTE_ORDER_MARK, open_unpacked, why_not_utf_8
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.json_values import InvalidJsonError, parse_json, valid_json
from route_switch.domain.ports import JsonObject

CSV_ENDINGS = (".csv", ".tsv")
_PAGES = ("data", "observations", "requests", "logs", "items", "results", "rows")
"""Fields under which APIs put the entries of a page."""
MAX_CELL = 10_000_000
"""Characters. Python's default, 131,072, is less than a long conversation."""


@dataclass(frozen=True, slots=True)
class LogRow:
    """`number` is the row's first line, or its place in a JSON document, from 1. `problem` says why
    it could not be read; then there are no `fields`."""

    number: int
    fields: JsonObject = field(default_factory=dict)
    problem: str | None = None


def read_log(path: Path) -> Iterator[LogRow]:
    """Yield the rows. Raise `RouteSwitchError` if the file cannot be read at all."""
    name = path.name.removesuffix(".gz").lower()
    with open_unpacked(path) as content:
        start = content.read(4096)
        if why := why_not_utf_8(start):
            raise RouteSwitchError(f"{path} {why}.")
    start = start.removeprefix(BYTE_ORDER_MARK).lstrip()
    if name.endswith(CSV_ENDINGS) or not start.startswith((b"{", b"[")):
        yield from _table(path, start, tabs=name.endswith(".tsv"))
    elif start.startswith(b"[") or not _is_whole(start.splitlines()[0] if start else b""):
        yield from _document(path)
    else:
        yield from _lines(path)


def _is_whole(line: bytes) -> bool:
    """Whether a first line is an object by itself: otherwise the document is indented. A line that
    is longer than what was read counts as whole."""
    try:
        parse_json(line)
    except InvalidJsonError:
        return line.count(b'"') > 2
    return True


def _lines(path: Path) -> Iterator[LogRow]:
    with open_unpacked(path) as lines:
        for number, line in enumerate(lines, 1):
            text = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
            if text.strip():
                yield from _rows(number, text)


def _rows(number: int, text: bytes) -> Iterator[LogRow]:
    """Yield the row of a line, or those of an API's page that is on one line."""
    try:
        value = valid_json(parse_json(text))
    except InvalidJsonError:
        yield LogRow(number, problem="is not valid JSON")
        return
    page = _page(value)
    yield from (_object(number, each) for each in ([value] if page is None else page))


def _page(value: JsonValue) -> list[JsonValue] | None:
    """Return the entries of a page of an API; None if the value is not a page."""
    for name in _PAGES if isinstance(value, dict) else ():
        entries = value.get(name) if isinstance(value, dict) else None
        if isinstance(entries, list) and all(isinstance(each, dict) for each in entries):
            return entries
    return None


def _object(number: int, value: JsonValue) -> LogRow:
    if isinstance(value, dict):
        return LogRow(number, value)
    return LogRow(number, problem="is not a JSON object")


def _document(path: Path) -> Iterator[LogRow]:
    """Yield the entries of a list, or of the first list in an object (`data`, `requests`, …)."""
    with open_unpacked(path) as content:
        try:
            value = valid_json(parse_json(content.read()))
        except InvalidJsonError as error:
            raise RouteSwitchError(f"{path} is not valid JSON: {error}.") from error
    for number, each in enumerate(_entries(value), 1):
        yield _object(number, each)


def _entries(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, list):
        return value
    lists = value.values() if isinstance(value, dict) else ()
    found = (each for each in lists if isinstance(each, list) and each)
    return next((each for each in found if isinstance(each[0], dict)), [value])


def _table(path: Path, start: bytes, *, tabs: bool) -> Iterator[LogRow]:
    csv.field_size_limit(MAX_CELL)
    with open_unpacked(path) as content:
        lines = codecs.iterdecode(content, "utf-8-sig")
        reader = csv.DictReader(lines, delimiter="\t" if tabs else _delimiter(start), strict=True)
        number = 2
        try:
            for cells in reader:
                known = {n.strip(): v for n, v in cells.items() if isinstance(n, str) and v}
                yield LogRow(number, {**known})
                number = reader.line_num + 1
        except (csv.Error, UnicodeDecodeError) as error:
            raise RouteSwitchError(
                f"{path}, line {number}: is not a row of a CSV file: {error}. Save it as CSV in "
                "UTF-8."
            ) from error


def _delimiter(start: bytes) -> str:
    """Return what separates the names in the first line."""
    head = start.splitlines()[0].decode("utf-8", "replace") if start else ""
    return max(",;\t", key=head.count)


def parsed(value: JsonValue) -> JsonValue:
    """Return what a text holds if it is a JSON object or list: exports often write them as text."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return valid_json(parse_json(value))
    except InvalidJsonError:
        return value


def as_text(value: JsonValue) -> str | None:
    """Return a text or a number as text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return None
    return json.dumps(value) if isinstance(value, int | float) else None
