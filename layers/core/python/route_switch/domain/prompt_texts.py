"""The texts of a routing prompt that can speak for a tier: its criteria and its demos."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from route_switch.domain.criteria import find_criteria, without_criteria
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier

TextKind = Literal["criterion", "demo"]


@dataclass(frozen=True, slots=True)
class PromptText:
    """`number` counts from 1 among the tier's texts of this kind."""

    kind: TextKind
    number: int
    tier: Tier
    text: str

    @property
    def name(self) -> str:
        return f"{self.kind} {self.number} of Tier {self.tier.value}"


def number_texts(texts: Iterable[tuple[TextKind, Tier, str]]) -> tuple[PromptText, ...]:
    counted: Counter[tuple[TextKind, Tier]] = Counter()
    found = []
    for kind, tier, text in texts:
        counted[kind, tier] += 1
        found.append(PromptText(kind, counted[kind, tier], tier, text))
    return tuple(found)


def texts_of(prompt: RoutingPrompt) -> tuple[PromptText, ...]:
    """Return criteria and then demos, in the order of the prompt."""
    criteria = find_criteria(prompt.instruction)
    listed: list[tuple[TextKind, Tier, str]] = [("criterion", c.tier, c.text) for c in criteria]
    listed += [("demo", demo.tier, demo.query.strip()) for demo in prompt.demos]
    return number_texts(listed)


def without_text(prompt: RoutingPrompt, text: PromptText) -> RoutingPrompt | None:
    """Return the prompt without this text of the tier, including its repetitions. None if the
    prompt does not have it, or if its lines cannot go without changing other criteria."""
    left_out = (text.kind, text.tier, text.text)
    if text.kind == "demo":
        demos = tuple(d for d in prompt.demos if ("demo", d.tier, d.query.strip()) != left_out)
        shorter = prompt.model_copy(update={"demos": demos})
    else:
        instruction = without_criteria(
            prompt.instruction, lambda c: ("criterion", c.tier, c.text) == left_out
        )
        shorter = prompt.model_copy(update={"instruction": instruction})
    before, after = _labels(prompt), _labels(shorter)
    is_clean = after != before and after == [each for each in before if each != left_out]
    return shorter if is_clean else None


def _labels(prompt: RoutingPrompt) -> list[tuple[TextKind, Tier, str]]:
    return [(text.kind, text.tier, text.text) for text in texts_of(prompt)]
