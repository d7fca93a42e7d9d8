"""Pages of the stage's origins may call the API; others, and any page by default, may not."""

from typing import Any

import pytest
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from route_switch.api.cors import cors_config
from tests.support.context import FakeContext
from tests.support.events import api_event

PAGE, OTHER = "https://app.example.com", "https://evil.example.com"


def answer(origins: str, method: str, path: str, origin: str) -> dict[str, Any]:
    app = APIGatewayRestResolver(cors=cors_config(origins))
    app.get("/health")(lambda: Response(200, "application/json", "{}"))
    app.not_found(lambda _: Response(404, "application/json", "{}"))
    event = api_event(method, path, more_headers={"Origin": origin})
    found: dict[str, Any] = app.resolve(event, FakeContext())
    headers = {name.lower(): value[0] for name, value in found["multiValueHeaders"].items()}
    return {"status": found["statusCode"], **headers}


@pytest.mark.parametrize("path", ["/health", "/unknown"])
def test_answers_and_errors_can_be_read_by_pages_of_a_listed_origin(path: str) -> None:
    found = answer(f"https://one.example.com,{PAGE}", "GET", path, PAGE)
    assert found["access-control-allow-origin"] == PAGE
    assert "x-route-tier" in found["access-control-expose-headers"]


def test_a_preflight_allows_the_headers_of_openais_clients() -> None:
    found = answer(PAGE, "OPTIONS", "/health", PAGE)
    assert found["status"] == 204
    allowed = found["access-control-allow-headers"].lower().split(",")
    assert {"authorization", "content-type", "idempotency-key", "x-stainless-lang"} <= {*allowed}
    assert "GET" in found["access-control-allow-methods"]


@pytest.mark.parametrize(("origins", "origin"), [("", PAGE), (PAGE, OTHER)])
def test_no_other_page_may_read_an_answer(origins: str, origin: str) -> None:
    found = answer(origins, "GET", "/health", origin)
    assert not [name for name in found if name.startswith("access-control")]
