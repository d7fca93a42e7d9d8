"""The optimizer's container function, which runs one slice of a step (`workflow.run_slice`)."""

from functools import lru_cache

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from route_switch.domain.ports import JsonObject
from route_switch.wiring.learning import LearningWiring, read_learning_settings
from route_switch.wiring.optimizer import build_run_slice
from route_switch.workflow.events import WorkEvent
from route_switch.workflow.failures import named_failures

MARGIN_S = 120
"""Longer than the slowest call (`CALL_TIMEOUT_S`), because a slice lets its calls finish."""

logger = Logger(service="optimizer")


@lru_cache(maxsize=1)
def wiring() -> LearningWiring:
    return LearningWiring(read_learning_settings())


def lambda_handler(event: JsonObject, context: LambdaContext) -> JsonObject:
    def remaining_s() -> float:
        return context.get_remaining_time_in_millis() / 1000 - MARGIN_S

    with named_failures():
        work = WorkEvent.model_validate(event)
        done = build_run_slice(wiring(), remaining_s, logger.warning)(work)
    logger.info("slice", extra={"step": work.step, "slice": work.slice, "done": done.done})
    return done.model_dump(mode="json")
