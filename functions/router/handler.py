"""The router Lambda: HTTP in, OpenAI-shaped HTTP out."""

import base64
import logging
from uuid import uuid4

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from route_switch.api import openai
from route_switch.api.responses import ErrorResponses, json_response
from route_switch.bootstrap import router
from route_switch.domain.keys import ApiKey
from route_switch.domain.ports import JsonObject
from route_switch.services.call_models import Deadline
from route_switch.services.route_request import InboundRequest, Routed, assumed_output_tokens

logger = Logger(service="router")
metrics = Metrics(namespace="RouteSwitch", service="router")
app = APIGatewayRestResolver()
errors = ErrorResponses(app, logger, metrics)

logging.getLogger("route_switch")  # has to exist before it can take over the format
copy_config_to_registered_loggers(logger, include={"route_switch"})


@app.post("/v1/chat/completions")
def chat_completions() -> Response[str]:
    routed = router().route.chat(_inbound())
    _emit(routed)
    headers = openai.route_headers(routed)
    if routed.failure is not None:
        return errors(routed.failure, headers)
    return json_response(openai.completion_body(routed), headers=headers)


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
    return json_response(body, headers=openai.route_headers(routed))


@app.get("/v1/models")
def models() -> Response[str]:
    key = _caller()
    return json_response(openai.models_body(router().config.models, key.allowed_tiers))


@app.get("/health")
def health() -> Response[str]:
    return json_response({"status": "ok"})


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
