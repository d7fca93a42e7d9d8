"""The promoter: the only function that may write the live prompt."""

from functools import lru_cache
from typing import Annotated

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field, TypeAdapter

from route_switch.domain.ports import JsonObject
from route_switch.domain.prompts.rollback import RolledBack
from route_switch.wiring.learning import LearningWiring, read_learning_settings
from route_switch.workflow.events import (
    Promoted,
    PromoteEvent,
    RollbackEvent,
    Started,
    StartEvent,
)
from route_switch.workflow.failures import named_failures

logger = Logger(service="promote")
metrics = Metrics(service="promote")

_EVENT: TypeAdapter[PromoteEvent | RollbackEvent | StartEvent] = TypeAdapter(
    Annotated[PromoteEvent | RollbackEvent | StartEvent, Field(discriminator="step")]
)


@lru_cache(maxsize=1)
def wiring() -> LearningWiring:
    return LearningWiring(read_learning_settings())


def lambda_handler(event: JsonObject, _: LambdaContext) -> JsonObject:
    with named_failures():
        result = handle(_EVENT.validate_python(event))
    logger.info("step", extra={"step": event["step"], "version": result.version})
    return result.model_dump(mode="json")


def handle(event: PromoteEvent | RollbackEvent | StartEvent) -> Promoted | RolledBack | Started:
    match event:
        case PromoteEvent():
            promoted = wiring().promote(f"run {event.state.run.id}")(event)
            count("promotions", new=promoted.new)
            return promoted
        case RollbackEvent():
            rolled_back = wiring().roll_back("the quality check")(event)
            count("rollbacks", new=rolled_back.new)
            return rolled_back
        case StartEvent():
            return Started(version=wiring().publish("the deployment", "start").start())


def count(name: str, *, new: bool) -> None:
    """Count a new version; an earlier attempt already counted its own."""
    if new:
        metrics.add_metric(name, MetricUnit.Count, 1)
        metrics.flush_metrics()
