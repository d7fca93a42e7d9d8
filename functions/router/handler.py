"""The router function: HTTP in and out in the client's protocol, streamed where it asks for it."""

import os
import time
from collections.abc import Callable, Sequence
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
from route_switch.api import model_list, route_answer
from route_switch.api.body import read_body
from route_switch.api.client_call import check_idempotency_key, inbound_request
from route_switch.api.cors import cors_config
from route_switch.api.credentials import authorization
from route_switch.api.ending import Ending
from route_switch.api.exchange import Exchange
from route_switch.api.gateway_event import waited_s, without_base_path
from route_switch.api.http_responses import (
    ErrorResponses,
    is_deliverable,
    json_response,
    service_logger,
)
from route_switch.api.outgoing import Outgoing, headers_of
from route_switch.api.protocols.chat_completions.chat_protocol import CHAT_COMPLETIONS
from route_switch.api.protocols.messages.messages_models import models_for
from route_switch.api.protocols.messages.messages_protocol import MESSAGES
from route_switch.api.protocols.messages.messages_request import count_tokens
from route_switch.api.protocols.protocol import ClientProtocol
from route_switch.api.protocols.registry import PROTOCOLS, error_form, protocol_of
from route_switch.api.protocols.responses.response_protocol import RESPONSES
from route_switch.api.protocols.responses.response_refusals import nothing_stored
from route_switch.api.relay import Relay
from route_switch.api.request_metrics import emit_unavailable_streaming
from route_switch.api.route_options import check_answered, profile_header
from route_switch.api.session_name import session_id
from route_switch.api.stored_responses import AnswerNotStoredError, UnansweredError
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.ports import JsonObject
from route_switch.domain.routing import bypass_below
from route_switch.services.answer import Answer
from route_switch.services.deadline import Deadline
from route_switch.services.inbound_request import InboundRequest, RoutedRequest
from route_switch.wiring.router import router

EVENT_STREAM = "text/event-stream"
MODELS = "/v1/models/"
RECORD_S = 5.0
"""Time that sending leaves to the record before Lambda ends the function."""
STREAMED = frozenset(("POST", protocol.path) for protocol in PROTOCOLS)


logger = service_logger("router")
metrics = Metrics(service="router")
app = APIGatewayRestResolver(cors=cors_config(os.environ.get("CORS_ORIGINS", "")))
errors = ErrorResponses(app, logger, metrics, error_form)
outgoing = Outgoing()
streaming = enable_streaming()
if streaming is not Streaming.IN_PIECES and "AWS_LAMBDA_RUNTIME_API" in os.environ:
    emit_unavailable_streaming(metrics)

# Import slow modules at start-up, where Lambda grants ten seconds of a full processor, and not
# within the first request's deadline. The stage lists them.
for module in os.environ.get("PRELOAD", "").split():
    import_module(module)


def answer_client() -> Response[str]:
    event = app.current_event
    idempotency_key = check_idempotency_key(event.headers.get("idempotency-key"))
    exchange = _received(protocol_of(event.path), idempotency_key)
    check_answered(exchange.call.options)
    if idempotency_key is None:
        return _answer(exchange)
    if exchange.call.stream:
        return _stream_once(idempotency_key, exchange)
    return _answer_once(idempotency_key, exchange)


for protocol in PROTOCOLS:
    app.post(protocol.path)(answer_client)


@app.post(f"{MESSAGES.path}/count_tokens")
def count_message_tokens() -> Response[str]:
    event, key = app.current_event, _caller()
    router().admit.count(key)
    tokens = count_tokens(read_body(event, router().config.max_body_bytes))
    headers = MESSAGES.headers(event.request_context.request_id)
    return json_response({"input_tokens": tokens}, headers={**headers})


@app.route(f"{RESPONSES.path}/.+", ["GET", "POST", "DELETE"])
def stored_response() -> Response[str]:
    _caller()
    raise nothing_stored(app.current_event.http_method, app.current_event.path)


@app.post("/v1/route")
def dry_run() -> Response[str]:
    exchange = _received(CHAT_COMPLETIONS)
    answer = _decided(exchange.request)
    Ending(answer, metrics).save()
    bypass_tokens = bypass_below(router().config, answer.prompt)
    body = route_answer.route_body(answer.routed, exchange.request, bypass_tokens)
    return json_response(body, headers=exchange.headers(answer.routed))


@app.get("/v1/models")
def list_models() -> Response[str]:
    body = model_list.models_body(router().config, _caller())
    return json_response(models_for(app.current_event.headers, body))


@app.get(f"{MODELS}.+")  # model names contain slashes, path parameters do not
def model() -> Response[str]:
    name = unquote(app.current_event.path.partition(MODELS)[2])
    body = model_list.model_body(router().config, _caller(), name)
    return json_response(models_for(app.current_event.headers, body))


@app.get("/health")
def health() -> Response[str]:
    return json_response({"status": "ok"})


def lambda_handler(
    event: dict[str, object], context: LambdaContext
) -> Any:  # a proxy response, or a `StreamedResponse`
    global outgoing  # Lambda runs one event at a time
    outgoing = Outgoing()
    response = app.resolve(without_base_path(event), context)
    route = (event.get("httpMethod"), event.get("resource"))
    if streaming is Streaming.IMPOSSIBLE or route not in STREAMED:
        return outgoing.whole(response)
    return StreamedResponse(
        response["statusCode"],
        headers_of(response),
        outgoing.pieces(response),
        outgoing.after,
        lambda: context.get_remaining_time_in_millis() / 1000 - RECORD_S,
    )


