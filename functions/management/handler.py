"""The management Lambda: what the API offers beside routing. No model is called here."""

import logging
from http import HTTPStatus

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers
from aws_lambda_powertools.utilities.typing import LambdaContext

from route_switch.api.responses import ErrorResponses, json_response
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.keys import ApiKey
from route_switch.management import management

logger = Logger(service="management")
metrics = Metrics(namespace="RouteSwitch", service="management")
app = APIGatewayRestResolver()
errors = ErrorResponses(app, logger, metrics)

logging.getLogger("route_switch")  # has to exist before it can take over the format
copy_config_to_registered_loggers(logger, include={"route_switch"})


@app.get("/v1/results/<request_id>")
def result(request_id: str) -> Response[str]:
    found = management().results.load(request_id, _caller().key_id)
    if found is None:
        raise _no_such_result(request_id)
    return json_response(found)


def lambda_handler(event: dict[str, object], context: LambdaContext) -> dict[str, object]:
    return app.resolve(event, context)


def _caller() -> ApiKey:
    return management().authenticate(app.current_event.headers.get("authorization"))


def _no_such_result(request_id: str) -> RequestRefusedError:
    return RequestRefusedError(
        f"There is no result '{request_id}' of this key. It may have expired.",
        status=HTTPStatus.NOT_FOUND,
        code="result_not_found",
    )
