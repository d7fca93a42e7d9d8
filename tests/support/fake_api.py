"""Answers to the console's requests in place of the stage's, for states that are hard to reach. The
server of `console_site` gives them; the key that a page sends names the API that answers it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from queue import SimpleQueue
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pydantic import JsonValue

from tests.support.console_answers import NOW, REQUESTS, Answer, owners
from tests.support.console_costs import costs
from tests.support.console_traffic import models, record, requests, results

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Response:
    body: JsonValue
    status: int = 200
    headers: Headers = field(default_factory=dict)


def refused(status: int, code: str, message: str, headers: Headers | None = None) -> Response:
    error: Answer = {"message": message, "type": "x", "param": None, "code": code}
    return Response({"error": error}, status, headers or {})


class Cut:
    """In place of a piece: the connection breaks."""


@dataclass
class Streamed:
    """An answer that arrives piece by piece, as the test sends it."""

    headers: Headers
    pieces: "SimpleQueue[bytes | Cut | None]" = field(default_factory=SimpleQueue)
    """None is the end."""

    def say(self, text: str) -> None:
        self._put({"choices": [{"delta": {"content": text}}]})

    def fail(self, code: str, message: str) -> None:
        self._put({"error": {"message": message, "code": code}})
        self.pieces.put(None)

    def end(self, **costs: JsonValue) -> None:
        self._put({"choices": [{"delta": {}, "finish_reason": "stop"}], "route_switch": {**costs}})
        self.pieces.put(b"data: [DONE]\n\n")
        self.pieces.put(None)

    def _put(self, chunk: Answer) -> None:
        self.pieces.put(f"data: {json.dumps(chunk)}\n\n".encode())


Told = Response | Streamed
Answering = Told | Callable[[Any], Told]
TODAY = f"{NOW:%Y-%m-%d}"
REQUESTS_BEFORE = 11_150
"""In the 30 days before the last."""
EMPTY: Answer = {"object": "list", "data": [], "cursor": None, "has_more": False, "examined": 0}
APIS: dict[str, "FakeApi"] = {}
"""By key."""
_NUMBERS = count(1)


@dataclass
class FakeApi:
    """Answers as a stage with a month of traffic does. `answers` replaces answers, by
    `GET /v1/keys`; a function gets the body that was sent. `called` has each call with its body,
    `queries` its parameters and `headers` its headers. `held` keeps all waiting until the page
    gives up."""

    number_of_rows: int = 120
    answers: dict[str, Answering] = field(default_factory=dict)
    called: list[tuple[str, Any]] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    costs: Callable[[str], Answer] | None = None
    """In place of the usual sums, by the group."""
    held: bool = False
    change: Callable[[JsonValue], JsonValue] = lambda body: body
    """Applied to the body of every answer of GET."""

    def __post_init__(self) -> None:
        self.rows = requests(self.number_of_rows)
        self._answers = {**owners(), "/v1/models": models()}
        self.key = f"rs-{next(_NUMBERS)}"
        APIS[self.key] = self

    def bodies(self, call: str) -> list[Any]:
        """Return the bodies that were sent to `POST /v1/keys`, for example."""
        return [body for name, body in self.called if name == call]

    def respond(
        self, method: str, address: str, headers: dict[str, str], body: JsonValue
    ) -> Told | None:
        """Return the answer, or None to keep the page waiting."""
        parts = urlsplit(address)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        name = f"{method} {parts.path}"
        self.queries.append(query)
        self.headers.append(headers)
        self.called.append((name, body))
        if self.held:
            return None
        own = self.answers.get(name)
        given = own(body) if callable(own) else own
        found = given or self._respond(name, parts.path, parts.query, query)
        if method != "GET" or isinstance(found, Streamed) or found.status != 200:
            return found
        return Response(self.change(found.body), headers=found.headers)

    def _respond(self, name: str, path: str, raw_query: str, query: dict[str, str]) -> Response:
        if path == "/v1/costs" and self.costs is not None:
            return Response(self.costs(query.get("group_by", "day")))
        if path == "/v1/costs":
            is_past = query.get("to", TODAY) < TODAY
            number = REQUESTS_BEFORE if is_past else REQUESTS
            return Response(costs(query.get("group_by", "day"), number))
        if path == "/v1/results":
            limit, cursor = int(query.get("limit", "50")), query.get("cursor")
            return Response(results(self.rows, limit, cursor))
        if path.startswith("/v1/results/"):
            return Response(record(path.rsplit("/", 1)[1], self.rows))
        for each in (f"{path}?{raw_query}", path):
            if name.startswith("GET") and each in self._answers:
                return Response(self._answers[each])
        return refused(404, "not_found", f"The tests have no answer to {name}.")
