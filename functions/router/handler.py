"""The router Lambda: HTTP in, OpenAI-shaped HTTP out."""

import base64
import json
import logging
from http import HTTPStatus
from uuid import uuid4

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from route_switch.api import openai
from route_switch.bootstrap import router
from route_switch.domain.errors import RequestRefusedError, RouteSwitchError, describe_defect
from route_switch.domain.keys import ApiKey
from route_switch.domain.ports import JsonObject
from route_switch.services.call_models import Deadline
from route_switch.services.route_request import InboundRequest, Routed, assumed_output_tokens

logger = Logger(service="router")
metrics = Metrics(namespace="RouteSwitch", service="router")
app = APIGatewayRestResolver()

logging.getLogger("route_switch")  # has to exist before it can take over the format
copy_config_to_registered_loggers(logger, include={"route_switch"})


@app.post("/v1/chat/completions")
def chat_completions() -> Response[str]:
    routed = router().route.chat(_inbound())
    _emit(routed)
    headers = openai.route_headers(routed)
    if routed.failure is not None:
        return _error(routed.failure, headers)
    return _json(openai.completion_body(routed), headers=headers)


@app.post("/v1/route")
def dry_run() -> Response[str]:
    request = _inbound()
    routed = router().route.dry_run(request)
    _emit(routed)
    costs = router().route.estimate_costs_usd(request)
    models = router().config.models
    body: JsonObject = {
        "id": request.request_id,
        "object": "route",
        "tier": routed.decision.tier.value,
        "reason": routed.decision.reason.value,
        "model": models.tiers[routed.decision.tier].model,
        "prompt_version": routed.decision.prompt_version,
        "router_tokens": routed.decision.router_tokens,
        "estimated_cost_usd": {str(t.value): cost and round(cost, 12) for t, cost in costs.items()},
        "assumed_output_tokens": assumed_output_tokens(request.params),
    }
    return _json(body, headers=openai.route_headers(routed))


@app.get("/v1/results/<request_id>")
def result(request_id: str) -> Response[str]:
    found = router().results.load(request_id, _caller().key_id)
    if found is None:
        raise RequestRefusedError(
            f"There is no result '{request_id}' of this key. It may have expired.",
            status=HTTPStatus.NOT_FOUND,
            code="result_not_found",
        )
    return _json(found)


@app.get("/v1/models")
def models() -> Response[str]:
    key = _caller()
    return _json(openai.models_body(router().config.models, key.allowed_tiers))


@app.get("/health")
def health() -> Response[str]:
    return _json({"status": "ok"})


@app.not_found
def unknown_url(_: NotFoundError) -> Response[str]:
    event = app.current_event
    return _error(
        RequestRefusedError(
            f"There is no {event.http_method} {event.path} here.", status=404, code="unknown_url"
        )
    )


@app.exception_handler(RouteSwitchError)
def failed(error: RouteSwitchError) -> Response[str]:
    return _error(error)


@app.exception_handler(Exception)
def broken(error: Exception) -> Response[str]:
    metrics.add_metric("unexpected_errors", MetricUnit.Count, 1)
    metrics.flush_metrics()
    return _error(RouteSwitchError(describe_defect(error)))


def lambda_handler(event: dict[str, object], context: LambdaContext) -> dict[str, object]:
    return app.resolve(event, context)


def _caller() -> ApiKey:
    return router().authenticate(app.current_event.headers.get("authorization"))


def _inbound() -> InboundRequest:
    config = router().config
    deadline = Deadline(config.request_deadline_s)
    key = _caller()
    event = app.current_event
    text = event.body or ""
    body = base64.b64decode(text) if event.is_base64_encoded else text.encode()
    content = openai.parse_chat_request(body, config.max_body_bytes)
    return openai.inbound_request(content, key, f"chatcmpl-{uuid4().hex}", deadline)


def _json(
    body: JsonObject, status: int = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> Response[str]:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(status, "application/json", text, headers or {})


def _error(error: RouteSwitchError, headers: dict[str, str] | None = None) -> Response[str]:
    status, body = openai.error_response(error)
    request_id = app.current_event.request_context.request_id
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # Messages of ours hold no text of a request.
        logger.error(str(error), kind=type(error).__name__, status=status, request_id=request_id)
    retry = {"retry-after": "1"} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return _json(body, status, {"x-request-id": request_id, **retry, **(headers or {})})


def _emit(routed: Routed) -> None:
    """One line a request: its metrics, and beside them what it takes to find it again."""
    record = routed.record
    details = {
        "request_id": record.request_id,
        "key_id": record.key_id,
        "status": record.status,
        "tier": record.tier.value,
        "reason": record.reason.value,
        "model": record.model,
        "prompt_version": record.prompt_version,
        "attempts": len(record.attempts),
    }
    for name, value in details.items():
        metrics.add_metadata(name, value)
    _count(routed)
    if not routed.recorded:
        metrics.add_metric("records_lost", MetricUnit.Count, 1)
    if not routed.prompt_healthy:
        metrics.add_metric("prompt_unreadable", MetricUnit.Count, 1)
    metrics.flush_metrics()


def _count(routed: Routed) -> None:
    record = routed.record
    for name in (f"requests_{record.status}", f"reason_{record.reason}", f"tier_{record.tier}"):
        metrics.add_metric(name, MetricUnit.Count, 1)
    metrics.add_metric("latency_ms", MetricUnit.Milliseconds, record.latency_ms)
    metrics.add_metric("overhead_ms", MetricUnit.Milliseconds, routed.overhead_ms)
    for name in ("cost_usd", "router_cost_usd", "saved_usd"):
        amount: float | None = getattr(record, name)
        if amount is not None:
            metrics.add_metric(name, MetricUnit.NoUnit, amount)
    if record.cost_usd is None:
        metrics.add_metric("price_missing", MetricUnit.Count, 1)
