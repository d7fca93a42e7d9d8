"""API Gateway's behavior, over HTTP."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from local.aws.client import StackInfo


@pytest.fixture
def http(stack: StackInfo) -> httpx.Client:
    return httpx.Client(base_url=stack.endpoint, timeout=20)


def post(http: httpx.Client, **order: Any) -> httpx.Response:
    return http.post("/v1/echo", json=order)


def test_a_request_runs_the_function_and_returns_its_answer(http: httpx.Client) -> None:
    response = post(http)
    assert response.status_code == 200
    assert response.headers["x-route-tier"] == "1"
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert response.json()["greeting"] == "hello"


def test_an_event_matches_api_gateways_format(http: httpx.Client) -> None:
    response = http.get("/v1/results/a%2Fb?x=1&x=2", headers=[("X-Two", "a"), ("X-Two", "b")])
    event = response.json()["event"]
    assert event["resource"] == "/v1/results/{id}"
    assert event["pathParameters"] == {"id": "a/b"}
    assert event["queryStringParameters"] == {"x": "2"}
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"]}
    assert event["multiValueHeaders"]["X-Two"] == ["a", "b"]
    assert event["body"] is None
    assert event["isBase64Encoded"] is False
    context = event["requestContext"]
    assert context["stage"] == "prod"
    assert context["resourcePath"] == "/v1/results/{id}"
    assert context["requestId"] == response.headers["x-amzn-requestid"]


def test_a_binary_body_arrives_as_base64(http: httpx.Client) -> None:
    event = post(http, note="ü").json()["event"]
    assert event["isBase64Encoded"] is True
    assert json.loads(base64.b64decode(event["body"])) == {"note": "ü"}


def test_a_chunked_body_arrives_complete(http: httpx.Client) -> None:
    response = http.post("/v1/echo", content=iter([b'{"note": ', b'"in chunks"}']))
    assert base64.b64decode(response.json()["event"]["body"]) == b'{"note": "in chunks"}'


def test_a_base64_answer_is_sent_as_bytes(http: httpx.Client) -> None:
    content = base64.b64encode(b"\xff\x00").decode()
    answer = {"statusCode": 201, "body": content, "isBase64Encoded": True}
    response = post(http, answer=answer)
    assert (response.status_code, response.content) == (201, b"\xff\x00")


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("DELETE", "/v1/echo")])
def test_an_unknown_route_gets_the_templates_gateway_response(
    http: httpx.Client, method: str, path: str
) -> None:
    response = http.request(method, path)
    assert response.status_code == 404
    assert response.json() == {"error": {"message": "Missing Authentication Token"}}


@pytest.mark.parametrize(
    "answer", [5, None, {"body": "x"}, {"statusCode": 200, "body": {}}, {"statusCode": 200, "a": 1}]
)
def test_a_malformed_answer_is_a_bad_gateway(http: httpx.Client, answer: object) -> None:
    response = post(http, answer=answer)
    assert response.status_code == 502
    assert response.json() == {"error": {"message": "Internal server error"}}


def test_a_failing_function_is_a_bad_gateway(http: httpx.Client) -> None:
    assert post(http, **{"raise": "secret"}).status_code == 502


def test_a_slow_function_is_a_gateway_timeout(http: httpx.Client) -> None:
    response = post(http, sleep=5.5)
    assert response.status_code == 504
    assert response.json() == {"error": {"message": "Endpoint request timed out"}}


@pytest.mark.parametrize("size", [7_000_000, 11_000_000])
def test_a_body_that_is_too_large_is_rejected(http: httpx.Client, size: int) -> None:
    response = http.post("/v1/echo", content=b"x" * size)
    assert response.status_code == 413


def test_parallel_requests_are_served_by_several_environments(http: httpx.Client) -> None:
    with ThreadPoolExecutor(10) as pool:
        # Four first: eight cold starts at once take longer than the API waits on a busy machine.
        for requests in (4, 10):
            responses = list(pool.map(lambda _: post(http, sleep=0.3), range(requests)))
    assert {response.status_code for response in responses} == {200}
    assert 2 <= len({response.json()["pid"] for response in responses}) <= 8
