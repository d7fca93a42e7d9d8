"""Record what decided each row of a run."""

from collections.abc import Sequence
from dataclasses import dataclass

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome import OutcomeTable
from route_switch.domain.local_model import LocalNumbers, choose
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing import RoutingContext
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.strategies.registry import strategy_in_effect
from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import arrays_of
from route_switch.optimizer.curve.decided_rows import NONE, DecidedRows
from route_switch.services.learning.route_examples import RoutedExample

ASKING = ("prompt", "hybrid")
"""The strategies whose tiers a router LLM may name."""
WITH_NUMBERS = ("local", "hybrid")
"""The strategies that a local model decides in. A profile changes nothing for any other."""


def decided_rows(
    table: OutcomeTable,
    routed: Sequence[RoutedExample],
    prompt: RoutingPrompt,
    config: RouterConfig,
    lambda_: float,
) -> DecidedRows:
    arrays = arrays_of(table, lambda_)
    assert arrays.templates is not None  # noqa: S101 (set by `arrays_of`; for the type checker)
    decide = _Decide(prompt, config, table.tiers)
    rows = [decide(e, r) for e, r in zip(table.examples, routed, strict=True)]
    return DecidedRows(
        weights=tuple(arrays.weights.tolist()),
        templates=tuple(arrays.templates.tolist()),
        equivalent=_rows(arrays.equivalent.tolist()),
        score=_rows(arrays.score.tolist()),
        cost_usd=_rows(arrays.cost_usd.tolist()),
        router_usd=tuple(each.router_usd for each in routed),
        kept=tuple(row.kept for row in rows),
        named=tuple(row.named for row in rows),
        expected_quality=tuple(row.quality for row in rows),
        expected_cost=tuple(row.cost for row in rows),
    )


@dataclass(frozen=True, slots=True)
class _Row:
    kept: int
    named: int
    quality: tuple[float, ...]
    cost: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Decide:
    prompt: RoutingPrompt
    config: RouterConfig
    tiers: tuple[Tier, ...]

    def __call__(self, example: Example, routed: RoutedExample) -> _Row:
        column, nothing = self.tiers.index(routed.tier), (0.0,) * len(self.tiers)
        strategy = strategy_in_effect(self.config, self.prompt)
        if routed.asked and routed.named and routed.refusal is None and strategy in ASKING:
            return _Row(NONE, column, nothing, nothing)
        if strategy not in WITH_NUMBERS:
            return _Row(column, NONE, nothing, nothing)
        numbers = self._numbers(example)
        if numbers is None:
            return _Row(column, NONE, nothing, nothing)
        expected = choose(numbers, example.as_query).expected
        quality = tuple(expected[tier].quality for tier in self.tiers)
        return _Row(NONE, NONE, quality, tuple(expected[tier].cost for tier in self.tiers))

    def _numbers(self, example: Example) -> LocalNumbers | None:
        """Return the numbers that decide a query for which no router LLM named a tier; None if the
        bypass does, or if the numbers are for other tiers."""
        model = self.prompt.local_model
        context = RoutingContext(self.config, self.prompt, lambda _messages, _params: None)
        if model is None or model.numbers is None or context.bypasses(example.as_query):
            return None
        return model.numbers if model.numbers.tiers == self.tiers else None


def _rows(values: list[list[float]]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in values)
