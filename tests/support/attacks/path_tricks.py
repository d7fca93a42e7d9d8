"""Paths, methods and headers that may mean one thing before the function and another inside it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from functions.management import handler as management_handler
from functions.owner import handler as owner_handler
from functions.router import handler as router_handler
from tests.integration.conftest import OTHER_KEY, Api
from tests.support.attacks.access_table import TEXT
from tests.support.context import FakeContext
from tests.support.events import api_event

PATHS: Mapping[str, Callable[[str], str]] = {
    "trailing slash": lambda path: f"{path}/",
    "double slashes": lambda path: path.replace("/", "//"),
    "dot segment": lambda path: f"/v1/./{path.removeprefix('/v1/')}",
    "parent segment": lambda path: f"/v1/models/../{path.removeprefix('/v1/')}",
    "parent of health": lambda path: f"/health/..{path}",
    "encoded slash": lambda path: path.replace("/v1/", "/v1%2F"),
    "double encoding": lambda path: path.replace("/v1/", "/v1%252F"),
    "encoded letters": lambda path: path[:4] + f"%{ord(path[4]):02x}" + path[5:],
    "encoded whole": lambda path: quote(path, safe=""),
    "matrix parameter": lambda path: f"{path};role=admin",
    "matrix in the middle": lambda path: path.replace("/v1/", "/v1;a=b/"),
    "upper case": str.upper,
    "backslash": lambda path: path.replace("/", "\\"),
    "NUL": lambda path: f"{path}\x00",
    "encoded NUL": lambda path: f"{path}%00.json",
    "line end": lambda path: f"{path}\n",
    "full width": lambda path: path.replace("/", "\uff0f"),
    "query in the path": lambda path: f"{path}%3Frole=admin",
    "fragment": lambda path: f"{path}#/health",
    "very long": lambda path: f"{path}/{'a/' * 50_000}",
    "stage in front": lambda path: f"/local{path}",
    "absolute": lambda path: f"http://localhost{path}",
}

HEADERS: Mapping[str, Mapping[str, str]] = {
    "method override": {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "GET"},
    "forwarded for": {"X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1"},
    "forwarded path": {"X-Forwarded-Prefix": "/admin", "X-Original-URL": "/health"},
    "rewritten path": {"X-Rewrite-URL": "/health", "X-Forwarded-Path": "/health"},
    "role": {"X-Role": "admin", "X-Admin": "true", "X-User-Role": "admin"},
    "key's id": {"X-Key-Id": "key_admin", "X-Amzn-Requestcontext": '{"authorizer": "admin"}'},
    "cookies": {"Cookie": "role=admin; session=1"},
    "host": {"Host": "localhost", "X-Forwarded-Host": "internal"},
}

PROTECTED = (
    *("/v1/costs", "/v1/prompt", "/v1/prompt/history", "/v1/audit"),
    *("/v1/keys", "/v1/switches", "/v1/runs", "/v1/learning"),
)
"""For admin keys only. A result of another key is another target."""
HANDLERS = {"router": router_handler, "management": management_handler, "owner": owner_handler}


@dataclass(frozen=True, slots=True)
class Trick:
    name: str
    target: str
    function: str
    status: int
    shows: bool
    """Whether the answer has what is protected."""


def play(api: Api, made: str) -> Iterator[Trick]:
    """Ask for each target with each trick, as another client, of each function. `made` is the id
    of a result of the first client."""
    for target in (*PROTECTED, f"/v1/results/{made}"):
        for name, change in PATHS.items():
            yield from _asked(name, target, "GET", change(target), {})
        for name, headers in HEADERS.items():
            for method in ("GET", "POST", "HEAD", "DELETE", "get", "OPTIONS"):
                yield from _asked(f"{name}, {method}", target, method, target, headers)


def _asked(
    name: str, target: str, method: str, path: str, headers: Mapping[str, str]
) -> Iterator[Trick]:
    for function, module in HANDLERS.items():
        event = api_event(method, "/x", None, OTHER_KEY, headers)
        event |= {"path": path, "resource": path}
        if "results" in target:
            event["pathParameters"] = {"id": target.rpartition("/")[2]}
        answer = module.lambda_handler(event, FakeContext())
        body, status = str(answer["body"]), int(str(answer["statusCode"]))
        words = (TEXT, '"instruction"', '"total', '"entries"', '"key_id"', '"effects"', '"month"')
        shown = any(word in body for word in words)
        yield Trick(name, target, function, status, status < 300 and (shown or method != "OPTIONS"))
