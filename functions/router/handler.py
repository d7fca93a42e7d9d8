"""The router function: HTTP in, OpenAI-shaped HTTP out."""

import os
import time
from http import HTTPStatus
from importlib import import_module
from urllib.parse import unquote
from uuid import uuid4

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from route_switch.adapters.dynamodb_idempotency import item_id
from route_switch.api import chat_answer, chat_request, model_list
from route_switch.api.body import read_body
from route_switch.api.chat_request import ChatCall
from route_switch.api.cors import cors_config
from route_switch.api.gateway_event import waited_s, without_base_path
from route_switch.api.request_metrics import emit
from route_switch.api.responses import ErrorResponses, is_deliverable, json_response, service_logger
from route_switch.api.stored_responses import AnswerNotStoredError, UnansweredError
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.ports import JsonObject
from route_switch.services.call_models import Deadline
from route_switch.services.inbound_request import InboundRequest, RoutedRequest
from route_switch.wiring.router import router

MODELS = "/v1/models/"

logger = service_logger("router")
metrics = Metrics(service="router")
app = APIGatewayRestResolver(cors=cors_config(os.environ.get("CORS_ORIGINS", "")))
errors = ErrorResponses(app, logger, metrics)

# Import slow modules at start-up, where Lambda grants ten seconds of a full processor, and not
# within the first request's deadline. The stage lists them.
for module in os.environ.get("PRELOAD", "").split():
    import_module(module)


@app.post("/v1/chat/completions")
def chat_completions() -> Response[str]:
    header = app.current_event.headers.get("idempotency-key")
    idempotency_key = chat_request.check_idempotency_key(header)
    call, request = _inbound(idempotency_key)
    if idempotency_key is None:
        response, _ = _answer(call, request)
        return response
    return _answer_once(idempotency_key, call, request)


@app.post("/v1/route")
def dry_run() -> Response[str]:
    _, request = _inbound()
    routed = router().route.dry_run(request)
    emit(metrics, routed)
    body = chat_answer.route_body(routed, request, router().config.bypass_tokens)
    return json_response(body, headers=_explain(routed))


@app.get("/v1/models")
def list_models() -> Response[str]:
    return json_response(model_list.models_body(router().config.models, _caller()))


@app.get(f"{MODELS}.+")  # model names contain slashes, path parameters do not
def model() -> Response[str]:
    name = unquote(app.current_event.path.partition(MODELS)[2])
    return json_response(model_list.model_body(router().config.models, _caller(), name))


@app.get("/health")
def health() -> Response[str]:
    return json_response({"status": "ok"})


def lambda_handler(event: dict[str, object], context: LambdaContext) -> dict[str, object]:
    return app.resolve(without_base_path(event), context)


def _caller() -> ApiKey:
    return router().authenticate(app.current_event.headers.get("authorization"))


def _inbound(idempotency_key: str | None = None) -> tuple[ChatCall, InboundRequest]:
    config = router().config
    waited = waited_s(app.current_event.raw_event, time.time())
    deadline = Deadline(max(config.request_deadline_s - waited, 0.0))
    key = _caller()
    call = chat_request.parse_chat_request(read_body(app.current_event, config.max_body_bytes))
    item = None if idempotency_key is None else item_id(key.key_id, idempotency_key)
    request_id = f"chatcmpl-{uuid4().hex}"
    return call, chat_request.inbound_request(call, key, request_id, deadline, item)


def _answer(call: ChatCall, request: InboundRequest) -> tuple[Response[str], RoutedRequest]:
    route = router().route
    routed = route.dry_run(request) if call.options.dry_run else route.chat(request)
    emit(metrics, routed)
    return _respond(call, routed), routed


def _respond(call: ChatCall, routed: RoutedRequest) -> Response[str]:
    headers = _explain(routed)
    if routed.failure is not None:
        return errors(routed.failure, headers)
    if call.options.dry_run:
        return json_response(chat_answer.dry_run_body(routed), headers=headers)
    if call.stream:
        events = chat_answer.completion_events(routed, include_usage=call.include_usage)
        response = Response(HTTPStatus.OK, "text/event-stream", events, headers)
    else:
        response = json_response(chat_answer.completion_body(routed), headers=headers)
    if is_deliverable(response):
        return response
    return errors(chat_answer.answer_too_long(), headers)


def _answer_once(idempotency_key: str, call: ChatCall, request: InboundRequest) -> Response[str]:
    """Answer, or repeat the answer given before to the same idempotency key."""
    fresh: list[Response[str]] = []
    stored_responses = router().stored_responses

    def produce() -> JsonObject:
        response, routed = _answer(call, request)
        if response.status_code != HTTPStatus.OK:
            raise UnansweredError(response)
        fresh.append(response)
        return stored_responses.store(response, chat_answer.route_headers(routed), routed)

    try:
        stored = router().idempotency.once(
            request.key.key_id, idempotency_key, call.content, app.lambda_context, produce
        )
        return fresh[0] if fresh else stored_responses.restore(stored)
    except UnansweredError as error:
        return error.response
    except AnswerNotStoredError as error:
        return errors(error, dict(error.headers))


def _explain(routed: RoutedRequest) -> dict[str, str]:
    headers = chat_answer.route_headers(routed)
    if app.current_event.headers.get("x-route-debug") == "1":
        headers |= chat_answer.debug_headers(routed)
    return headers
