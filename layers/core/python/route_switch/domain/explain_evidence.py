"""The sentences about what a decision rests on and what it costs."""

from collections.abc import Iterator, Sequence

from route_switch.domain.explanation import Compared, Evidence, TierCost, Weighing
from route_switch.domain.prompt_texts import PromptText
from route_switch.domain.tiers import Tier

MAX_QUOTED = 240
"""Characters of a quoted text."""
ALMOST_EQUAL = 0.01
"""Scores that lie closer together change places with a few words."""

_COMPARED = {
    Compared.CONTEXT: (
        "The last message does not say by itself what the task is, so the router compared what it "
        "refers to: an earlier message, or the system message."
    ),
    Compared.BOTH: (
        "The router compared the last message and, with a small weight, its context: an earlier "
        "message, or the system message."
    ),
}
_IT = {Compared.MESSAGE: "the query", Compared.CONTEXT: "that", Compared.BOTH: "both"}


def evidence_in_words(evidence: Evidence, shows_demos: bool) -> Iterator[str]:
    if evidence.weighing is not None:
        yield from _weighing(evidence.weighing, shows_demos)
    elif evidence.text is not None:
        yield (
            "Asked for its reason in a second call, the router LLM named "
            f"{_quoted(evidence.text, shows_demos)}"
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


def _weighing(weighing: Weighing, shows_demos: bool) -> Iterator[str]:
    nearest = weighing.nearest(weighing.tier)
    others = weighing.nearest(*(tier for tier in Tier if tier is not weighing.tier))
    if nearest is None:
        yield "The prompt has no criteria and no demos, so every query goes to the same tier."
        return
    if weighing.compared in _COMPARED:
        yield _COMPARED[weighing.compared]
    yield (
        f"The text of that tier that is most like {_IT[weighing.compared]} is "
        f"{_quoted(nearest.text, shows_demos, nearest.similarity)}"
    )
    if others is not None:
        yield (
            "The nearest text of another tier is "
            f"{_quoted(others.text, shows_demos, others.similarity)}"
        )
    scores = ", ".join(f"Tier {t.value} {weighing.scores[t]:.3f}" for t in sorted(weighing.scores))
    yield f"Scores, of which the highest decides: {scores}."


def costs_in_words(costs: Sequence[TierCost], answering: Tier, output_tokens: int) -> Iterator[str]:
    by_tier = {cost.tier: cost for cost in costs}
    used = by_tier.get(answering)
    if used is None:
        return
    if used.usd is None:
        yield f"What Tier {used.tier.value} costs is unknown, because {used.model} has no price."
    else:
        yield (
            f"An answer of {output_tokens} tokens by Tier {used.tier.value} ({used.model}) "
            f"costs about {in_usd(used.usd)}."
        )
    for tier in (used.tier - 1, used.tier + 1):
        if tier in by_tier:
            yield _neighbor(by_tier[Tier(tier)], used)


def _neighbor(other: TierCost, used: TierCost) -> str:
    barred = "" if other.is_allowed else " It may not answer this request."
    name = f"Tier {other.tier.value} ({other.model})"
    if other.usd is None:
        return f"What {name} would cost is unknown, because it has no price.{barred}"
    return f"{name} would cost about {in_usd(other.usd)}{_compared(other.usd, used.usd)}.{barred}"


def _compared(usd: float, used_usd: float | None) -> str:
    if used_usd is None:
        return ""
    if usd == used_usd:
        return ", the same"
    return f", {in_usd(abs(usd - used_usd))} {'more' if usd > used_usd else 'less'}"


def evidence_changes(evidence: Evidence) -> Iterator[str]:
    weighing = evidence.weighing
    other = weighing.runner_up() if weighing else None
    if weighing is not None and other is not None:
        yield _runner_up(other, weighing.scores[weighing.tier] - weighing.scores[other])
    if evidence.text is None or evidence.without is None:
        return
    still = "still " if evidence.without is evidence.chosen else ""
    also = ": other texts speak for it too" if still else ""
    yield (
        f"Without {evidence.text.name}, the router {still}chooses Tier {evidence.without.value}"
        f"{also}."
    )


def _runner_up(tier: Tier, margin: float) -> str:
    name = f"Tier {tier.value}"
    if margin < ALMOST_EQUAL:
        return f"{name} is almost equal: a slightly different wording may go there."
    return f"{name} scores {margin:.3f} less. A query that is more like its texts goes there."


def _quoted(text: PromptText, shows_demos: bool, similarity: float | None = None) -> str:
    """Name and quote a text, to the end of a sentence. A demo may hold the words of a user, so only
    owners see it."""
    name = text.name if similarity is None else f"{text.name} (similarity {similarity:.2f})"
    if text.kind == "demo" and not shows_demos:
        return f"{name}. Only admin keys see the text of a demo."
    words = " ".join(text.text.split())
    short = words if len(words) <= MAX_QUOTED else f"{words[:MAX_QUOTED]}…"
    return f"{name}: “{short}”."


def _calls(number: int) -> str:
    return "1 more router call" if number == 1 else f"{number} more router calls"


def _paid(usd: float | None) -> str:
    return "at an unknown cost" if usd is None else f"for {in_usd(usd)}"


def in_usd(amount: float) -> str:
    if amount == 0:
        return "$0"
    if amount < 1e-6:
        return f"${amount:.9f}"
    return f"${amount:.6f}" if amount < 0.01 else f"${amount:.4f}"
