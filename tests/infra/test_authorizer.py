"""Authorization by IAM in front of the keys, by stage."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.api import PUBLIC
from infra.routes import PAGES, ROUTES
from tests.infra.conftest import Synthesized, synthesize_stage

Method = tuple[str, str]


@pytest.fixture(scope="module")
def iam(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    folder: Path = tmp_path_factory.mktemp("iam")
    return synthesize_stage(folder, "prod", settings={"authorizer": "iam"})


def authorizations(stage: Synthesized) -> Iterator[tuple[Method, str]]:
    """Yield the method and path of each API method, and its type of authorization."""
    resources = stage.resources("AWS::ApiGateway::Resource")

    def path_of(reference: dict[str, object]) -> str:
        resource = resources.get(str(reference.get("Ref")))
        if resource is None:
            return ""
        properties = resource["Properties"]
        return f"{path_of(properties['ParentId'])}/{properties['PathPart']}"

    for method in stage.resources("AWS::ApiGateway::Method").values():
        properties = method["Properties"]
        called = (properties["HttpMethod"], path_of(properties["ResourceId"]) or "/")
        yield called, properties["AuthorizationType"]


def test_with_iam_every_route_but_the_public_ones_needs_a_signature(iam: Synthesized) -> None:
    found = dict(authorizations(iam))
    routes = {route: found[route] for route in (*ROUTES, *PAGES)}
    assert {route for route, kind in routes.items() if kind != "AWS_IAM"} == PUBLIC
    # Preflight requests, and a 404 for everything unknown: they need no key either.
    others = {kind for (method, _), kind in found.items() if method == "ANY"}
    assert others == {"NONE"}


def test_by_default_no_method_needs_a_signature(prod: Synthesized) -> None:
    assert {kind for _, kind in authorizations(prod)} == {"NONE"}


def test_with_iam_an_unsigned_request_is_told_to_sign(iam: Synthesized) -> None:
    answers = {
        each["Properties"]["ResponseType"]: each["Properties"]
        for each in iam.resources("AWS::ApiGateway::GatewayResponse").values()
    }
    for response in ("MISSING_AUTHENTICATION_TOKEN", "INVALID_SIGNATURE"):
        assert answers[response]["StatusCode"] == "403"
        assert "execute-api" in answers[response]["ResponseTemplates"]["application/json"]


def test_notifications_name_no_console_that_cannot_call_the_api(iam: Synthesized) -> None:
    for function in iam.resources("AWS::Lambda::Function").values():
        variables = function["Properties"].get("Environment", {}).get("Variables", {})
        assert "CONSOLE_URL" not in variables
