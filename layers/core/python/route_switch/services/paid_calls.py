"""The one door through which learning calls models: remembered, capped, paced."""

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
    """What a model answered. `cost_usd` is None where the price is unknown."""

    text: str
    usage: Usage | None
    cost_usd: float | None
    latency_ms: float


class PaidCalls(Protocol):
    """Calls `name` (`provider/model`) once and never again: an answer is kept for good.

    Safe to use from many threads. Raises `InvalidModelRequestError` if the provider refuses this
    very request (kept as well), and `RunStoppedError`, which nobody catches but the run itself, if
    the cap or the deadline is reached or the provider stays down.
    """

    def __call__(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,
    ) -> Reply: ...
