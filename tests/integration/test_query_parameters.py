"""Query parameters: what a route does not know is refused, so that a misspelled filter never lists
everything."""

import re
from typing import Any

import pytest

from infra.routes import ROUTES
from route_switch.api.openapi import document
from tests.integration.conftest import ADMIN_KEY, CLIENT_KEY, Api

CHECKED = sorted(
    (method, path)
    for (method, path), function in ROUTES.items()
    if function in ("management", "owner") and path != "/openapi.json"
)
LISTS = ["/v1/results", "/v1/costs", "/v1/audit", "/v1/runs", "/v1/prompt"]


def known(method: str, path: str) -> list[str]:
    """Return the query parameters that the OpenAPI document names."""
    described: Any = document()
    operation = described["paths"][path][method.lower()]
    named = (
        described["components"]["parameters"][each["$ref"].rpartition("/")[2]]
        for each in operation["parameters"]
    )
    return [each["name"] for each in named if each["in"] == "query"]


def filled(path: str) -> str:
    return re.sub(r"\{\w+\}", "key_1", path)


@pytest.mark.parametrize(("method", "path"), CHECKED)
def test_every_route_refuses_a_parameter_that_it_does_not_know(
    shared_api: Api, method: str, path: str
) -> None:
    for name in ("keys", "Limit", "limit%20", "%00", "x" * 300):
        refused = shared_api(method, f"{filled(path)}?{name}=x", None, ADMIN_KEY)
        assert (refused.status, refused.error["code"]) == (400, "unknown_parameter"), refused.text
        assert len(str(refused.error["param"])) <= 100
        message = str(refused.error["message"])
        takes = re.sub(r".* (It takes [^.]*)\.$", r"\1", message, flags=re.DOTALL)
        names = takes.removeprefix("It takes ").split(", ")
        assert sorted(names) == sorted(known(method, path) or ["none"])


@pytest.mark.parametrize(("method", "path"), CHECKED)
def test_an_unknown_parameter_does_not_answer_without_a_key(
    shared_api: Api, method: str, path: str
) -> None:
    assert shared_api(method, f"{filled(path)}?x=1", None, "rs-unknown").status == 401


@pytest.mark.parametrize("path", LISTS)
def test_a_client_key_is_refused_before_its_parameters(shared_api: Api, path: str) -> None:
    assert shared_api("GET", f"{path}?x=1", None, CLIENT_KEY).status == 403


@pytest.mark.parametrize("path", LISTS)
def test_a_parameter_that_is_sent_twice_is_refused(shared_api: Api, path: str) -> None:
    name = known("GET", path)[0]
    refused = shared_api("GET", f"{path}?{name}=1&{name}=2", None, ADMIN_KEY)
    assert (refused.status, refused.error["param"]) == (400, name)
    assert "Send it once" in str(refused.error["message"])


def test_what_the_document_names_is_accepted(shared_api: Api) -> None:
    for query in (
        "/v1/results?limit=1&tier=1&reason=router&model=x/y&key=k&status=failed&thumb=up"
        "&min_cost_usd=1&error=any&from=2026-01-01&to=2026-01-02",
        "/v1/costs?from=2026-01-01&to=2026-01-31&group_by=tier",
        "/v1/audit?what=keys&limit=1",
        "/v1/runs?limit=1",
    ):
        assert shared_api("GET", query, None, ADMIN_KEY).status == 200, query
