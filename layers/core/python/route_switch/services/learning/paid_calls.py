"""The only way that learning calls models."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pydantic import JsonValue

from route_switch.domain.ports import JsonObject
from route_switch.domain.usage import Usage


class Purpose(StrEnum):
    """What a call is paid for."""

    ANSWER = "answer"
    JUDGE = "judge"
    PROPOSER = "proposer"
    ROUTER = "router"


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's answer. Tokens are estimated when the provider does not report them.

    `tool_calls` are those of an OpenAI message.
    """

    text: str
    usage: Usage
    cost_usd: float
    latency_ms: float
    cut_off: bool = False
    """Whether the model ran into its output limit."""
    tool_calls: tuple[JsonObject, ...] = ()


class PaidCalls(Protocol):
    """Calls `name` (`provider/model`) at most once per request: the answer is kept for good.

    Thread-safe. Raises `InvalidModelRequestError` if the provider refuses this request,
    `ConfigurationError` if the model's price is unknown, and `RunStoppedError` if the cap or the
    deadline is reached or the provider stays down. Only the run itself may catch the latter. A
    refusal is kept for this process, or for this run of a stage: the next one asks again.
    `about` is the id of the request that the call concerns; it is kept with the answer, so that
    deleting the request finds it.
    """

    def __call__(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,
        *,
        about: str | None = None,
    ) -> Reply: ...
