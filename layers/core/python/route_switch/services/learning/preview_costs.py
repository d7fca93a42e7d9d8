"""What routing would cost on a log, at list prices. It says nothing about quality."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from route_switch.domain.learning.example import Example
from route_switch.domain.pricing import Price, cost_usd
from route_switch.domain.query import text_of
from route_switch.domain.tiers import Tier
from route_switch.domain.tokens import estimate_tokens
from route_switch.domain.usage import Usage
from route_switch.services.learning.route_examples import RoutedExample

ASSUMED_OUTPUT_TOKENS = 300
"""The assumed length of an answer whose length is not in the log."""


@dataclass(slots=True)
class PreviewedCosts:
    """Sums over requests: `weight` of them, by tier in `mix`. `bypassed` is the weight of those
    that needed no router call. `routed_usd` includes `router_usd`, and `tier_3_usd` is what the
    same requests cost if Tier 3 answers all."""

    weight: float = 0.0
    bypassed: float = 0.0
    routed_usd: float = 0.0
    router_usd: float = 0.0
    tier_3_usd: float = 0.0
    mix: dict[Tier, float] = field(default_factory=lambda: dict.fromkeys(Tier, 0.0))

    @property
    def ratio(self) -> float | None:
        return self.routed_usd / self.tier_3_usd if self.tier_3_usd else None


@dataclass(frozen=True, slots=True)
class MissingEvidence:
    """What it takes to know the quality: answers of tiers that the log lacks, and their cost."""

    answers: int
    usd: float


def preview_costs(
    examples: Sequence[Example],
    routed: Sequence[RoutedExample],
    prices: Mapping[Tier, Price],
) -> tuple[PreviewedCosts, dict[str, PreviewedCosts]]:
    """Return the sums over all examples, and by workload.

    Every tier is taken to read and write as many tokens as the log says of the model that answered.
    """
    total, by_workload = PreviewedCosts(), dict[str, PreviewedCosts]()
    for example, decision in zip(examples, routed, strict=True):
        usage = usage_of(example)
        group = by_workload.setdefault(example.workload or "none named", PreviewedCosts())
        for sums in (total, group):
            weight = example.weight
            router_usd = weight * decision.router_usd
            answer_usd = cost_usd(usage, prices[decision.tier]) or 0.0
            sums.weight += weight
            sums.bypassed += 0.0 if decision.asked else weight
            sums.mix[decision.tier] += weight
            sums.router_usd += router_usd
            sums.routed_usd += weight * answer_usd + router_usd
            sums.tier_3_usd += weight * (cost_usd(usage, prices[Tier.LARGE]) or 0.0)
    return total, by_workload


def missing_evidence(
    examples: Sequence[Example], models: Mapping[Tier, str], prices: Mapping[Tier, Price]
) -> MissingEvidence:
    lacking = [
        cost_usd(usage_of(example), prices[tier]) or 0.0
        for example in examples
        for tier, model in models.items()
        if model not in example.models
    ]
    return MissingEvidence(len(lacking), sum(lacking))


def usage_of(example: Example) -> Usage:
    """Return the tokens that the log has of this request, or an estimate."""
    known = [*example.models.values()]
    read = next((r.input_tokens for r in known if r.input_tokens is not None), None)
    written = next((r.output_tokens for r in known if r.output_tokens is not None), None)
    if read is None:
        read = sum(estimate_tokens(text_of(message)) for message in example.messages)
    return Usage(read, ASSUMED_OUTPUT_TOKENS if written is None else written)
