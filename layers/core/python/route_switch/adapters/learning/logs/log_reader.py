"""Read a log into calls, and keep what was left out."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from pydantic import ValidationError

from route_switch.adapters.learning.logs.read_call import read_call, source_named, source_of
from route_switch.adapters.learning.logs.rows import LogRow
from route_switch.adapters.learning.logs.sources import Source
from route_switch.adapters.learning.logs.wide_table import as_long_rows, models_in
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.logged_call import LoggedCall, UnusableRowError
from route_switch.domain.ports import JsonObject

_OWN_NAMES = {"query": "request", "answer": "response"}


class LogReader:
    """`left_out` has the line and the reason of each row that holds no call. `lines` counts rows,
    and `formats` calls by what wrote them."""

    def __init__(self, source: str | None = None, columns: Mapping[str, str] | None = None) -> None:
        """`source` names what wrote the log; None recognizes it row by row. `columns` names the
        columns of fields; with one for the query, the log is a table."""
        self._columns = {_OWN_NAMES.get(n, n): c for n, c in (columns or {}).items()}
        named = source or ("table" if "request" in self._columns else None)
        self._source = None if named is None else source_named(named)
        self.left_out: list[tuple[int, str]] = []
        self.lines = 0
        self.columns_seen: dict[str, None] = {}
        """Names of the first row's fields, in their order."""
        self.examples: list[JsonObject] = []
        """Rows that are examples already."""
        self.formats: dict[str, int] = defaultdict(int)

    def calls(self, rows: Iterator[LogRow]) -> Iterator[LoggedCall]:
        for row in rows:
            self.lines += 1
            if not self.columns_seen:
                self.columns_seen = dict.fromkeys(row.fields)
            if isinstance(row.fields.get("models"), dict):
                self._keep_example(row)
                continue
            if row.problem is not None:
                self.left_out.append((row.number, row.problem))
                continue
            try:
                yield from self._of(row.fields)
            except UnusableRowError as error:
                self.left_out.append((row.number, str(error)))

    def _keep_example(self, row: LogRow) -> None:
        try:
            Example.model_validate(row.fields)
        except ValidationError as error:
            field = ".".join(map(str, error.errors()[0]["loc"]))
            self.left_out.append((row.number, f"it is an example with a wrong '{field}'"))
            return
        self.examples.append(row.fields)
        self.formats["examples"] += 1

    def _of(self, row: JsonObject) -> list[LoggedCall]:
        models = models_in(row)
        each = [*as_long_rows(row, models)] if models else [row]
        return [self._call(fields, wide=bool(models)) for fields in each]

    def _call(self, row: JsonObject, *, wide: bool) -> LoggedCall:
        source = self._source or _recognized(row)
        call = read_call(row, source, self._columns)
        self.formats["wide table" if wide else source.name] += 1
        return call


def _recognized(row: JsonObject) -> Source:
    source = source_of(row)
    if source is None:
        raise UnusableRowError(
            "no prompt was found (looked for messages, request, query, prompt, input and others)"
        )
    return source
