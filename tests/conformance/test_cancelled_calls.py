"""A cancelled streamed call ends its connection, through every client."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import botocore.session
import pytest
from pydantic import JsonValue

from route_switch.adapters.models.bedrock import BedrockClient
from route_switch.adapters.models.botocore_deadlines import with_deadlines
from route_switch.adapters.models.litellm_client import LiteLlmClient, imported_litellm
from route_switch.adapters.models.openai_compatible import OpenAiCompatibleClient
from route_switch.domain.ports import JsonObject, ModelClient
from route_switch.services.call_models import ModelCaller
from route_switch.services.deadline import Deadline
from route_switch.services.live_answer import LiveAnswer, StreamLimits
from route_switch.wiring.router import pools_by_provider
from tests.conformance.as_events import of_bedrock
from tests.conformance.test_bedrock import CLIENT as BEDROCK
from tests.integration.conftest import CATALOG
from tests.support.upstream import Reply, Upstream, chunk, running_upstream

ENDS_WITHIN_S = 1.0
"""Of which the clients need `CANCEL_S`; the rest is for a busy machine."""
SILENCE_S = 30
Parts = Sequence[JsonValue | bytes]


def openai(upstream: Upstream) -> ModelClient:
    return OpenAiCompatibleClient(upstream.url, lambda: None)


def bedrock(upstream: Upstream) -> ModelClient:
    session = botocore.session.get_session()
    session.set_credentials("x", "x")
    client = session.create_client(
        "bedrock-runtime", region_name="eu-west-1", endpoint_url=upstream.url
    )
    return BedrockClient(with_deadlines(client))


def litellm(upstream: Upstream) -> ModelClient:
    imported_litellm()  # seconds, not in a call's time
    return LiteLlmClient("hosted_vllm", lambda: "key")


@dataclass(frozen=True)
class Provider:
    """`begins` is the beginning of its streamed answers, with content."""

    client_of: Callable[[Upstream], ModelClient]
    begins: Parts


def first_events_of_bedrock() -> Parts:
    events = of_bedrock(BEDROCK.routed)
    assert events is not None
    return events[:3]


OPENAI_BEGINS: Parts = [chunk({"role": "assistant", "content": "The"})]
PROVIDERS = {
    "openai": Provider(openai, OPENAI_BEGINS),
    "bedrock": Provider(bedrock, first_events_of_bedrock()),
    "litellm": Provider(litellm, OPENAI_BEGINS),
}


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
@pytest.mark.parametrize("goes_on", [False, True], ids=["silent", "writing"])
def test_a_cancelled_stream_ends_its_connection(
    provider: Provider, goes_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the provider is silent when the client leaves, or still writes."""
    begins = [*provider.begins]
    more = [part for _ in range(300) for part in (begins[-1], 0.1)] if goes_on else [SILENCE_S]
    with running_upstream(lambda _: Reply(parts=[*begins, *more])) as upstream:
        monkeypatch.setenv("HOSTED_VLLM_API_BASE", upstream.url)
        live = opened(provider.client_of(upstream))
        assert upstream.left == []
        left = time.monotonic()
        live.close()
        while not upstream.left:
            assert time.monotonic() - left < ENDS_WITHIN_S, "the connection is still open"
    assert len(upstream.calls) == 1, "a cancelled call is not repeated"


def opened(client: ModelClient) -> LiveAnswer:
    """Return an answer whose first token has arrived."""
    caller = ModelCaller(lambda _: client, CATALOG, pools_by_provider())
    messages: tuple[JsonObject, ...] = ({"role": "user", "content": "Hi"},)
    result = caller.open(
        "openai/medium", messages, {}, StreamLimits(10, SILENCE_S, is_last=True), Deadline(60)
    )
    assert result.live is not None, result.error
    return result.live
