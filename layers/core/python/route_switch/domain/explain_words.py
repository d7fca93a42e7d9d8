"""The sentences of an explanation. They are templates with figures: nothing that a model wrote is
quoted, only texts of the routing prompt."""

from collections.abc import Iterator
from dataclasses import dataclass

from route_switch.domain.decision import Reason, RoutingDecision
from route_switch.domain.explain_evidence import (
    costs_in_words,
    evidence_changes,
    evidence_in_words,
    in_usd,
)
from route_switch.domain.explain_local import LocalView, view_changes, view_in_words
from route_switch.domain.explanation import Evidence, Explanation, TierCost
from route_switch.domain.ports import JsonObject
from route_switch.domain.query import Query
from route_switch.domain.sessions import Ground, Move
from route_switch.domain.shadow import ShadowReason
from route_switch.domain.strategies.prompt_strategy import NAMED


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a decision.

    `answer` is where the request goes; `routed` is what routing decided: the same, the recorded
    decision in shadow, or None if routing was not asked. `named` is true if the request names its
    tier. `output_tokens` is the length that `costs` assume. `local` is what a local model says of
    the query, if one takes part.
    """

    query: Query
    bypass_tokens: int
    router: str
    strategy: str
    answer: RoutingDecision
    routed: RoutingDecision | None
    costs: tuple[TierCost, ...]
    output_tokens: int
    shadow: ShadowReason | None = None
    named: bool = False
    evidence: Evidence | None = None
    shows_demos: bool = False
    local: LocalView | None = None


def explain_in_words(facts: Facts) -> Explanation:
    evidence = facts.evidence
    return Explanation(
        (
            *_decision(facts),
            *(evidence_in_words(evidence, facts.shows_demos) if evidence else ()),
            *costs_in_words(facts.costs, facts.answer.tier, facts.output_tokens),
        ),
        tuple(_changes(facts)),
        facts.costs,
        evidence,
        facts.shows_demos,
        evidence.attempts if evidence else (),
        _local(facts),
    )


def _local(facts: Facts) -> JsonObject | None:
    is_used = facts.routed is not None and facts.routed.by_strategy
    return facts.local.as_json() if facts.local is not None and is_used else None


def _decision(facts: Facts) -> Iterator[str]:
    answer, routed = facts.answer, facts.routed
    tier = f"Tier {answer.tier.value}"
    if answer.reason is Reason.DEGRADED:
        yield f"The key's budget for this month is used up, so {tier} answers."
    elif answer.reason is Reason.OVERRIDE and facts.named:
        yield f"The request names {tier}, so the router was not asked."
    elif answer.reason is Reason.OVERRIDE:
        yield f"The owner has pinned a tier, so {tier} answers and the router was not asked."
    elif answer.reason is Reason.SHADOW:
        yield f"Routing is in shadow: {tier} answers, and what routing decides is only recorded."
        if routed is None:
            why = _NO_DECISION.get(facts.shadow, "it was not asked")
            yield f"Routing made no decision for this request: {why}."
    if routed is not None:
        yield from _routing(facts, routed)


_NO_DECISION: dict[ShadowReason | None, str] = {
    ShadowReason.NOT_SAMPLED: "the budget of shadow does not cover every request",
    ShadowReason.LATE: "the answer was ready first",
    ShadowReason.FAILED: "the routing strategy failed, and the owner's log has the error",
}


def _routing(facts: Facts, routed: RoutingDecision) -> Iterator[str]:
    """Say what routing itself chose, and then what limits or the session made of it."""
    if _was_unasked(routed):
        yield from _session(routed)
        return
    chosen, why = routed.routed_tier or routed.tier, routed.why.partition(";")[0]
    if routed.reason is Reason.BYPASS:
        yield (
            f"The query has about {_tokens(_size(facts.query))}, fewer than {facts.bypass_tokens}, "
            "so it goes to Tier 1 without a router call."
        )
    elif not routed.by_strategy:
        yield f"The router chose no tier ({why}), so the safe tier is used."
    elif facts.strategy == "prompt":
        yield f"{_router(facts)} {routed.prompt_version} and chose Tier {chosen.value}."
    elif facts.local is not None:
        named = chosen if rests_on_prompt(facts.strategy, routed) else None
        yield from view_in_words(facts.local, facts.router, named)
    else:
        yield f"The strategy '{facts.strategy}' chose Tier {chosen.value}: {why}."
    if routed.profile_tier is not None:
        chosen = routed.profile_tier
        yield f"The profile '{routed.profile}' makes that Tier {chosen.value}."
    if routed.reason is Reason.CAPPED:
        yield (
            "This key's share of Tier 3 is above its cap (max_upgrade_share), so "
            f"Tier {routed.tier.value} answers."
        )
    elif chosen is not routed.tier and routed.reason is not Reason.SESSION:
        yield (
            f"Tier {chosen.value} may not answer this request, so the nearest tier that may is "
            f"used: Tier {routed.tier.value}."
        )
    yield from _session(routed)


def rests_on_prompt(strategy: str, routed: RoutingDecision) -> bool:
    """Whether the router LLM read the prompt and chose the tier."""
    asks = strategy == "prompt" or routed.why.startswith(NAMED)
    return routed.by_strategy and asks


def _router(facts: Facts) -> str:
    if facts.evidence is not None and facts.evidence.by_comparison:
        what = "which compares texts) compared the request with the texts of the routing prompt"
        return f"The router ({facts.router}, {what}"
    return f"The router LLM ({facts.router}) read the routing prompt"


def is_held(routed: RoutingDecision) -> bool:
    """Whether the session's model has to stay."""
    session = routed.session
    return session is not None and session.ground in (Ground.TOOL_LOOP, Ground.PROVIDER_STATE)


