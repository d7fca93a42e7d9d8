"""The only way that learning calls models."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pydantic import JsonValue

from route_switch.domain.ports import JsonObject
from route_switch.domain.pricing import Usage


class Purpose(StrEnum):
    """What a call is paid for."""

    ANSWER = "answer"
    JUDGE = "judge"
    PROPOSER = "proposer"
    ROUTER = "router"


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's answer. Tokens are estimated when the provider does not report them."""

    text: str
    usage: Usage
    cost_usd: float
    latency_ms: float


class PaidCalls(Protocol):
    """Calls `name` (`provider/model`) at most once per request: the answer is kept for good.

    Thread-safe. Raises `InvalidModelRequestError` if the provider refuses this request (the refusal
    is kept as well), `ConfigurationError` if the model's price is unknown, and `RunStoppedError` if
    the cap or the deadline is reached or the provider stays down. Only the run itself may catch the
    latter.
    """

    def __call__(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,
    ) -> Reply: ...
