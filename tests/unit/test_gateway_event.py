"""What API Gateway's events say of waiting and of base paths."""

import pytest

from route_switch.api.gateway_event import waited_s, without_base_path


def test_the_time_limit_begins_when_api_gateway_receives_the_request() -> None:
    event = {"requestContext": {"requestTimeEpoch": 1_794_000_000_000}}
    assert waited_s(event, 1_794_000_004.5) == pytest.approx(4.5)
    assert waited_s(event, 1_794_000_040.0) == pytest.approx(40), "API Gateway has hung up already"


@pytest.mark.parametrize(
    ("event", "now"),
    [
        ({}, 5.0),
        ({"requestContext": {}}, 5.0),
        ({"requestContext": {"requestTimeEpoch": "soon"}}, 5.0),
        ({"requestContext": {"requestTimeEpoch": 6000}}, 5.0),  # its clock is ahead
        ({"requestContext": {"requestTimeEpoch": 1000}}, 1e9),  # a recorded event
    ],
)
def test_an_event_without_a_usable_time_has_not_waited(
    event: dict[str, object], now: float
) -> None:
    assert waited_s(event, now) == 0


@pytest.mark.parametrize(
    ("path", "resource", "expected"),
    [
        ("/llm/health", "/health", "/health"),
        ("/a/b/v1/chat/completions", "/v1/chat/completions", "/v1/chat/completions"),
        ("/llm/v1/models/openai/gpt-4o", "/v1/models/{id+}", "/v1/models/openai/gpt-4o"),
        ("/v1/models/x/v1/models/y", "/v1/models/{id+}", "/v1/models/x/v1/models/y"),
        ("/llm/v1/results/chatcmpl-1", "/v1/results/{id}", "/v1/results/chatcmpl-1"),
        ("/llm/v1/users/a%2Fb", "/v1/users/{user}", "/v1/users/a%2Fb"),
        ("/health", "/health", "/health"),
        ("/v2/unknown", "/{proxy+}", "/v2/unknown"),
        ("/elsewhere", "/health", "/elsewhere"),
    ],
)
def test_the_base_path_of_a_custom_domain_is_not_part_of_the_route(
    path: str, resource: str, expected: str
) -> None:
    assert without_base_path({"path": path, "resource": resource})["path"] == expected