def _caller() -> ApiKey:
    return router().authenticate(authorization(app.current_event))


def _received(protocol: ClientProtocol, idempotency_key: str | None = None) -> Exchange:
    event, config = app.current_event, router().config
    waited = waited_s(event.raw_event, time.time())
    deadline = Deadline(max(config.request_deadline_s - waited, 0.0))
    key = _caller()
    call = protocol.parse(read_body(event, config.max_body_bytes))
    item = None if idempotency_key is None else item_id(key.key_id, idempotency_key)
    request_id = f"{protocol.id_prefix}{uuid4().hex}"
    request = inbound_request(call, key, request_id, deadline, item)
    request = replace(
        request, profile=request.profile or profile_header(event.headers.get("x-route-profile"))
    )
    if config.sessions == "on":
        session = session_id(event.headers, call.content, request.messages)
        request = replace(request, session_id=session)
    return Exchange(protocol, call, request, event.headers.get("x-route-debug") == "1")


def _routed(exchange: Exchange) -> Answer:
    is_dry_run = exchange.call.options.dry_run
    return _decided(exchange.request) if is_dry_run else router().route.chat(exchange.request)


def _decided(request: InboundRequest) -> Answer:
    answer = router().route.dry_run(request)
    answer.explain(router().explain())
    return answer


def _answer(exchange: Exchange) -> Response[str]:
    """Answer, and save the record after the answer has been sent."""
    answer = _routed(exchange)
    ending = Ending(answer, metrics)
    outgoing.after = ending.save
    if answer.is_live:
        outgoing.events = exchange.events(answer, ending.log)
        return Response(HTTPStatus.OK, EVENT_STREAM, "", exchange.headers(answer.routed))
    return _respond(exchange, ending.log())


def _respond(exchange: Exchange, routed: RoutedRequest) -> Response[str]:
    headers = exchange.headers(routed)
    if routed.failure is not None:
        return errors(routed.failure, headers)
    response = json_response(exchange.body(routed), headers=headers)
    if streaming is not Streaming.IMPOSSIBLE or is_deliverable(response):
        return response
    return errors(route_answer.answer_too_long(), headers)


def _answer_once(idempotency_key: str, exchange: Exchange) -> Response[str]:
    """Answer, or repeat the answer given before to the same idempotency key. The record is stored
    first: without it, no deletion would find the answer. So a repeat pays again if the function was
    killed before the answer was stored."""
    fresh: list[Response[str]] = []
    responses = router().stored_responses

    def produce() -> JsonObject:
        answer = _routed(exchange)
        recorded = Ending(answer, metrics).save()
        response = _respond(exchange, answer.routed)
        if response.status_code != HTTPStatus.OK:
            raise UnansweredError(response)
        fresh.append(response)
        content_type = response.content_type or ""
        body = response.body or ""
        return exchange.stored(responses, content_type, body, answer.routed, recorded=recorded)

    return _fresh_or_stored(lambda: _once(idempotency_key, exchange, produce), fresh)


def _stream_once(idempotency_key: str, exchange: Exchange) -> Response[str]:
    """The same for a streamed answer. If the client leaves, the answer is read to its end and
    stored: a retry gets it. The end of the answer is sent once it is stored: a client that has the
    end never pays for it again."""
    relay: Relay[dict[str, str], JsonObject] = Relay()
    responses, held = router().stored_responses, list[str]()

    def produce() -> JsonObject:
        answer = _routed(exchange)
        ending = Ending(answer, metrics)
        if not answer.is_live:
            ending.save()
            raise UnansweredError(_respond(exchange, answer.routed))
        relay.begin(exchange.headers(answer.routed))
        sent = []
        for event in exchange.events(answer, ending.log):
            sent.append(event)
            if ending.is_logged:
                held.append(event)
            else:
                relay.send(event)
        recorded = ending.save()
        if answer.error is not None:
            raise answer.error  # nothing is stored: a retry asks again
        body = "".join(sent)
        return exchange.stored(responses, EVENT_STREAM, body, answer.routed, recorded=recorded)

    def once() -> JsonObject:
        try:
            return _once(idempotency_key, exchange, produce)
        finally:
            for event in held:
                relay.send(event)

    head = relay.start(once)
    if head is not None:
        outgoing.events, outgoing.after = relay.texts(), relay.join
        return Response(HTTPStatus.OK, EVENT_STREAM, "", head)
    return _fresh_or_stored(relay.result)


def _fresh_or_stored(
    once: Callable[[], JsonObject], fresh: Sequence[Response[str]] = ()
) -> Response[str]:
    try:
        stored = once()
        return fresh[0] if fresh else router().stored_responses.restore(stored)
    except UnansweredError as error:
        return error.response
    except AnswerNotStoredError as error:
        return errors(error, dict(error.headers))


def _once(
    idempotency_key: str, exchange: Exchange, produce: Callable[[], JsonObject]
) -> JsonObject:
    return router().idempotency.once(
        exchange.request.key.key_id,
        idempotency_key,
        exchange.call.content,
        produce,
        scope=exchange.protocol.scope,
    )
