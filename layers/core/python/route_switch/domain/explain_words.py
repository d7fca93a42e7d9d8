"""The sentences of an explanation. They are templates with figures: nothing that a model wrote is
quoted, only texts of the routing prompt."""

from collections.abc import Iterator
from dataclasses import dataclass

from route_switch.domain.decision import Reason, RoutingDecision
from route_switch.domain.explanation import Evidence, Explanation, TierCost, Weighing
from route_switch.domain.prompt_texts import PromptText
from route_switch.domain.query import Query
from route_switch.domain.shadow import ShadowReason
from route_switch.domain.tiers import Tier

MAX_QUOTED = 240
"""Characters of a quoted text."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a decision.

    `answer` is where the request goes; `routed` is what routing decided: the same, the decision
    beside it in shadow, or None if routing was not asked. `named` is true if the request names its
    tier. `output_tokens` is the length that `costs` assume.
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


def explain_in_words(facts: Facts) -> Explanation:
    evidence = facts.evidence
    return Explanation(
        (*_decision(facts), *_evidence(facts), *_costs(facts)),
        tuple(_changes(facts)),
        facts.costs,
        evidence,
        facts.shows_demos,
        evidence.attempts if evidence else (),
    )


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
    chosen = routed.routed_tier or routed.tier
    if routed.reason is Reason.BYPASS:
        yield (
            f"The query has about {_tokens(facts.query.tokens)}, fewer than {facts.bypass_tokens}, "
            "so it goes to Tier 1 without a router call."
        )
    elif routed.reason is Reason.FALLBACK:
        yield f"The router chose no tier ({routed.why}), so the safe tier is used."
    elif facts.strategy == "prompt":
        yield (
            f"The router LLM ({facts.router}) read the routing prompt {routed.prompt_version} and "
            f"chose Tier {chosen.value}."
        )
    else:
        yield f"The strategy '{facts.strategy}' chose Tier {chosen.value}: {routed.why}."
    if chosen is not routed.tier:
        yield (
            f"Tier {chosen.value} may not answer this request, so the nearest tier that may is "
            f"used: Tier {routed.tier.value}."
        )


def _evidence(facts: Facts) -> Iterator[str]:
    evidence = facts.evidence
    if evidence is None:
        return
    if evidence.weighing is not None:
        yield from _weighing(facts, evidence.weighing)
    elif evidence.text is not None:
        yield (
            "Asked for its reason in a second call, the router LLM named "
            f"{_quoted(facts, evidence.text)}"
        )
    elif evidence.was_asked and not evidence.note:
        yield (
            "Asked for its reason in a second call, the router LLM named none of the prompt's "
            "texts."
        )
    if evidence.note:
        yield evidence.note
    if evidence.attempts:
        yield f"Explaining took {_calls(len(evidence.attempts))} {_paid(evidence.cost_usd)}."


def _weighing(facts: Facts, weighing: Weighing) -> Iterator[str]:
    nearest = weighing.nearest(weighing.tier)
    others = weighing.nearest(*(tier for tier in Tier if tier is not weighing.tier))
    if nearest is None:
        yield "The prompt has no criteria and no demos, so every query goes to the same tier."
        return
    yield (
        "The text of that tier that is most like the query is "
        f"{_quoted(facts, nearest.text, f'similarity {nearest.similarity:.2f}')}"
    )
    if others is not None:
        yield (
            "The nearest text of another tier is "
            f"{_quoted(facts, others.text, f'similarity {others.similarity:.2f}')}"
        )
    scores = ", ".join(f"Tier {t.value} {weighing.scores[t]:.3f}" for t in sorted(weighing.scores))
    yield f"Scores, of which the highest decides: {scores}."


def _costs(facts: Facts) -> Iterator[str]:
    by_tier = {cost.tier: cost for cost in facts.costs}
    used = by_tier.get(facts.answer.tier)
    if used is None:
        return
    if used.usd is None:
        yield f"What Tier {used.tier.value} costs is unknown, because {used.model} has no price."
    else:
        yield (
            f"An answer of {facts.output_tokens} tokens by Tier {used.tier.value} ({used.model}) "
            f"costs about {_usd(used.usd)}."
        )
    for tier in (used.tier - 1, used.tier + 1):
        if tier in by_tier:
            yield _neighbor(by_tier[Tier(tier)], used)


def _neighbor(other: TierCost, used: TierCost) -> str:
    barred = "" if other.is_allowed else " It may not answer this request."
    name = f"Tier {other.tier.value} ({other.model})"
    if other.usd is None:
        return f"What {name} would cost is unknown, because it has no price.{barred}"
    return f"{name} would cost about {_usd(other.usd)}{_compared(other.usd, used.usd)}.{barred}"


def _compared(usd: float, used_usd: float | None) -> str:
    if used_usd is None:
        return ""
    if usd == used_usd:
        return ", the same"
    return f", {_usd(abs(usd - used_usd))} {'more' if usd > used_usd else 'less'}"


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
_NAMED = (
    'A request can name its tier ("model": "tier-3"), or limit the choice with min_tier and '
    "max_tier."
)


def _routing_changes(facts: Facts, routed: RoutingDecision) -> Iterator[str]:
    chosen = routed.routed_tier or routed.tier
    if chosen is not routed.tier:
        yield f"Tier {chosen.value} answers if the request, its key and its models allow that."
    if routed.reason is Reason.BYPASS:
        yield (
            f"The router is asked about queries of {facts.bypass_tokens} tokens or more, and about "
            "any query with a conversation, tools or attachments."
        )
    elif routed.reason is Reason.FALLBACK:
        yield "The router decides as soon as it names a tier again."
    if facts.evidence is not None:
        yield from _evidence_changes(facts.evidence)


def _evidence_changes(evidence: Evidence) -> Iterator[str]:
    weighing = evidence.weighing
    other = weighing.runner_up() if weighing else None
    if weighing is not None and other is not None:
        margin = weighing.scores[weighing.tier] - weighing.scores[other]
        yield (
            f"Tier {other.value} scores {margin:.3f} less than Tier {weighing.tier.value}: a query "
            "that is closer to its texts by more than that goes there."
        )
    if evidence.text is None or evidence.without is None:
        return
    still = "still " if evidence.without is evidence.chosen else ""
    also = ": other texts speak for it too" if still else ""
    yield (
        f"Without {evidence.text.name}, the router {still}chooses Tier {evidence.without.value}"
        f"{also}."
    )


def _quoted(facts: Facts, text: PromptText, figure: str = "") -> str:
    """Name and quote a text, to the end of a sentence. A demo may hold the words of a user, so only
    owners see it."""
    name = f"{text.name} ({figure})" if figure else text.name
    if text.kind == "demo" and not facts.shows_demos:
        return f"{name}. Only admin keys see the text of a demo."
    words = " ".join(text.text.split())
    short = words if len(words) <= MAX_QUOTED else f"{words[:MAX_QUOTED]}…"
    return f"{name}: “{short}”."


def _tokens(number: int) -> str:
    return "1 token" if number == 1 else f"{number} tokens"


def _calls(number: int) -> str:
    return "1 more router call" if number == 1 else f"{number} more router calls"


def _paid(usd: float | None) -> str:
    return "at an unknown cost" if usd is None else f"for {_usd(usd)}"


def _usd(amount: float) -> str:
    if amount and amount < 1e-6:
        return f"${amount:.9f}"
    return f"${amount:.6f}" if amount < 0.01 else f"${amount:.4f}"
