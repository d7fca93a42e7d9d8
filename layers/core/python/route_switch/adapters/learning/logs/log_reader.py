"""Read a log into calls, and keep what was left out."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from route_switch.adapters.learning.logs.read_call import read_call, source_named, source_of
from route_switch.adapters.learning.logs.rows import LogRow
from route_switch.adapters.learning.logs.sources import Source
from route_switch.adapters.learning.logs.wide_table import as_long_rows, models_in
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
        self.formats: dict[str, int] = defaultdict(int)

    def calls(self, rows: Iterator[LogRow]) -> Iterator[LoggedCall]:
        for row in rows:
            self.lines += 1
            if row.problem is not None:
                self.left_out.append((row.number, row.problem))
                continue
            try:
                yield from self._of(row.fields)
            except UnusableRowError as error:
                self.left_out.append((row.number, str(error)))

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
        raise UnusableRowError("it has no request that is known")
    return source