def _was_unasked(routed: RoutingDecision) -> bool:
    """Whether the model has to stay and nothing was asked. A session that was found late has the
    strategy's reason before its own."""
    return is_held(routed) and routed.reason is Reason.SESSION and ";" not in routed.why


_MOVES = {
    Move.NEW: "starts over on",
    Move.KEPT: "stays on",
    Move.UP: "moves up to",
    Move.DOWN: "moves down to",
}


def _session(routed: RoutingDecision) -> Iterator[str]:
    session = routed.session
    if session is None or session.ground in (Ground.FIRST_TURN, Ground.NO_STATE):
        return
    if session.ground is Ground.SAME_TIER:
        yield f"The last answer of this conversation came from Tier {session.tier.value}."
        return
    unasked = " The router was not asked." if _was_unasked(routed) else ""
    saved = session.saved_usd
    saving = "" if saved is None else f" It expects to save {in_usd(saved)} by that."
    yield (
        f"The session {_MOVES[session.move]} Tier {session.tier.value}: {session.ground.value}."
        f"{unasked}{saving}"
    )


def _size(query: Query) -> int:
    return query.tokens + query.system_tokens + query.more_tokens


def _changes(facts: Facts) -> Iterator[str]:
    answer, routed = facts.answer, facts.routed
    if answer.reason is Reason.DEGRADED:
        yield "Routing resumes next month, or when the owner raises the key's budget."
        return
    if answer.reason is Reason.OVERRIDE:
        yield _UNNAMED if facts.named else _PINNED
        return
    if answer.reason is Reason.SHADOW:
        yield "Routing decides when the owner turns it on: route-switch switch routing on."
    if routed is None:
        return
    yield from _routing_changes(facts, routed)
    yield _NAMED


_PINNED = "The router decides again when the owner removes the pin."
_UNNAMED = 'Send "model": "auto" to let the router decide.'
_HELD_BY_TOOLS = "The router decides again once the assistant has answered without calling a tool."
_HELD_BY_STATE = (
    "The router decides again once the messages carry no reasoning that only this model can read."
)
_NAMED = (
    'A request can name its tier ("model": "tier-3"), or limit the choice with min_tier and '
    "max_tier."
)


def _routing_changes(facts: Facts, routed: RoutingDecision) -> Iterator[str]:
    if is_held(routed):
        yield _HELD_BY_STATE if _is_held_by_state(routed) else _HELD_BY_TOOLS
        return
    chosen = routed.profile_tier or routed.routed_tier or routed.tier
    if routed.profile_tier is not None and routed.routed_tier is not None:
        yield f"The profile 'balanced' would send it to Tier {routed.routed_tier.value}."
    if routed.reason is Reason.SESSION:
        yield (
            f"The session goes to Tier {chosen.value} when its cache has expired, or when moving "
            "saves more than filling another cache costs."
        )
    elif routed.reason is Reason.CAPPED:
        yield (
            "Tier 3 answers again when the key's share of it is back at the cap, or when the owner "
            "raises the cap: route-switch keys set."
        )
    elif chosen is not routed.tier:
        yield f"Tier {chosen.value} answers if the request, its key and its models allow that."
    if routed.reason is Reason.BYPASS:
        yield (
            f"The router is asked about queries of {facts.bypass_tokens} tokens or more, and about "
            "any query with a conversation, tools or attachments."
        )
    elif routed.reason is Reason.FALLBACK:
        yield (
            "The router decides when it names a tier. If it is off, the owner can turn it on "
            "(route-switch switch routing on); a key with a budget also needs its price."
        )
    if facts.local is not None and routed.by_strategy:
        yield from view_changes(facts.local)
    if facts.evidence is not None:
        yield from evidence_changes(facts.evidence)


def _is_held_by_state(routed: RoutingDecision) -> bool:
    return routed.session is not None and routed.session.ground is Ground.PROVIDER_STATE


def _tokens(number: int) -> str:
    return "1 token" if number == 1 else f"{number} tokens"
