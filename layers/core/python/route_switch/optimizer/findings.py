"""What a learning run knows so far: its outcome tables, its candidate and its verdict."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from route_switch.domain.errors import ConfigurationError, RunStoppedError
from route_switch.domain.learning.calibration import Agreement
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome import OutcomeTable
from route_switch.domain.learning.promise import NOT_PROMISED
from route_switch.domain.learning.promotion import GateResult
from route_switch.domain.learning.split import Split
from route_switch.domain.learning.understanding import ReplyCount
from route_switch.domain.operations.deletion import without_demos
from route_switch.domain.prompts.schema import in_todays_form, plain
from route_switch.domain.prompts.steering_figures import SteeringFigures
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.optimizer.compare import Comparison
from route_switch.optimizer.curve.decided_rows import RunDecisions
from route_switch.optimizer.promise import PromiseResult
from route_switch.optimizer.prompt_search import Trial
from route_switch.optimizer.strategy_choice import StrategyChoice
from route_switch.optimizer.training import TrainingSet
from route_switch.services.learning.build_outcomes import BuiltTable
from route_switch.services.learning.judge_answers import JudgeCounts

Value = TypeVar("Value")

MIN_ROWS_PER_SIDE = 5
"""The least for any figure at all. The gate needs far more."""


@dataclass(frozen=True, slots=True)
class Tables:
    """The outcome table, by side of the split."""

    train: OutcomeTable
    validation: OutcomeTable
    heldout: OutcomeTable


@dataclass(frozen=True, slots=True)
class MeasuredSteering:
    """How far texts around a query move its tier. `proposed` is the candidate, or what would be the
    candidate if it were not easier to steer."""

    proposed: SteeringFigures
    incumbent: SteeringFigures


@dataclass(slots=True)
class Findings:
    """What a run knows so far. The later fields of an interrupted run are empty."""

    incumbent: RoutingPrompt
    hand_written: RoutingPrompt
    candidate: RoutingPrompt
    sides: Split | None = None
    built: BuiltTable | None = None
    tables: Tables | None = None
    training: TrainingSet | None = None
    trials: list[Trial] = field(default_factory=list)
    rejected: dict[str, int] = field(default_factory=dict)
    choice: StrategyChoice | None = None
    comparison: Comparison | None = None
    gate: GateResult | None = None
    promise: PromiseResult | None = None
    steering: MeasuredSteering | None = None
    agreement: Agreement | None = None
    judged: JudgeCounts = field(default_factory=JudgeCounts)
    router_replies: dict[str, ReplyCount] = field(default_factory=dict)
    """Replies by the version of the prompt, on held-out rows."""
    asked: dict[str, float] = field(default_factory=dict)
    """The share of held-out rows for which the router LLM is asked, as above."""
    decisions: RunDecisions | None = None
    withdrawn: frozenset[str] = frozenset()
    """Digests of demos that no candidate may show."""
    needs_approval: str | None = None
    searched: bool = False
    stopped_by: RunStoppedError | None = None

    @property
    def allowed(self) -> RoutingPrompt:
        """The incumbent as a candidate may be: without the demos whose requests were deleted."""
        return without_demos(self.incumbent, self.withdrawn)

    @property
    def start(self) -> RoutingPrompt:
        """The prompt that the search starts from, without a local model. The text of a local
        model's prompt decides nothing, so the search starts from the hand-written one there."""
        is_local = self.incumbent.strategy == "local"
        return in_todays_form(plain(self.hand_written if is_local else self.allowed))

    @property
    def strategies(self) -> dict[str, RoutingPrompt]:
        """The prompts by which the strategies are measured on held-out rows."""
        if self.choice is None:
            return {}
        return {name: each.prompt for name, each in self.choice.estimates.items()}

    @property
    def verdict(self) -> str:
        """The gate's verdict, unless a promise was asked for and a better candidate lacks it."""
        if self.gate is None:
            return "not measured"
        promised = self.promise is None or self.promise.candidate_holds
        return NOT_PROMISED if self.gate.verdict == "better" and not promised else self.gate.verdict


@contextmanager
def recording_stop(found: Findings) -> Iterator[None]:
    try:
        yield
    except RunStoppedError as stop:
        found.stopped_by = stop


def by_side(table: OutcomeTable, sides: Split) -> Tables:
    tables = [_part(table, side) for side in (sides.train, sides.validation, sides.heldout)]
    sizes = [len(part.examples) for part in tables]
    if min(sizes) < MIN_ROWS_PER_SIDE:
        raise ConfigurationError(too_few(sizes, sides.examples))
    return Tables(*tables)


def too_few(sizes: Sequence[int], examples: Sequence[Example]) -> str:
    """Explain that some side of the split is too small for any figure."""
    templates = len({example.template_key for example in examples})
    shared = (
        ""
        if templates == len(examples)
        else (
            f" {len(examples)} examples are from {templates} templates (queries that differ only "
            "in numbers, ids and addresses, or belong to one session), and a template's examples "
            "are all on one side."
        )
    )
    return (
        f"Too few examples have outcomes: {sizes[0]} in train, {sizes[1]} in validation, "
        f"{sizes[2]} held out. Each side needs {MIN_ROWS_PER_SIDE}, and a verdict needs "
        f"hundreds.{shared} Add examples."
    )


def _part(table: OutcomeTable, side: Sequence[Example]) -> OutcomeTable:
    keys = {example.key for example in side}
    kept = [
        (example, row)
        for example, row in zip(table.examples, table.rows, strict=True)
        if example.key in keys
    ]
    return replace(table, examples=tuple(e for e, _ in kept), rows=tuple(row for _, row in kept))


def known(value: Value | None) -> Value:
    assert value is not None  # noqa: S101 (set by an earlier step; for the type checker)
    return value


def joined(one: str | None, another: str | None) -> str | None:
    reasons = [reason for reason in (one, another) if reason is not None]
    return "; ".join(reason.rstrip(".") for reason in reasons) + "." if reasons else None
