"""The small steps of the weekly workflow: claim, collect, ask, report, fail."""

from functools import lru_cache
from typing import Annotated

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field, TypeAdapter

from route_switch.domain.ports import JsonObject
from route_switch.wiring.learning import LearningWiring, read_learning_settings
from route_switch.workflow.events import (
    AskEvent,
    ClaimEvent,
    CollectEvent,
    Evaluated,
    Notice,
    ReportEvent,
    WorkflowEvent,
)
from route_switch.workflow.failures import named_failures

logger = Logger(service="learning")
metrics = Metrics(service="learning")

_EVENT: TypeAdapter[ClaimEvent | CollectEvent | AskEvent | ReportEvent] = TypeAdapter(
    Annotated[ClaimEvent | CollectEvent | AskEvent | ReportEvent, Field(discriminator="step")]
)


@lru_cache(maxsize=1)
def wiring() -> LearningWiring:
    return LearningWiring(read_learning_settings())


def lambda_handler(event: JsonObject, _: LambdaContext) -> JsonObject:
    """Run one step. Results are small: data is in S3."""
    with named_failures():
        result = handle(_EVENT.validate_python(event))
    return {} if result is None else result.model_dump(mode="json")


def handle(event: ClaimEvent | CollectEvent | AskEvent | ReportEvent) -> WorkflowEvent | None:
    logger.info("step", extra={"step": event.step})
    match event:
        case ClaimEvent():
            return wiring().claim()(event)
        case CollectEvent():
            return wiring().collect()(event)
        case AskEvent():
            wiring().ask()(event)
            return None
        case ReportEvent():
            notice = wiring().report()(event)
            emit(event, notice)
            return notice


def emit(event: ReportEvent, notice: Notice) -> None:
    """Emit how the run ended and, if it was evaluated, what it spent and measured."""
    logger.info("run ended", extra={"outcome": notice.outcome})
    metrics.add_dimension("outcome", notice.outcome)
    metrics.add_metric("learning_runs", MetricUnit.Count, 1)
    metrics.flush_metrics()
    if event.state.evaluated is not None:
        emit_figures(event.state.evaluated)


def emit_figures(evaluated: Evaluated) -> None:
    """Emit figures as a separate set, without the dimension `outcome`."""
    metrics.add_metric("learning_usd", MetricUnit.NoUnit, evaluated.spent_usd)
    measured = {"live": evaluated.quality_live, "candidate": evaluated.quality_candidate}
    for name, quality in measured.items():
        if quality is not None:
            metrics.add_metric(f"heldout_quality_{name}", MetricUnit.NoUnit, quality)
    metrics.flush_metrics()
