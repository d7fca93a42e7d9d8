"""The stored record of a request."""

from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import JsonValue

from route_switch.domain.baseline import SavingBasis
from route_switch.domain.decision import Reason
from route_switch.domain.pricing import add_known
from route_switch.domain.profiles import BALANCED, Profile
from route_switch.domain.sessions import Move
from route_switch.domain.shadow import ShadowReason
from route_switch.domain.tiers import Tier
from route_switch.domain.usage import RARE_TOKENS, Usage

AttemptStatus = Literal["answered", "partial", "failed", "timed_out"]
RequestStatus = Literal["answered", "partial", "failed", "dry_run"]
"""`partial` is an answer that broke off while it was streamed."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One model call. `tier` is None for the router LLM's.

    `cost_usd` is None if the price or the tokens are unknown. A failed call costs what the provider
    reports to have used, or nothing (0.0) if it reports nothing. A call that ran out of time is
    charged all the same: if its late usage did not arrive in time, `usage` is an estimate of the
    input alone, and `estimated` is set; the same goes for an answer that broke off before its usage
    was reported, with its output so far, and for a router call that an answer in shadow did not
    wait for, with all that it may have written. `adjusted` notes changes to the request's
    parameters. `first_token_ms` is the time to the first token of a streamed answer. `purpose` is
    set if the call served neither the decision nor the answer: `explain`.
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
    first_token_ms: float | None = None
    purpose: Literal["explain"] | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """Everything in a request apart from the query that is needed to send it again.

    `conversation` holds the messages before the query, `params` the fields that shape an answer.
    `turn` holds the messages from the query on, if they are more than its text. `tool_calls` are
    those of the answer that was given.
    """

    conversation: tuple[dict[str, JsonValue], ...] = ()
    params: dict[str, JsonValue] = field(default_factory=dict)
    turn: tuple[dict[str, JsonValue], ...] = ()
    tool_calls: tuple[dict[str, JsonValue], ...] = ()


class NotReplayable(StrEnum):
    """Why a routed request cannot become an example."""

    EMPTY = "empty"
    CONTINUED = "continued"
    """The last message is the start of an answer. Earlier versions counted tool results too."""
    TOO_LARGE = "too_large"
    """Its messages are longer than `replay.MAX_REPLAY_BYTES`."""
    ATTACHMENTS = "attachments"
    """It has attachments. Only earlier versions counted this."""


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request, as `GET /v1/results/{id}` shows it.

    `tier`, `model` and `reason` describe the answer. `decided_tier` is where the query was sent
    first; `routed_tier` is what routing alone chose (`RoutingDecision`). `profile` is the routing
    profile. `query_text` and
    `answer_text` hold the text, its HMAC or None, depending on the configuration. `routing_ms` is
    the time added to the answering models' own, excluding writing the record. `baseline_cost_usd`
    estimates the cost of the same request on Tier 3, between `baseline_low_usd` and
    `baseline_high_usd`; `baseline_basis` says what it rests on, or why it is None.

    In shadow, `shadow_reason` says how routing would have decided, and `shadow_tier` which
    tier it chose. `shadow_cost_usd` estimates what the request would have cost on that tier, its
    router call included, between `shadow_cost_low_usd` and `shadow_cost_high_usd`. All are None
    otherwise, and all but the reason also without a decision.

    `replay` is for learning only. It is None when learning must not use the request: the caller
    named the tier, no model answered, or the text must not be stored. `idempotency_id` names the
    item that holds the answer for a retry.

    `session` says what the session rule made of a conversation, and `session_saved_usd` what it
    expected to save by that (`domain.sessions`). `session_id` names the item with its state.
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
    strategy: str | None = None
    """`local` or `hybrid` if a local model took part in the decision, in shadow too; otherwise
    None: a name in every record would cost every record a write unit."""
    shadow_tier: Tier | None = None
    shadow_reason: ShadowReason | None = None
    shadow_cost_usd: float | None = None
    shadow_cost_low_usd: float | None = None
    shadow_cost_high_usd: float | None = None
    baseline_low_usd: float | None = None
    baseline_high_usd: float | None = None
    baseline_basis: SavingBasis = SavingBasis.NO_ANSWER
    session: Move | None = None
    session_saved_usd: float | None = None
    session_id: str | None = None
    profile: Profile = BALANCED
    skipped_models: tuple[str, ...] = ()
    """Models that were skipped when their turn came, because they keep failing."""

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
        return self._saved_usd(self.baseline_cost_usd)

    @property
    def saved_usd_low(self) -> float | None:
        return self._saved_usd(_first_known(self.baseline_low_usd, self.baseline_cost_usd))

    @property
    def saved_usd_high(self) -> float | None:
        return self._saved_usd(_first_known(self.baseline_high_usd, self.baseline_cost_usd))

    def _saved_usd(self, baseline_usd: float | None) -> float | None:
        if baseline_usd is None or self.cost_usd is None:
            return None
        return baseline_usd - self.cost_usd

    @property
    def saving_basis(self) -> SavingBasis:
        """The basis of the saving, or the reason why it is unknown."""
        if self.baseline_cost_usd is None or self.cost_usd is not None:
            return self.baseline_basis
        counted = all(each.usage for each in self.attempts if each.cost_usd is None)
        return SavingBasis.NO_PRICE if counted else SavingBasis.NO_TOKENS

    @property
    def answer_cost_usd(self) -> float | None:
        """The cost of the answer and of failed attempts at it, without the router."""
        return add_known(*(a.cost_usd for a in self.attempts if a.tier is not None))

    @property
    def shadow_saved_usd(self) -> tuple[float, float, float] | None:
        """What routing would have saved, net of its router call, with its lowest and its highest
        value; None if it is unknown."""
        costs = (self.shadow_cost_usd, self.shadow_cost_high_usd, self.shadow_cost_low_usd)
        answer_usd, (usd, high, low) = self.answer_cost_usd, costs
        if answer_usd is None or usd is None or high is None or low is None:
            return None
        return answer_usd - usd, answer_usd - high, answer_usd - low

    @property
    def asked_router(self) -> bool:
        """Whether the router LLM was called for the decision."""
        return any(a.tier is None and a.purpose is None for a in self.attempts)

    @property
    def router_tokens(self) -> int:
        """Tokens of the router call. Those of an explanation are not part of it."""
        calls = (a for a in self.attempts if a.tier is None and a.purpose is None)
        return sum(call.usage.total_tokens for call in calls if call.usage)


def _first_known(usd: float | None, otherwise: float | None) -> float | None:
    return otherwise if usd is None else usd


_HIDDEN = {
    "replay",
    "idempotency_id",
    "baseline_low_usd",
    "baseline_high_usd",
    "baseline_basis",
    "shadow_cost_low_usd",
    "shadow_cost_high_usd",
    "session_id",
}
_SHOWN_IF_KNOWN = {"strategy", "session", "session_saved_usd"}
_USUAL: dict[str, object] = {"profile": BALANCED, "skipped_models": ()}
"""Values that most records have. A record leaves them out: they would cost it a write unit."""
_SHOWN = tuple(each.name for each in fields(RequestRecord) if each.name not in _HIDDEN)


def _attempt_as_json(attempt: Attempt) -> dict[str, JsonValue]:
    shown = asdict(attempt)
    for name in ("first_token_ms", "purpose"):
        if shown[name] is None:  # it would cost every record a write unit
            del shown[name]
    for name in RARE_TOKENS if attempt.usage else ():
        if not shown["usage"][name]:
            del shown["usage"][name]
    return shown


def _shown_fields(record: RequestRecord) -> dict[str, JsonValue]:
    # asdict of the whole record would deep-copy each value: 0.07 ms per request.
    values: dict[str, JsonValue] = {name: getattr(record, name) for name in _SHOWN}
    return {name: value for name, value in values.items() if _is_shown(name, value)}


def _is_shown(name: str, value: JsonValue) -> bool:
    if name in _USUAL:
        return value != _USUAL[name]
    return value is not None or name not in _SHOWN_IF_KNOWN


def record_as_json(record: RequestRecord) -> dict[str, JsonValue]:
    """Return the record with its derived figures, as it is stored and shown. Leave out the replay,
    which is stored separately and never shown."""
    return {
        **_shown_fields(record),
        "attempts": [_attempt_as_json(attempt) for attempt in record.attempts],
        "created_at": record.created_at.isoformat(),
        "router_cost_usd": record.router_cost_usd,
        "cost_usd": record.cost_usd,
        "saved_usd": record.saved_usd,
        "saved_usd_low": record.saved_usd_low,
        "saved_usd_high": record.saved_usd_high,
        "saving_basis": record.saving_basis.value,
        "router_tokens": record.router_tokens,
        "baseline_estimated": record.saving_basis.is_estimate,
    }
