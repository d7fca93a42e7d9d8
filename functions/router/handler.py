"""The router function: HTTP in, OpenAI-shaped HTTP out, streamed where the client asks for it."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from importlib import import_module
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from route_switch.adapters.dynamodb_idempotency import item_id
from route_switch.adapters.lambda_runtime import StreamedResponse, Streaming, enable_streaming
from route_switch.api import chat_answer, chat_request, model_list
from route_switch.api.body import read_body
from route_switch.api.chat_request import ChatCall
from route_switch.api.cors import cors_config
from route_switch.api.ending import Ending
from route_switch.api.event_stream import live_events
from route_switch.api.gateway_event import waited_s, without_base_path
from route_switch.api.outgoing import Outgoing, headers_of
from route_switch.api.relay import Relay
from route_switch.api.request_metrics import emit_unavailable_streaming
from route_switch.api.responses import ErrorResponses, is_deliverable, json_response, service_logger
from route_switch.api.session_name import session_id
from route_switch.api.stored_responses import AnswerNotStoredError, UnansweredError
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.ports import JsonObject
from route_switch.services.call_models import Deadline
from route_switch.services.inbound_request import InboundRequest, RoutedRequest
from route_switch.services.route_request import Answer
from route_switch.wiring.router import router

CHAT = "/v1/chat/completions"
EVENT_STREAM = "text/event-stream"
MODELS = "/v1/models/"
RECORD_S = 5.0
"""Time that sending leaves to the record before Lambda ends the function."""

logger = service_logger("router")
metrics = Metrics(service="router")
app = APIGatewayRestResolver(cors=cors_config(os.environ.get("CORS_ORIGINS", "")))
errors = ErrorResponses(app, logger, metrics)
outgoing = Outgoing()
streaming = enable_streaming()
if streaming is not Streaming.IN_PIECES and "AWS_LAMBDA_RUNTIME_API" in os.environ:
    emit_unavailable_streaming(metrics)

# Import slow modules at start-up, where Lambda grants ten seconds of a full processor, and not
# within the first request's deadline. The stage lists them.
for module in os.environ.get("PRELOAD", "").split():
    import_module(module)


@app.post(CHAT)
def chat_completions() -> Response[str]:
    header = app.current_event.headers.get("idempotency-key")
    idempotency_key = chat_request.check_idempotency_key(header)
    call, request = _inbound(idempotency_key)
    chat_request.check_explain(call.options)
    if idempotency_key is None:
        return _answer(call, request)
    if call.stream and not call.options.dry_run:
        return _stream_once(idempotency_key, call, request)
    return _answer_once(idempotency_key, call, request)


@app.post("/v1/route")
def dry_run() -> Response[str]:
    _, request = _inbound()
    answer = _decided(request)
    Ending(answer, metrics).save()
    body = chat_answer.route_body(answer.routed, request, router().config.bypass_tokens)
    return json_response(body, headers=_explain(answer.routed))


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


def lambda_handler(
    event: dict[str, object], context: LambdaContext
) -> Any:  # a proxy response, or a `StreamedResponse`
    global outgoing  # Lambda runs one event at a time
    outgoing = Outgoing()
    response = app.resolve(without_base_path(event), context)
    is_chat = event.get("resource") == CHAT and event.get("httpMethod") == "POST"
    if streaming is Streaming.IMPOSSIBLE or not is_chat:
        return outgoing.whole(response)
    return StreamedResponse(
        response["statusCode"],
        headers_of(response),
        outgoing.pieces(response),
        outgoing.after,
        lambda: context.get_remaining_time_in_millis() / 1000 - RECORD_S,
    )


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
    request = chat_request.inbound_request(call, key, request_id, deadline, item)
    if config.sessions == "on":
        session = session_id(app.current_event.headers, call.content, request.messages)
        request = replace(request, session_id=session)
    return call, request


def _routed(call: ChatCall, request: InboundRequest) -> Answer:
    return _decided(request) if call.options.dry_run else router().route.chat(request)


def _decided(request: InboundRequest) -> Answer:
    answer = router().route.dry_run(request)
    answer.explain(router().explain())
    return answer


def _answer(call: ChatCall, request: InboundRequest) -> Response[str]:
    """Answer, and save the record after the answer has been sent."""
    answer = _routed(call, request)
    ending = Ending(answer, metrics)
    outgoing.after = ending.save
    if answer.is_live:
        outgoing.events = live_events(answer, ending.log, include_usage=call.include_usage)
        return Response(HTTPStatus.OK, EVENT_STREAM, "", _explain(answer.routed))
    return _respond(call, ending.log())


def _respond(call: ChatCall, routed: RoutedRequest) -> Response[str]:
    headers = _explain(routed)
    if routed.failure is not None:
        return errors(routed.failure, headers)
    if call.options.dry_run:
        return json_response(chat_answer.dry_run_body(routed), headers=headers)
    response = json_response(chat_answer.completion_body(routed), headers=headers)
    if streaming is not Streaming.IMPOSSIBLE or is_deliverable(response):
        return response
    return errors(chat_answer.answer_too_long(), headers)


def _answer_once(idempotency_key: str, call: ChatCall, request: InboundRequest) -> Response[str]:
    """Answer, or repeat the answer given before to the same idempotency key."""
    fresh: list[Response[str]] = []

    def produce() -> JsonObject:
        answer = _routed(call, request)
        recorded = Ending(answer, metrics).save()
        response = _respond(call, answer.routed)
        if response.status_code != HTTPStatus.OK:
            raise UnansweredError(response)
        fresh.append(response)
        return _stored(response.content_type or "", response.body or "", answer.routed, recorded)

    try:
        stored = _once(idempotency_key, call, request, produce)
        return fresh[0] if fresh else router().stored_responses.restore(stored)
    except UnansweredError as error:
        return error.response
    except AnswerNotStoredError as error:
        return errors(error, dict(error.headers))


def _stream_once(idempotency_key: str, call: ChatCall, request: InboundRequest) -> Response[str]:
    """The same for a streamed answer. If the client leaves, the answer is read to its end and
    stored: a retry gets it."""
    relay: Relay[dict[str, str], JsonObject] = Relay()

    def produce() -> JsonObject:
        answer = _routed(call, request)
        ending = Ending(answer, metrics)
        if not answer.is_live:
            ending.save()
            raise UnansweredError(_respond(call, answer.routed))
        relay.begin(_explain(answer.routed))
        sent = []
        for event in live_events(answer, ending.log, include_usage=call.include_usage):
            sent.append(event)
            relay.send(event)
        recorded = ending.save()
        if answer.error is not None:
            raise answer.error  # nothing is stored: a retry asks again
        return _stored(EVENT_STREAM, "".join(sent), answer.routed, recorded)

    head = relay.start(lambda: _once(idempotency_key, call, request, produce))
    if head is not None:
        outgoing.events, outgoing.after = relay.texts(), relay.join
        return Response(HTTPStatus.OK, EVENT_STREAM, "", head)
    try:
        return router().stored_responses.restore(relay.result())
    except UnansweredError as error:
        return error.response
    except AnswerNotStoredError as error:
        return errors(error, dict(error.headers))


def _once(
    idempotency_key: str, call: ChatCall, request: InboundRequest, produce: Callable[[], JsonObject]
) -> JsonObject:
    key_id, context = request.key.key_id, app.lambda_context
    return router().idempotency.once(key_id, idempotency_key, call.content, context, produce)


def _stored(content_type: str, body: str, routed: RoutedRequest, recorded: bool) -> JsonObject:
    return router().stored_responses.store(
        content_type,
        body,
        chat_answer.route_headers(routed),
        routed.record.request_id,
        recorded=recorded,
    )


def _explain(routed: RoutedRequest) -> dict[str, str]:
    headers = chat_answer.route_headers(routed)
    if app.current_event.headers.get("x-route-debug") == "1":
        headers |= chat_answer.debug_headers(routed)
    return headers
