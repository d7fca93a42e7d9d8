"""The session rule: which model answers the next turn of a conversation.

A provider keeps a conversation that it has read in a cache, for minutes, and reads it from there at
a tenth of the price. Another model starts with an empty cache. So:

- In an open tool loop, and where a model's own state is sent back to it, that model stays.
- Otherwise the router decides. The session moves up whenever the router says so. It moves down
  only if this saves more, over this turn and `FURTHER_TURNS`, than filling the other model's cache
  costs.
- After the cache's lifetime, or when another task begins, the session starts again.

Everything here is pure: the caller passes the state, the time and who may answer. docs/sessions.md
explains the rule with an example.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from route_switch.domain.pricing import Price, cost_usd
from route_switch.domain.signer import Signer
from route_switch.domain.tier_parameters import cached_as, split_name
from route_switch.domain.tiers import ModelCatalog, Tier
from route_switch.domain.usage import Usage

FURTHER_TURNS = 4
"""Requests after this one that a move down may count on. Nobody knows whether a conversation goes
on, but each turn of an agent makes several requests. In docs/session-simulation.md, four are as
good as one in chats and short tasks, and better in long ones."""

CACHE_S = 300
"""How long providers keep a prefix that is not read again, unless more is asked for."""

AUTOMATIC_MIN_TOKENS = 1024
"""The shortest prefix that providers cache by themselves, and the usual one on request."""

SHRUNK = 0.5
"""A conversation with less than this share of the input that the last answer read is another one:
it was cleared or summarized."""


class Move(StrEnum):
    """What happened to the session with this request."""

    NEW = "new"
    KEPT = "kept"
    UP = "moved up"
    DOWN = "moved down"


class Ground(StrEnum):
    """Why: a short reason for logs, records and explanations."""

    TOOL_LOOP = "a tool loop is open"
    PROVIDER_STATE = "the messages carry the model's own state"
    SAME_TIER = "the session is on this tier"
    ROUTER_SAYS_UP = "the router asks for a larger tier"
    SAME_MODEL = "the smaller tier has the same model"
    MOVE_SAVES = "moving down saves more than a new cache costs"
    MOVE_COSTS = "a new cache costs more than moving down saves"
    UNKNOWN_PRICE = "a price is unknown, so moving down may not save anything"
    NO_STATE = "no earlier answer is known"
    NOT_ELIGIBLE = "the session's model may not answer this request"
    FIRST_TURN = "a conversation begins"
    SHORTER = "the conversation is much shorter than before"
    COLD = "the cache has expired"


@dataclass(frozen=True, slots=True)
class SessionState:
    """What the last answer left behind.

    `input_tokens` is the whole input as the provider counted it, and `cached_tokens` what of it the
    provider reported as read from or written to its cache. `estimated_tokens` is the router's
    estimate of the input, as in `SessionTurn`. `answers` counts the answers that `model` has given
    in a row. `used_at` is the time in seconds since 1970 when the answer began, and `cache_s` the
    lifetime of the cache since then. `signer` is the model whose signed reasoning the conversation
    carries, if one has signed any.
    """

    tier: Tier
    model: str
    input_tokens: int
    cached_tokens: int
    estimated_tokens: int
    answers: int
    used_at: float
    cache_s: int = CACHE_S
    shadow_tier: Tier | None = None
    shadow_model: str | None = None
    signer: Signer | None = None

    @property
    def in_shadow(self) -> "SessionState | None":
        """The state as if routing had not only decided; None if it has decided nothing yet."""
        if self.shadow_tier is None or self.shadow_model is None:
            return None
        return replace(self, tier=self.shadow_tier, model=self.shadow_model, signer=None)

    @property
    def likely_signer(self) -> Signer:
        """The model whose signed reasoning the messages carry, if they carry any."""
        return self.signer or Signer(self.model)

    def is_warm(self, now: float) -> bool:
        return now - self.used_at <= self.cache_s

    def grown_to(self, estimated_tokens: int) -> int:
        """Return what the provider is likely to count for the next request: its count of the last
        one, and the estimate of what has been added."""
        return max(self.input_tokens + estimated_tokens - self.estimated_tokens, 0)


@dataclass(frozen=True, slots=True)
class CachedPart:
    """What cache points ask for: to keep the first `tokens` (tools and system messages), or the
    whole conversation as it grows. With `by_stage`, the stage sets them, for the models whose
    shortest prefix is known."""

    tokens: int | None = None
    by_stage: bool = False


@dataclass(frozen=True, slots=True)
class SessionTurn:
    """What the rule needs to know about a request. Tokens are estimates.

    `continues` says whether a model has answered before in this conversation, `tool_loop` whether
    tools that a model called have been or are to be answered, `provider_state` whether the messages
    carry state that only its own model can read, and `cached` what cache points ask for, of the
    providers that cache only on request.
    """

    input_tokens: int
    output_tokens: int
    continues: bool = True
    tool_loop: bool = False
    provider_state: bool = False
    cached: CachedPart | None = None

    @property
    def may_need_its_model(self) -> bool:
        return self.tool_loop or self.provider_state


def state_after(
    before: SessionState | None,
    turn: SessionTurn,
    tier: Tier,
    model: str,
    usage: Usage | None,
    began_at: float,
    cache_s: int = CACHE_S,
) -> SessionState:
    """Return the state after an answer to `turn` that `model` began at `began_at`. Without `usage`,
    the estimate stands for the input."""
    goes_on = before is not None and _fresh_start(turn, before, began_at) is None
    stayed = before is not None and goes_on and before.model == model
    return SessionState(
        tier,
        model,
        usage.input_tokens if usage else turn.input_tokens,
        usage.cached_input_tokens + usage.cache_write_tokens if usage else 0,
        estimated_tokens=turn.input_tokens,
        answers=before.answers + 1 if before is not None and stayed else 1,
        used_at=began_at,
        cache_s=cache_s,
    )


@dataclass(frozen=True, slots=True)
class Candidates:
    """The tiers and models that may answer the request: `tiers` is never empty."""

    tiers: frozenset[Tier]
    models: frozenset[str]


@dataclass(frozen=True, slots=True)
class SessionDecision:
    """`model` is to be called first; None is the tier's own model. `saved_usd` is the expected
    saving against the alternative, over this turn and `FURTHER_TURNS`; None if there was no
    alternative, or its price is unknown."""

    move: Move
    ground: Ground
    tier: Tier
    model: str | None = None
    saved_usd: float | None = None


def as_answered(
    decision: SessionDecision | None, tier: Tier, model: str | None
) -> SessionDecision | None:
    """Return the decision as it was carried out once `model` of `tier` has answered; None if the
    decided tier failed. A model that took the place of the one to keep starts with an empty
    cache."""
    if decision is None or tier is not decision.tier:
        return None
    if decision.model is None or model in (None, decision.model):
        return decision
    return replace(decision, move=Move.NEW, saved_usd=None)


@dataclass(frozen=True, slots=True)
class SessionRule:
    catalog: ModelCatalog
    further_turns: int = FURTHER_TURNS

    def held(
        self, turn: SessionTurn, state: SessionState | None, candidates: Candidates
    ) -> SessionDecision | None:
        """Return the decision if the model must stay, so that the router need not be asked. However
        old the state is: a tool may take an hour. A model that took the place of the signer reads
        the conversation without signed reasoning, as any other would."""
        if state is None:
            return None
        is_readable = turn.provider_state and state.likely_signer.is_model(state.model)
        if not (turn.tool_loop or is_readable):
            return None
        tier = self._tier_of(state, candidates)
        if tier is None:
            return None
        ground = Ground.TOOL_LOOP if turn.tool_loop else Ground.PROVIDER_STATE
        return SessionDecision(Move.KEPT, ground, tier, state.model)

    def moved(
        self,
        turn: SessionTurn,
        state: SessionState | None,
        wanted: Tier,
        candidates: Candidates,
        now: float,
    ) -> SessionDecision:
        """Return what happens to the session if the router asks for `wanted`, a candidate's tier.
        `now` is in seconds since 1970."""
        if state is None:
            return SessionDecision(Move.NEW, Ground.NO_STATE, wanted)
        tier = self._tier_of(state, candidates)
        if tier is None:
            return SessionDecision(Move.NEW, Ground.NOT_ELIGIBLE, wanted)
        ground = _fresh_start(turn, state, now)
        if ground is not None:
            return SessionDecision(Move.NEW, ground, wanted)
        if wanted == tier:
            return SessionDecision(Move.KEPT, Ground.SAME_TIER, tier, state.model)
        if wanted > tier:
            return SessionDecision(Move.UP, Ground.ROUTER_SAYS_UP, wanted)
        return self._down(turn, state, tier, wanted)

    def _down(
        self, turn: SessionTurn, state: SessionState, tier: Tier, wanted: Tier
    ) -> SessionDecision:
        other = self.catalog.tiers[wanted].name
        if cached_as(other) == cached_as(state.model):  # it has the cache already
            return SessionDecision(Move.DOWN, Ground.SAME_MODEL, wanted, other)
        stay_usd = self.expected_usd(state.model, turn, state, self.warm_tokens(state))
        move_usd = self.expected_usd(other, turn, state, 0)
        if stay_usd is None or move_usd is None:
            return SessionDecision(Move.KEPT, Ground.UNKNOWN_PRICE, tier, state.model)
        if stay_usd > move_usd:
            return SessionDecision(
                Move.DOWN, Ground.MOVE_SAVES, wanted, saved_usd=stay_usd - move_usd
            )
        return SessionDecision(Move.KEPT, Ground.MOVE_COSTS, tier, state.model, move_usd - stay_usd)

    def _tier_of(self, state: SessionState, candidates: Candidates) -> Tier | None:
        """Return the tier at which the session's model may answer, if possible its own; None if it
        may not."""
        if state.model not in candidates.models:
            return None
        tiers = self.catalog.tiers
        seats = [t for t in candidates.tiers if state.model in tiers[t].with_fallbacks]
        return min(seats, key=lambda t: (t != state.tier, t), default=None)

    def warm_tokens(self, state: SessionState) -> int:
        """Return how much of the conversation the session's model will read from its cache.

        A provider that caches on request has reported it. One that caches by itself reports only
        reads: after its first answer it has the whole input, and after further ones as well, unless
        it has read nothing.
        """
        price = self.catalog.price(state.model)
        if price is None or price.cached_input_usd_per_million is None:
            return 0
        if not _caches_by_itself(price):
            return state.cached_tokens
        reads = state.cached_tokens > 0 or state.answers == 1
        return state.input_tokens if reads and state.input_tokens >= AUTOMATIC_MIN_TOKENS else 0

    def expected_usd(
        self, model: str, turn: SessionTurn, state: SessionState, warm_tokens: int
    ) -> float | None:
        """Return the cost of this turn and of the further ones on `model`, of whose input
        `warm_tokens` are in its cache; None if its price is unknown.

        Each further turn is as long as this one: its input grows by the answer and by as much as
        the user has added now. A model with an effort or a thinking budget writes as many thoughts
        as there is room for, which do not come back as input. That is more than most answers take,
        so the rule rather follows the router to a tier that thinks less.
        """
        price = self.catalog.price(model)
        if price is None:
            return None
        by_itself = _caches_by_itself(price)
        written_tokens = turn.output_tokens + split_name(model)[1].thinking_room
        size, total_usd = state.grown_to(turn.input_tokens), 0.0
        growth = turn.output_tokens + max(size - state.input_tokens, 0)
        read = min(warm_tokens, size)
        for _ in range(self.further_turns + 1):
            kept = self._kept_tokens(model, turn, size, by_itself=by_itself)
            written = 0 if by_itself else max(kept - read, 0)
            usage = Usage(size, written_tokens, read, written)
            total_usd += cost_usd(usage, price) or 0.0
            read = kept
            size += growth
        return total_usd

    def _kept_tokens(self, model: str, turn: SessionTurn, size: int, *, by_itself: bool) -> int:
        """Return how much of an input of this size the model's provider keeps."""
        if by_itself:
            return size if size >= AUTOMATIC_MIN_TOKENS else 0
        shortest, cached = self.catalog.capabilities_of(model).cache_min_tokens, turn.cached
        if cached is None or (cached.by_stage and shortest is None):
            return 0
        kept = size if cached.tokens is None else min(cached.tokens, size)
        return kept if kept >= (shortest or AUTOMATIC_MIN_TOKENS) else 0


def warm_history(turn: SessionTurn, state: SessionState | None, now: float) -> int:
    """Return how many tokens of the conversation the last answer's model has in its cache if its
    provider caches: 0 if the session starts again."""
    if state is None or _fresh_start(turn, state, now) is not None:
        return 0
    return state.input_tokens


def _fresh_start(turn: SessionTurn, state: SessionState, now: float) -> Ground | None:
    """Return why the session starts again, if it does."""
    if not turn.continues:
        return Ground.FIRST_TURN
    if turn.input_tokens < SHRUNK * state.estimated_tokens:
        return Ground.SHORTER
    return None if state.is_warm(now) else Ground.COLD


def _caches_by_itself(price: Price) -> bool:
    """Whether the provider caches without being asked, and charges nothing for it: it has a price
    for reads and none for writes."""
    writes = price.cache_write_usd_per_million
    return price.cached_input_usd_per_million is not None and (writes is None or writes == 0)
