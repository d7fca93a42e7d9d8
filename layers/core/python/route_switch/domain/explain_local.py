"""What a local model expects of a query, and which of its features speak for a tier.

Only explanations need this. They quote single words and pairs of words of the caller's own query,
and go to the caller alone.
"""

import base64
import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from route_switch.domain.local_features import (
    DENSE,
    bucket_of,
    dense_features,
    excerpts_of,
    items_of,
)
from route_switch.domain.local_model import LinearWeights, LocalChoice, LocalNumbers, decisive
from route_switch.domain.ports import JsonObject
from route_switch.domain.query import Query
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier

SHOWN = 3
"""Features that are named."""
MIN_WEIGHT = 0.01
"""Log-odds below which a feature says nothing."""
MAX_NAME = 40
"""Characters of a quoted word."""


@dataclass(frozen=True, slots=True)
class LocalView:
    """What the local model says about one query. `asked` says whether the strategy leaves it to the
    router LLM, because the lead is below `ask_below`. `spoken` has the names of the features that
    speak most for the chosen tier against `against`, with their weights in log-odds."""

    choice: LocalChoice
    lambda_: float
    ask_below: float | None
    against: Tier | None
    spoken: tuple[tuple[str, float], ...]

    @property
    def asked(self) -> bool:
        return self.ask_below is not None and self.choice.lead < self.ask_below

    def objective(self, tier: Tier) -> float:
        return self.choice.expected[tier].objective(self.lambda_)

    def as_json(self) -> JsonObject:
        return {
            "tier": self.choice.tier.value,
            "lead": round(self.choice.lead, 6),
            "ask_below": self.ask_below,
            "asked": self.asked,
            "expected": {
                str(tier.value): {
                    "chance": round(each.quality, 6),
                    "cost": round(each.cost, 6),
                    "objective": round(self.objective(tier), 6),
                }
                for tier, each in self.choice.expected.items()
            },
        }


def local_view(prompt: RoutingPrompt, strategy: str, query: Query) -> LocalView | None:
    """Return None if no local model takes part in the decision."""
    model = prompt.local_model
    if strategy not in ("local", "hybrid") or model is None or model.numbers is None:
        return None
    numbers = model.numbers
    read, choice = decisive(numbers, query)
    others = [tier for tier in choice.expected if tier is not choice.tier]
    against = max(others, key=lambda t: choice.expected[t].objective(numbers.lambda_), default=None)
    ask_below = model.ask_below if strategy == "hybrid" else None
    spoken = () if against is None else strongest_for(numbers, read, choice.tier, against)
    return LocalView(choice, numbers.lambda_, ask_below, against, spoken)


def strongest_for(
    numbers: LocalNumbers, query: Query, tier: Tier, against: Tier
) -> tuple[tuple[str, float], ...]:
    """Return the features that raise the quality of `tier` most over that of `against`."""
    own, other = (numbers.quality[numbers.tiers.index(each)] for each in (tier, against))
    above = dict(contributions(own, query, numbers.longest))
    below = dict(contributions(other, query, numbers.longest))
    gains = sorted(((above[n] - below[n], n) for n in above), key=lambda each: (-each[0], each[1]))
    return tuple((name, gain) for gain, name in gains[:SHOWN] if gain >= MIN_WEIGHT)


def contributions(
    weights: LinearWeights, query: Query, longest: int
) -> Iterator[tuple[str, float]]:
    """Yield the name of each feature and what it adds to the linear function, besides its bias."""
    steps = array("b", base64.b64decode(weights.hashed))
    items = items_of(excerpts_of(query))
    value = weights.step / math.sqrt(max(len(items), 1))
    for item in items:
        bucket, sign = bucket_of(item)
        yield _name(item), value * sign * steps[bucket]
    dense = dense_features(query, longest)
    for name, weight, amount in zip(DENSE, weights.dense, dense, strict=True):
        yield name, weight * amount


def _name(item: str) -> str:
    """Return how a word is shown: in quotation marks, and shortened."""
    kind, _, words = item.partition(" ")
    short = words if len(words) <= MAX_NAME else f"{words[:MAX_NAME]}…"
    return f"“{short}” in the context" if kind == "c" else f"“{short}”"


def view_in_words(view: LocalView, router: str, named: Tier | None) -> Iterator[str]:
    """Say what the local model expects and chose. `named` is the tier that the router LLM chose,
    None if it was not asked or named none."""
    choice = view.choice
    tiers = sorted(choice.expected)
    quality = ", ".join(f"Tier {t.value} {choice.expected[t].quality:.0%}" for t in tiers)
    cost = ", ".join(f"Tier {t.value} {choice.expected[t].cost:.2f}" for t in tiers)
    objective = ", ".join(f"Tier {t.value} {view.objective(t):.2f}" for t in tiers)
    yield from _chosen(view, router, named)
    yield f"Its estimate of the chance that an answer is no worse than Tier 3's: {quality}."
    yield f"Its estimate of the cost, where the mean query on Tier 3 costs 1: {cost}."
    yield f"Objective, chance − {view.lambda_:g} × cost; the highest decides: {objective}."
    if view.spoken and view.against is not None:
        names = ", ".join(f"{name} (+{weight:.2f})" for name, weight in view.spoken)
        yield (
            f"Strongest features for Tier {choice.tier.value} against Tier {view.against.value}, "
            f"in log-odds: {names}."
        )


def _chosen(view: LocalView, router: str, named: Tier | None) -> Iterator[str]:
    tier, lead = f"Tier {view.choice.tier.value}", f"{view.choice.lead:.3f}"
    if view.ask_below is None:
        yield f"The local model chose {tier}, without a router call."
    elif not view.asked:
        yield (
            f"The local model chose {tier}, without a router call: the tier leads by {lead} points "
            f"of the objective, and the router LLM is asked below {view.ask_below:.3f}."
        )
    elif named is not None:
        yield (
            f"For the local model, {tier} leads by only {lead} points of the objective, less than "
            f"{view.ask_below:.3f}, so the router LLM ({router}) was asked. It chose "
            f"Tier {named.value}."
        )
    else:
        yield (
            f"The local model chose {tier}. Its lead of {lead} points of the objective is small, "
            f"but the router LLM ({router}) gave no tier, or may not be called."
        )


def view_changes(view: LocalView) -> Iterator[str]:
    """Say what would change the decision."""
    if view.against is not None:
        yield (
            f"For the local model, Tier {view.against.value} is next: its objective is "
            f"{view.choice.lead:.3f} lower."
        )
    if view.ask_below is not None:
        yield (
            "The owner sets the lead below which the router LLM is asked: ask_below, in "
            "route-switch prompt edit."
        )
