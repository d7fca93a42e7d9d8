"""The list of `route-switch results`: options as the API's parameters, and its pages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import islice

from route_switch.api.results_answer import MAX_LIMIT, results_query
from route_switch.cli.stage_names import UsageError
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.operations.result_query import RatedRow, ResultQuery
from route_switch.services.operations.list_results import ListResults

MAX_EXAMINED = 200_000
"""About 25 MB of entries: less than 0.01 USD."""


def query_of_options(
    options: Mapping[str, object], today: date, retention_days: int
) -> ResultQuery:
    """Raise `UsageError` naming the invalid option."""
    params = {name: str(value) for name, value in options.items() if value is not None}
    try:
        return results_query(params, today, retention_days)
    except RequestRefusedError as error:
        raise UsageError(f"--{error.param}: {error}") from error


@dataclass(slots=True)
class ResultList:
    """The rows of all pages. `warning` says where the list stopped, if there may be more that
    fit."""

    list_results: ListResults
    warning: str | None = None

    def first(self, limit: int, query: ResultQuery) -> list[RatedRow]:
        return list(islice(self._rows(query, limit), limit))

    def _rows(self, query: ResultQuery, limit: int) -> Iterator[RatedRow]:
        examined, wanted = 0, min(limit, MAX_LIMIT)
        page = self.list_results(query.continued(query.start, wanted))
        while True:
            yield from page.rows
            examined += page.examined
            if page.older is None:
                return
            if examined >= MAX_EXAMINED:
                time = page.older.partition("#")[0]
                self.warning = (
                    f"{examined:,} requests were looked at, back to {time}. For older ones, use "
                    "--to."
                )
                return
            page = self.list_results(query.continued(page.older, wanted))
