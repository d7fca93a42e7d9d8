"""The optimizer's container function: one slice of a step, see `route_switch.workflow.work`."""

from functools import lru_cache

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from route_switch.bootstrap import secret_keys
from route_switch.domain.ports import JsonObject
from route_switch.workflow.events import WorkEvent
from route_switch.workflow.failures import named_failures
from route_switch.workflow.settings import read_learning_settings
from route_switch.workflow.wiring import Wiring
from route_switch.workflow.work import Work

MARGIN_S = 120
"""Longer than the slowest call (`CALL_TIMEOUT_S`), which a slice lets finish."""

logger = Logger(service="optimizer")


@lru_cache(maxsize=1)
def wiring() -> Wiring:
    return Wiring(read_learning_settings())


def lambda_handler(event: JsonObject, context: LambdaContext) -> JsonObject:
    def remaining_s() -> float:
        return context.get_remaining_time_in_millis() / 1000 - MARGIN_S

    with named_failures():
        asked = WorkEvent.model_validate(event)
        parts = wiring()
        work = Work(
            parts.settings,
            parts.s3,
            parts.dynamodb,
            parts.switches,
            secret_keys(parts.settings),
            parts.known,
            remaining_s,
            logger.warning,
        )
        done = work(asked)
    logger.info("slice", extra={"step": asked.step, "slice": asked.slice, "done": done.done})
    return done.model_dump(mode="json")
