"""Kept connections to a provider that are gone when they are used again."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from route_switch.adapters.models.openai_compatible import OpenAiCompatibleClient
from route_switch.adapters.models.provider_http import IDLE_S, ProviderHttp
from route_switch.domain.completion import complete
from route_switch.domain.ports import ModelCall
from tests.integration.conftest import LONG, MakeApi, record_of
from tests.support.raw_server import CHUNKED, RawServer, answer, raw_server
from tests.support.upstream import DONE, chunk, completion, event, running_upstream


def once(connection: socket.socket, number: int, _: RawServer) -> bool:
    """Answer the first request of a connection, and hang up on the second."""
    if number == 1:
        answer(connection)
    return number == 1


def never(*_: object) -> bool:
    return False


def post(http: ProviderHttp, server: RawServer) -> int:
    return http.post(httpx.URL(server.url), {}, {}, 5).status


def test_a_dropped_connection_is_replaced_and_escalates_no_tier(make_api: MakeApi) -> None:
    with raw_server(once) as server:
        api = make_api(openai_base_url=server.url)
        answers = [api.chat(LONG) for _ in range(3)]
        assert [a.headers["x-route-tier"] for a in answers] == ["2"] * 3
        for each in answers:
            record = record_of(api, each.body["id"])
            assert record["reason"] == "router"
            assert isinstance(record["attempts"], list)
            assert len(record["attempts"]) == 2, "a repeat is no further attempt"


def test_a_repeat_never_takes_another_kept_connection() -> None:
    """All of them may be gone: the network drops them together."""
    with raw_server(once) as server, ThreadPoolExecutor(4) as pool:
        http = ProviderHttp(tls=False)
        assert [*pool.map(lambda _: post(http, server), range(4))] == [200] * 4
        kept = len(server.requests)
        assert post(http, server) == 200
        assert server.requests[kept:] == [1], "the repeat is the first request of a new connection"


def test_a_server_that_never_answers_is_asked_twice_per_model(make_api: MakeApi) -> None:
    with raw_server(never) as server:
        api = make_api(openai_base_url=server.url)
        failed = api.chat("hello", model="tier-2")
        assert (failed.status, failed.error["code"]) == (502, "upstream_failed")
        assert server.requests == [1, 1]


def test_connections_are_not_used_again_after_a_pause() -> None:
    now = 0.0
    with raw_server(once) as server:
        http = ProviderHttp(tls=False, clock=lambda: now)
        post(http, server)
        now += IDLE_S + 1
        post(http, server)
        assert server.requests == [1, 1], "the first connection got no second request"


@pytest.mark.parametrize(
    ("base", "path"),
    [
        (
            "/openai/deployments/x?api-version=2024-10-21",
            "/openai/deployments/x/chat/completions?api-version=2024-10-21",
        ),
        ("/v1/", "/v1/chat/completions"),
        ("", "/chat/completions"),
    ],
)
def test_the_path_of_a_base_address_goes_before_its_query(base: str, path: str) -> None:
    with running_upstream(lambda _: completion("Hi.")) as upstream:
        address = upstream.url.removesuffix("/v1") + base
        call = ModelCall("m", ({"role": "user", "content": "Hi"},))
        complete(OpenAiCompatibleClient(address, lambda: None).stream(call))
        assert upstream.paths == [path]


def a_stream(connection: socket.socket, _: int, __: RawServer) -> bool:
    body = b"".join(event(each) for each in (chunk({"content": "Hi."}), chunk({}, "stop"))) + DONE
    connection.sendall(CHUNKED + b"%x\r\n%b\r\n" % (len(body), body))
    connection.sendall(b"0\r\n\r\n")
    return True


def test_a_stream_leaves_its_connection_to_the_next_call() -> None:
    """A new one would cost a TLS handshake, before the first token of each answer."""
    with raw_server(a_stream) as server:
        client = OpenAiCompatibleClient(server.url, lambda: None)
        for _ in range(3):
            call = ModelCall("m", ({"role": "user", "content": "Hi"},), {}, 5, True)
            assert complete(client.stream(call)).text == "Hi."
        assert server.requests == [3]


def without_an_end(connection: socket.socket, _: int, server: RawServer) -> bool:
    body = event(chunk({"content": "Hi."}, "stop")) + DONE
    connection.sendall(CHUNKED + b"%x\r\n%b\r\n" % (len(body), body))
    server.stopped.wait()
    return False


def test_a_server_that_does_not_end_its_stream_does_not_hold_up_the_answer() -> None:
    with raw_server(without_an_end) as server:
        call = ModelCall("m", ({"role": "user", "content": "Hi"},), {}, 30, True)
        started = time.monotonic()
        assert complete(OpenAiCompatibleClient(server.url, lambda: None).stream(call)).text == "Hi."
        assert time.monotonic() - started < 5
