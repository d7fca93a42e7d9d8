"""What would stop a learning run, found before anything is called or paid."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from route_switch.cli.model_options import PriceOf, check_provider
from route_switch.cli.stage_names import UsageError
from route_switch.domain.errors import ConfigurationError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome import cost_unknown
from route_switch.domain.learning.outcome_row import is_recorded
from route_switch.domain.learning.promotion import GateHistory
from route_switch.domain.learning.split import Split
from route_switch.domain.pricing import Price
from route_switch.domain.providers import IN_PROCESS, provider_of
from route_switch.domain.reasons import why_unusable
from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import costs_nothing
from route_switch.optimizer.findings import MIN_ROWS_PER_SIDE, too_few
from route_switch.optimizer.plan import Plan
from route_switch.optimizer.strategy_step import NEED_LOCAL, why_untrained
from route_switch.optimizer.training import why_nothing_is_left
from route_switch.services.learning.build_outcomes import can_be_called
from route_switch.services.learning.metered_calls import price_unknown


@dataclass(frozen=True, slots=True)
class RunChecks:
    """The inputs of a run. `sides` are its examples."""

    plan: Plan
    sides: Split
    price: PriceOf
    gate_history: Path | None = None

    def obstacles(self) -> Iterator[ConfigurationError]:
        """Yield each obstacle as an error, the cheapest to find first."""
        yield from map(ConfigurationError, _unusable_history(self.gate_history))
        yield from map(ConfigurationError, map(price_unknown, self._without_price()))
        yield from self._unknown_providers()
        yield from map(ConfigurationError, self._too_few_rows())
        yield from map(ConfigurationError, self._unknown_costs())
        yield from map(ConfigurationError, self._free())

    def _without_price(self) -> list[str]:
        return [name for name in self._called if self.price(name) is None]

    def _unknown_providers(self) -> Iterator[UsageError]:
        for name in self._called:
            try:
                check_provider(name)
            except UsageError as error:
                yield error

    @property
    def _called(self) -> list[str]:
        plan = self.plan
        called = [plan.config.models.router, plan.judge_model]
        called += [plan.proposer_model] if plan.searches else []
        called += [model for model in plan.models.values() if self._is_called(model)]
        return list(dict.fromkeys(name for name in called if name is not None))

    def _is_called(self, model: str) -> bool:
        missing = (not is_recorded(example, model) for example in self.sides.examples)
        return can_be_called(model) and any(missing)

    def _too_few_rows(self) -> Iterator[str]:
        sides = self.sides
        sizes = [len(sides.train), len(sides.validation), len(sides.heldout)]
        if min(sizes) < MIN_ROWS_PER_SIDE:
            yield too_few(sizes, sides.examples)
            return
        yield from filter(None, (self._why_no_prompt(), self._why_no_local_model()))

    def _why_no_prompt(self) -> str | None:
        plan, sides = self.plan, self.sides
        if not plan.searches:
            return None
        return why_nothing_is_left(sides.train, sides.validation, plan.config, plan.learn_from_text)

    def _why_no_local_model(self) -> str | None:
        if self.plan.strategy not in NEED_LOCAL:
            return None
        why = why_untrained(self.plan.learn_from_text, self.sides.train)
        if why is None:
            return None
        return f"{why} Add examples, or choose another --strategy than {self.plan.strategy}."

    def _unknown_costs(self) -> Iterator[str]:
        """Yield each tier's model with a recorded answer whose cost is unknown."""
        models = self.plan.models.values()
        used = [
            example
            for example in self.sides.examples
            if all(is_recorded(example, name) or can_be_called(name) for name in models)
        ]
        for name in models:
            lacking = (each for each in used if _lacks_cost(each, name, self.price(name)))
            if first := next(lacking, None):
                yield cost_unknown(name, first)

    def _free(self) -> Iterator[str]:
        large = self.plan.models[Tier.LARGE]
        price = self.price(large)
        if self.plan.lambda_ == 0 or not self.sides.examples:
            return
        if price and (price.input_usd_per_million or price.output_usd_per_million):
            return
        if price is None:
            recorded = (example.models.get(large) for example in self.sides.examples)
            if all(result is not None and result.cost_usd == 0 for result in recorded):
                yield costs_nothing(large)
        elif all(_is_free(example, large) for example in self.sides.examples):
            yield costs_nothing(large)


def only_recorded(examples: Sequence[Example], models: Mapping[Tier, str]) -> frozenset[str]:
    """Return the models that the examples have every result of: the run does not call them."""
    return frozenset(
        name for name in models.values() if all(is_recorded(example, name) for example in examples)
    )


def why_another_proposes(
    large: str, recorded: frozenset[str], proposer: str, stated: str | None
) -> str | None:
    """Return a note if the large model would propose by default, but is only recorded."""
    callable_ = can_be_called(large) and provider_of(large) not in IN_PROCESS
    if stated is not None or large not in recorded or not callable_:
        return None
    return (
        f"{large} is only recorded in the examples, so the run does not call it: {proposer} writes "
        "the instructions. Choose another model with --proposer-model."
    )


def _lacks_cost(example: Example, model: str, price: Price | None) -> bool:
    if not is_recorded(example, model):
        return False
    result = example.models[model]
    has_tokens = result.input_tokens is not None and result.output_tokens is not None
    return result.cost_usd is None and not (has_tokens and price is not None)


def _is_free(example: Example, model: str) -> bool:
    """Whether a model that costs nothing per token also has no recorded cost here."""
    result = example.models.get(model)
    if result is None or result.input_tokens is not None:
        return True
    return not result.cost_usd


def _unusable_history(path: Path | None) -> Iterator[str]:
    if path is None:
        return
    if not path.parent.is_dir():
        yield f"--gate-history {path}: the folder {path.parent} does not exist. Create it first."
    elif path.exists():
        try:
            GateHistory.model_validate_json(path.read_bytes())
        except OSError as error:
            yield f"--gate-history {path} cannot be read: {why_unusable(error)}"
        except ValidationError:
            yield f"{path} is not a gate history. Name another file, or remove it to start over."
