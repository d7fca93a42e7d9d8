"""The stored record of a request."""

from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import JsonValue

from route_switch.domain.decision import Reason
from route_switch.domain.pricing import Price, add_known, cost_usd
from route_switch.domain.shadow import ShadowReason
from route_switch.domain.tiers import ModelCatalog, Tier
from route_switch.domain.usage import Usage

AttemptStatus = Literal["answered", "failed", "timed_out"]
RequestStatus = Literal["answered", "failed", "dry_run"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One model call. `tier` is None for the router LLM's.

    `cost_usd` is None if the price or the tokens are unknown. A failed call costs what the provider
    reports to have used, or nothing (0.0) if it reports nothing. A call that ran out of time is
    charged all the same: if its late usage did not arrive in time, `usage` is an estimate of the
    input alone, and `estimated` is set. `adjusted` notes changes to the request's parameters.
    """

    model: str
    tier: Tier | None
    status: AttemptStatus
    latency_ms: float
    usage: Usage | None = None
    cost_usd: float | None = None
    estimated: bool = False
    error: str | None = None
    adjusted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Replay:
    """Everything in a request apart from the query that is needed to send it again.

    `conversation` holds the messages before the query, `params` the fields that shape an answer.
    """

    conversation: tuple[dict[str, JsonValue], ...] = ()
    params: dict[str, JsonValue] = field(default_factory=dict)


class NotReplayable(StrEnum):
    """Why a routed request cannot become an example."""

    EMPTY = "empty"
    ATTACHMENTS = "attachments"
    CONTINUED = "continued"
    """Messages follow the query: a tool result, or the start of an answer."""


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request, as `GET /v1/results/{id}` shows it.

    `tier`, `model` and `reason` describe the answer. `decided_tier` is where the query was sent
    first; `routed_tier` is what routing alone chose (`RoutingDecision`). `query_text` and
    `answer_text` hold the text, its HMAC or None, depending on the configuration. `routing_ms` is
    the time added to the answering models' own, excluding writing the record. `baseline_cost_usd`
    estimates the cost of the same request on Tier 3; it is None when there is no estimate.

    In shadow, `shadow_reason` says how routing decided beside the answer, and `shadow_tier` which
    tier it chose. `shadow_cost_usd` estimates what the request would have cost on that tier, its
    router call included. All three are None otherwise, and the last two also without a decision.

    `replay` is for learning only. It is None when learning must not use the request: the caller
    named the tier, no model answered, or the text must not be stored. `idempotency_id` names the
    item that holds the answer for a retry.
    """

    request_id: str
    key_id: str
    created_at: datetime
    status: RequestStatus
    tier: Tier
    decided_tier: Tier
    reason: Reason
    model: str | None
    prompt_version: str
    attempts: tuple[Attempt, ...]
    query_tokens: int
    latency_ms: float
    routing_ms: float
    baseline_cost_usd: float | None
    routed_tier: Tier | None = None
    provider_model: str | None = None
    user: str | None = None
    query_text: str | None = None
    answer_text: str | None = None
    replay: Replay | NotReplayable | None = None
    idempotency_id: str | None = None
    why: str = ""
    """The routing strategy's reason for its choice."""
    shadow_tier: Tier | None = None
    shadow_reason: ShadowReason | None = None
    shadow_cost_usd: float | None = None

    @property
    def router_cost_usd(self) -> float | None:
        return add_known(*(a.cost_usd for a in self.attempts if a.tier is None))

    @property
    def cost_usd(self) -> float | None:
        """The total cost of the request: router, answer and failed attempts."""
        return add_known(*(a.cost_usd for a in self.attempts))

    @property
    def known_cost_usd(self) -> float | None:
        """The same, or None when a tier's call timed out and may have cost more than its input. A
        timed-out router call costs little more than its input, so it counts."""
        late = any(attempt.estimated and attempt.tier is not None for attempt in self.attempts)
        return None if late else self.cost_usd

    @property
    def saved_usd(self) -> float | None:
        if self.baseline_cost_usd is None or self.cost_usd is None:
            return None
        return self.baseline_cost_usd - self.cost_usd

    @property
    def answer_cost_usd(self) -> float | None:
        """The cost of the answer and of failed attempts at it, without the router."""
        return add_known(*(a.cost_usd for a in self.attempts if a.tier is not None))

    @property
    def shadow_saved_usd(self) -> float | None:
        """What routing would have saved, net of its router call; None if it is unknown."""
        if self.answer_cost_usd is None or self.shadow_cost_usd is None:
            return None
        return self.answer_cost_usd - self.shadow_cost_usd

    @property
    def router_tokens(self) -> int:
        return sum(a.usage.total_tokens for a in self.attempts if a.tier is None and a.usage)


def estimate_baseline_usd(usage: Usage | None, tier: Tier, catalog: ModelCatalog) -> float | None:
    """Estimate what Tier 3 would have cost for an answer that `tier` gave with `usage`.

    Tier 3 would have read the same input but written an answer of a different length. Scale the
    output tokens by the tier's measured ratio; without a ratio there is no estimate.
    """
    ratio = 1.0 if tier is Tier.LARGE else catalog.tier_3_output_ratio.get(tier)
    price: Price | None = catalog.price(catalog.tiers[Tier.LARGE].model)
    if usage is None or ratio is None:
        return None
    return cost_usd(Usage(usage.input_tokens, round(usage.output_tokens * ratio)), price)


_SHOWN = tuple(
    each.name for each in fields(RequestRecord) if each.name not in {"replay", "idempotency_id"}
)


def record_as_json(record: RequestRecord) -> dict[str, JsonValue]:
    """Return the record with its derived figures, as it is stored and shown. Leave out the replay,
    which is stored separately and never shown."""
    return {
        # asdict of the whole record would deep-copy each value: 0.07 ms per request.
        **{name: getattr(record, name) for name in _SHOWN},
        "attempts": [asdict(attempt) for attempt in record.attempts],
        "created_at": record.created_at.isoformat(),
        "router_cost_usd": record.router_cost_usd,
        "cost_usd": record.cost_usd,
        "saved_usd": record.saved_usd,
        "router_tokens": record.router_tokens,
        # A Tier 3 answer is its own baseline. Any other is compared with an estimate.
        "baseline_estimated": record.tier is not Tier.LARGE,
    }
