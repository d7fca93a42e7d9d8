"""The clients' protocols: each is served, streamed and told apart by its path."""

from infra.routes import ROUTES, STREAMED
from route_switch.api.protocols.registry import PROTOCOLS, protocol_of


def test_every_protocol_has_a_streamed_route() -> None:
    paths = {("POST", protocol.path) for protocol in PROTOCOLS}
    assert paths == STREAMED
    assert {ROUTES[path] for path in paths} == {"router"}


def test_a_protocol_speaks_on_its_path_and_below_it() -> None:
    for protocol in PROTOCOLS:
        assert protocol_of(protocol.path) is protocol
        assert protocol_of(f"{protocol.path}/more") is protocol


def test_errors_on_other_paths_have_the_form_of_chat_completions() -> None:
    paths = ["/v1/models", "/v1/route", "", "/v1/unknown"]
    assert {protocol_of(path).path for path in paths} == {"/v1/chat/completions"}


def test_idempotency_keys_and_ids_distinguish_protocols() -> None:
    assert len({protocol.scope for protocol in PROTOCOLS}) == len(PROTOCOLS)
    assert len({protocol.id_prefix for protocol in PROTOCOLS}) == len(PROTOCOLS)
