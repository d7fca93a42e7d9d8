"""Requests as they come through custom domains, and after a long start of the function."""

import time

from tests.integration.conftest import CLIENT_KEY, HANDLERS, LONG, Api
from tests.support.context import FakeContext
from tests.support.events import api_event, chat_event


def test_a_base_path_of_a_custom_domain_is_not_part_of_the_route(api: Api) -> None:
    for name, path in (("router", "/v1/models"), ("management", "/openapi.json")):
        event = api_event("GET", path, key=CLIENT_KEY) | {"path": f"/llm{path}"}
        assert HANDLERS[name](event, FakeContext())["statusCode"] == 200


def test_a_request_that_waited_until_its_limit_pays_for_no_model(api: Api) -> None:
    event = chat_event(LONG, CLIENT_KEY)
    received_ms = (time.time() - 40) * 1000
    event["requestContext"] = {"requestId": "r", "stage": "s", "requestTimeEpoch": received_ms}
    answer = HANDLERS["router"](event, FakeContext())
    assert answer["statusCode"] == 504
    assert api.upstream.models_called() == []
