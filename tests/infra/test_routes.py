"""The API's routes, streams, errors and logs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from infra.api import ERRORS, all_paths
from infra.routes import PAGES, ROUTES, STREAMED
from route_switch.wiring.settings import parse_settings
from tests.infra.conftest import LAMBDA_MOST_S, Synthesized, environment_of, synthesize_stage

API_GATEWAY_MOST_S = 900


def path_of(resources: Mapping[str, Any], name: str) -> str:
    """Return a resource's path; the API itself is no resource."""
    properties = resources[name]["Properties"]
    above = properties["ParentId"].get("Ref")
    return f"{path_of(resources, above) if above else ''}/{properties['PathPart']}"


def test_requests_of_every_protocol_are_streamed_and_no_other_route_is(prod: Synthesized) -> None:
    resources = prod.resources("AWS::ApiGateway::Resource")
    streamed = [
        (method["HttpMethod"], path_of(resources, method["ResourceId"]["Ref"]))
        for method in (m["Properties"] for m in prod.resources("AWS::ApiGateway::Method").values())
        if method["Integration"].get("ResponseTransferMode") == "STREAM"
    ]
    assert sorted(streamed) == sorted(STREAMED)
    paths = ("/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/completions")
    assert {("POST", path) for path in paths} == STREAMED


def test_a_stream_has_the_url_and_the_time_that_it_needs(prod: Synthesized) -> None:
    integrations = [
        m["Properties"]["Integration"]
        for m in prod.resources("AWS::ApiGateway::Method").values()
        if m["Properties"]["Integration"].get("ResponseTransferMode") == "STREAM"
    ]
    assert len(integrations) == len(STREAMED)
    for integration in integrations:
        parts = [p for p in integration["Uri"]["Fn::Join"][1] if isinstance(p, str)]
        assert any(":lambda:path/2021-11-15/functions/" in part for part in parts)
        assert parts[-1] == "/response-streaming-invocations"
        assert integration["Type"] == "AWS_PROXY"
        assert integration["TimeoutInMillis"] == API_GATEWAY_MOST_S * 1000
    timeout = prod.function("Router")["Timeout"]
    deadline_s = parse_settings(environment_of(prod, "Router")).router.request_deadline_s
    assert deadline_s == 300
    assert deadline_s + 10 == timeout < API_GATEWAY_MOST_S


def test_the_longest_deadline_fits_into_lambda(tmp_path: Path) -> None:
    stage = synthesize_stage(tmp_path, "local", settings={"router": {"request_deadline_s": 870}})
    assert stage.function("Router")["Timeout"] == 880 < LAMBDA_MOST_S


def test_the_api_has_exactly_its_routes(prod: Synthesized) -> None:
    parts = {
        name: (resource["Properties"]["ParentId"].get("Ref"), resource["Properties"]["PathPart"])
        for name, resource in prod.resources("AWS::ApiGateway::Resource").items()
    }

    def path(name: str | None) -> str:
        if name is None:  # the root
            return ""
        parent, part = parts[name]
        return f"{path(parent)}/{part}"

    methods = prod.resources("AWS::ApiGateway::Method").values()
    found = {
        (m["Properties"]["HttpMethod"], path(m["Properties"]["ResourceId"].get("Ref")))
        for m in methods
    }
    others = {("ANY", f"/{path.strip('/')}") for path in all_paths()}
    assert others > {("ANY", "/{proxy+}"), ("ANY", "/health"), ("ANY", "/v1")}
    assert {(method, path or "/") for method, path in found} == {*ROUTES, *PAGES, *others}
    (rest,) = prod.resources("AWS::ApiGateway::RestApi").values()
    assert rest["Properties"]["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert rest["Properties"]["BinaryMediaTypes"] == ["*/*"]


def test_the_api_takes_no_old_tls(prod: Synthesized) -> None:
    (rest,) = prod.resources("AWS::ApiGateway::RestApi").values()
    assert rest["Properties"]["SecurityPolicy"] == "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"
    assert rest["Properties"]["EndpointAccessMode"] == "STRICT"


def test_pages_of_listed_origins_may_read_api_gateways_errors(
    prod: Synthesized, tmp_path: Path
) -> None:
    origin = "https://app.example.com"
    settings: dict[str, JsonValue] = {"cors_origins": [origin]}
    pages = synthesize_stage(tmp_path, "dev", settings=settings)
    for stage, value in ((pages, f"'{origin}'"), (prod, None)):
        for response in stage.resources("AWS::ApiGateway::GatewayResponse").values():
            headers = response["Properties"].get("ResponseParameters", {})
            name = "gatewayresponse.header.Access-Control-Allow-Origin"
            assert headers.get(name) == value
    assert environment_of(pages, "Router")["CORS_ORIGINS"] == origin
    assert environment_of(pages, "Management")["CORS_ORIGINS"] == origin
    assert "CORS_ORIGINS" not in environment_of(prod, "Router")


def test_api_gateways_own_errors_are_openai_shaped(prod: Synthesized) -> None:
    responses = prod.resources("AWS::ApiGateway::GatewayResponse").values()
    found = {r["Properties"]["ResponseType"]: r["Properties"] for r in responses}
    assert found.keys() == {error.response for error in ERRORS}
    for response in found.values():
        template = response["ResponseTemplates"]["application/json"]
        body = json.loads(template.replace("$context.error.messageString", '"message"'))
        assert body["error"].keys() == {"message", "type", "param", "code"}
        assert body["error"]["message"]
    unknown = found["MISSING_AUTHENTICATION_TOKEN"]
    assert unknown["StatusCode"] == "404"
    assert "unknown_url" in unknown["ResponseTemplates"]["application/json"]


def test_clients_do_not_repeat_a_request_that_ran_out_of_time_after_models_were_paid(
    prod: Synthesized,
) -> None:
    responses = prod.resources("AWS::ApiGateway::GatewayResponse").values()
    headers = {
        response["Properties"]["ResponseType"]: response["Properties"].get("ResponseParameters", {})
        for response in responses
    }
    retry, no_retry = (
        {kind for kind, given in headers.items() if f"gatewayresponse.header.{name}" in given}
        for name in ("Retry-After", "x-should-retry")
    )
    assert retry == {"THROTTLED", "INTEGRATION_FAILURE"}
    assert no_retry == {"INTEGRATION_TIMEOUT"}


def test_no_gateway_log_contains_a_body(prod: Synthesized) -> None:
    (stage,) = prod.resources("AWS::ApiGateway::Stage").values()
    access = json.loads(stage["Properties"]["AccessLogSetting"]["Format"])
    wanted = {"status", "responseLatency", "integrationLatency", "integrationError", "traceId"}
    assert wanted <= access.keys()
    assert not [value for value in access.values() if "body" in value or "querystring" in value]
    (settings,) = stage["Properties"]["MethodSettings"]
    assert settings["DataTraceEnabled"] is False
    assert settings["ThrottlingRateLimit"] > 0
