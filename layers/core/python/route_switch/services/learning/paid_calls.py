"""The one door through which learning calls models."""

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
    """What a model answered. Tokens are estimated where the provider does not report them."""

    text: str
    usage: Usage
    cost_usd: float
    latency_ms: float
    cut_off: bool = False
    """Whether the model ran into its output limit."""


class PaidCalls(Protocol):
    """Calls `name` (`provider/model`) once and never again: an answer is kept for good.

    Safe to use from many threads. Raises `InvalidModelRequestError` if the provider refuses this
    very request (kept as well), and `RunStoppedError`, which nobody catches but the run itself, if
    the cap or the deadline is reached or the provider stays down; `ConfigurationError` for a model
    whose price is unknown.
    """

    def __call__(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,
    ) -> Reply: ...
