"""JSON responses and errors, shared by all functions behind the API."""

import json
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers
from aws_lambda_powertools.metrics import MetricUnit

from route_switch.api.error_answers import ErrorAnswer, error_answer, openai_error
from route_switch.domain.errors import (
    AllTiersFailedError,
    RequestRefusedError,
    RouteSwitchError,
    describe_defect,
)
from route_switch.domain.ports import JsonObject

MAX_RESPONSE_BYTES = 6_000_000
"""Lambda returns 6 MB (6,291,556 bytes) at most; the rest is room for headers."""


def service_logger(service: str) -> Logger:
    """Return a logger whose format the package's own loggers share."""
    logger = Logger(service=service)
    logging.getLogger("route_switch")  # must exist before its format can be set
    copy_config_to_registered_loggers(logger, include={"route_switch"})
    return logger


def json_response(
    body: JsonObject, status: int = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> Response[str]:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(status, "application/json", text, headers or {})


def is_deliverable(response: Response[str]) -> bool:
    """Whether Lambda can return the response: at most 6 MB as a JSON string, headers included."""
    body = response.body or ""
    if len(body) < MAX_RESPONSE_BYTES // 8:  # a character takes at most 6 bytes
        return True
    return len(json.dumps(body, ensure_ascii=False).encode()) <= MAX_RESPONSE_BYTES


def record_response(record: JsonObject) -> Response[str]:
    """Return a request's record, without the answer if Lambda could not return it otherwise."""
    response = json_response(record)
    if is_deliverable(response):
        return response
    return json_response(
        {**record, "answer_text": None}, headers={"x-route-omitted": "answer_text"}
    )


ErrorForm = Callable[[str, ErrorAnswer, str], tuple[Mapping[str, str], JsonObject]]
"""Takes the path of the request, the error and the request's id. Returns headers and body."""


def _openai_form(
    _path: str, error: ErrorAnswer, _request_id: str
) -> tuple[Mapping[str, str], JsonObject]:
    return {}, openai_error(error)


class ErrorResponses:
    """Turns everything that a handler of `app` raises into a response, and logs server errors.

    `form` gives an error the form of the client's protocol, by default OpenAI's.
    """

    def __init__(
        self,
        app: APIGatewayRestResolver,
        logger: Logger,
        metrics: Metrics,
        form: ErrorForm = _openai_form,
    ) -> None:
        self._app = app
        self._logger = logger
        self._metrics = metrics
        self._form = form
        app.not_found(self._unknown_url)
        app.exception_handler(RouteSwitchError)(self)
        app.exception_handler(Exception)(self._defect)

    def __call__(
        self, error: RouteSwitchError, headers: dict[str, str] | None = None
    ) -> Response[str]:
        answer = error_answer(error)
        status, event = answer.status, self._app.current_event
        request_id = event.request_context.request_id
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            # The package's own messages contain no request texts.
            kind = type(error).__name__
            self._logger.error(str(error), kind=kind, status=status, request_id=request_id)
            if not isinstance(error, AllTiersFailedError):  # the models failed, not the router
                self._metrics.add_metric("unexpected_errors", MetricUnit.Count, 1)
                self._metrics.flush_metrics()
        headers = {"x-request-id": request_id, **answer.headers, **(headers or {})}
        own_headers, body = self._form(event.path, answer, headers["x-request-id"])
        return json_response(body, status, {**headers, **own_headers})

    def _unknown_url(self, _: NotFoundError) -> Response[str]:
        event = self._app.current_event
        return self(
            RequestRefusedError(
                f"There is no route {event.http_method} {event.path}. See /openapi.json.",
                status=HTTPStatus.NOT_FOUND,
                code="unknown_url",
            )
        )

    def _defect(self, error: Exception) -> Response[str]:
        return self(RouteSwitchError(describe_defect(error)))
