"""The promoter: the only function that may change the live prompt after the first deployment."""

from functools import lru_cache

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from route_switch.domain.ports import JsonObject
from route_switch.workflow.events import PromoteEvent
from route_switch.workflow.failures import named_failures
from route_switch.workflow.settings import read_learning_settings
from route_switch.workflow.wiring import Wiring

logger = Logger(service="promote")


@lru_cache(maxsize=1)
def wiring() -> Wiring:
    return Wiring(read_learning_settings())


def lambda_handler(event: JsonObject, _: LambdaContext) -> JsonObject:
    with named_failures():
        asked = PromoteEvent.model_validate(event)
        promoted = wiring().promote(f"run {asked.run.id}")(asked)
    logger.info("promotion", extra={"run": asked.run.id, "version": promoted.version})
    return promoted.model_dump(mode="json")
