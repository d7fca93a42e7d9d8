"""Answers to the console's requests in place of the stage's, for states that are hard to reach."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import JsonValue

from tests.support.browser import Page
from tests.support.console_answers import NOW, Answer, owners
from tests.support.console_traffic import costs, models, record, results, rows


@dataclass(frozen=True)
class Response:
    body: JsonValue
    status: int = 200


def refused(status: int, code: str, message: str) -> Response:
    return Response(
        {"error": {"message": message, "type": "x", "param": None, "code": code}}, status
    )


_OF_THE_API = re.compile(r"^[^?]*/v1/")
"""Playwright compares it with addresses itself. A function would be asked for each file."""
TODAY = f"{NOW:%Y-%m-%d}"
REQUESTS, REQUESTS_BEFORE = 12_400, 11_150
"""In the last 30 days, and in those before."""
EMPTY: Answer = {"object": "list", "data": [], "cursor": None, "has_more": False, "examined": 0}


@dataclass
class FakeApi:
    """Answers as a stage with a month of traffic does. `answers` replaces answers, by
    `GET /v1/keys`. `called` has each call with its body, `queries` its parameters. `held` keeps
    all waiting until the page is closed."""

    number_of_rows: int = 120
    answers: dict[str, Response] = field(default_factory=dict)
    called: list[tuple[str, Any]] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    costs: Callable[[str], Answer] | None = None
    """In place of the usual sums, by the group."""
    held: bool = False
    change: Callable[[JsonValue], JsonValue] = lambda body: body
    """Applied to the body of every answer of GET."""

    def __post_init__(self) -> None:
        self._rows = rows(self.number_of_rows)
        self._answers = {**owners(), "/v1/models": models()}

    def serve(self, page: Page) -> None:
        page.route(_OF_THE_API, self._route)

    def bodies(self, call: str) -> list[Any]:
        """Return the bodies that were sent to `POST /v1/keys`, for example."""
        return [body for name, body in self.called if name == call]

    def _route(self, route: Any) -> None:
        parts = urlsplit(route.request.url)
        path = parts.path[parts.path.index("/v1/") :]
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = route.request.post_data_json if route.request.post_data else None
        name = f"{route.request.method} {path}"
        self.called.append((name, body))
        self.queries.append(query)
        if self.held:
            return
        found = self._respond(name, path, parts.query, query)
        content = found.body
        if route.request.method == "GET" and found.status == 200:
            content = self.change(json.loads(json.dumps(content)))
        route.fulfill(
            status=found.status, content_type="application/json", body=json.dumps(content)
        )

    def _respond(self, name: str, path: str, raw_query: str, query: dict[str, str]) -> Response:
        if name in self.answers:
            return self.answers[name]
        if path == "/v1/costs" and self.costs is not None:
            return Response(self.costs(query.get("group_by", "day")))
        if path == "/v1/costs":
            is_past = query.get("to", TODAY) < TODAY
            requests = REQUESTS_BEFORE if is_past else REQUESTS
            return Response(costs(query.get("group_by", "day"), requests))
        if path == "/v1/results":
            limit, cursor = int(query.get("limit", "50")), query.get("cursor")
            return Response(results(self._rows, limit, cursor))
        if path.startswith("/v1/results/"):
            return Response(record(path.rsplit("/", 1)[1], self._rows))
        for each in (f"{path}?{raw_query}", path):
            if name.startswith("GET") and each in self._answers:
                return Response(self._answers[each])
        return refused(404, "not_found", f"The tests have no answer to {name}.")
