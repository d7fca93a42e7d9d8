"""The outcome table: how each tier answers each example, and how good the answer is.

A tier's answer does not depend on the routing prompt. So each tier answers each example once, and
any number of candidate prompts is scored by looking up cells.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.learning.example import Example, Score
from route_switch.domain.learning.quantities import LatencyMs, Tokens, Usd
from route_switch.domain.output_ratio import MeasuredRatio, ratio_of_sums
from route_switch.domain.pricing import Price, cost_usd
from route_switch.domain.tiers import Tier
from route_switch.domain.usage import Usage

NO_RECORDING = (
    "[simulated: no recorded answer] This stack replays recorded answers and has none for this "
    "query. To get a real answer, stop the stack, set OPENAI_API_KEY or OPENAI_BASE_URL (or start "
    "Ollama), and run 'make up' again."
)
"""The reply of a replaying model that has no recording. It is not an answer to grade."""


class GradedBy(StrEnum):
    """The source of a score, most trusted first."""

    FEEDBACK = "feedback"
    GOLD = "gold"
    RECORDED = "recorded"
    JUDGE = "judge"


class Outcome(BaseModel):
    """One cell. `score` is 0..1. `equivalent` says whether the answer is rated no worse than Tier
    3's answer to the same query; it is always true for Tier 3 itself.

    Cells store tokens, and prices are joined when the table is evaluated, so a price change needs
    no new call. `recorded_cost_usd` is used when the tokens or the price are unknown.
    """

    model_config = ConfigDict(frozen=True)

    score: Score
    equivalent: bool
    graded_by: GradedBy
    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    recorded_cost_usd: Usd | None = None
    latency_ms: LatencyMs | None = None

    def cost_usd(self, price: Price | None) -> float | None:
        if self.input_tokens is not None and self.output_tokens is not None:
            cost = cost_usd(Usage(self.input_tokens, self.output_tokens), price)
            if cost is not None:
                return cost
        return self.recorded_cost_usd


@dataclass(frozen=True, slots=True)
class OutcomeTable:
    """`rows` hold one outcome per tier in `models`, in the order of `examples`.

    `models` are the tiers' models as `--tiers` or the catalog names them. `prices` holds the known
    ones. With two tiers, they are small and large: 1 and 3.
    """

    models: dict[Tier, str]
    prices: dict[str, Price]
    examples: tuple[Example, ...]
    rows: tuple[dict[Tier, Outcome], ...]

    @property
    def tiers(self) -> tuple[Tier, ...]:
        return tuple(sorted(self.models))

    def cost_usd(self, row: int, tier: Tier) -> float:
        """Return the cost of one answer in USD. Raise `ConfigurationError` when neither price nor
        cost is known."""
        model = self.models[tier]
        cost = self.rows[row][tier].cost_usd(self.prices.get(model))
        if cost is None:
            raise ConfigurationError(cost_unknown(model, self.examples[row]))
        return cost


def cost_unknown(model: str, example: Example) -> str:
    return (
        f"The cost of {model} is unknown: example {example.id} has no cost_usd for it, and there "
        "is no price. Add one or the other."
    )


def measured_output_ratios(table: OutcomeTable) -> tuple[MeasuredRatio, ...]:
    """Measure the output ratio of each tier below 3, on the examples that both tiers answered."""
    large = table.models[Tier.LARGE]
    measured = (
        ratio_of_sums(table.models[tier], large, _output_tokens(table, tier))
        for tier in table.tiers
        if tier is not Tier.LARGE
    )
    return tuple(each for each in measured if each is not None)


def tier_3_output_ratio(table: OutcomeTable) -> dict[Tier, float | None]:
    """Return the tokens that Tier 3 writes per token of each tier, averaged over the examples where
    both are known; None where no example has both."""
    return {tier: _output_ratio(table, tier) for tier in table.tiers}


def _output_ratio(table: OutcomeTable, tier: Tier) -> float | None:
    large = written = 0.0
    for weight, of_tier, of_large in _output_tokens(table, tier):
        large += weight * of_large
        written += weight * of_tier
    return large / written if large and written else None


def _output_tokens(table: OutcomeTable, tier: Tier) -> Iterator[tuple[float, int, int]]:
    """Yield (weight, tokens, Tier 3's tokens) of the examples where both are known."""
    for example, row in zip(table.examples, table.rows, strict=True):
        of_large, of_tier = row[Tier.LARGE].output_tokens, row[tier].output_tokens
        if of_large is not None and of_tier is not None:
            yield example.weight, of_tier, of_large


def tiers_of(models: tuple[str, ...]) -> dict[Tier, str]:
    """Assign two or three models, cheapest first, to tiers."""
    if len(set(models)) != len(models) or not all(models) or not 2 <= len(models) <= 3:
        raise ConfigurationError(
            "--tiers takes two or three different models, small to large, separated by commas: "
            "SMALL,MEDIUM,LARGE or SMALL,LARGE."
        )
    tiers = (Tier.SMALL, Tier.LARGE) if len(models) == 2 else tuple(Tier)
    return dict(zip(tiers, models, strict=True))
