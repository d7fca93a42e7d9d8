"""CloudWatch metrics of a request: figures and fixed names, never texts.

Writes two kinds of lines in CloudWatch's embedded metric format: one for the request, and one for
each model that was called. `infra/metric_names.py` lists the resulting metrics. No metric has the
API key as a dimension: figures whose number grows with the customers are counted in DynamoDB, at no
extra cost.
"""

from itertools import groupby

from aws_lambda_powertools.metrics import EphemeralMetrics, Metrics, MetricUnit

from route_switch.domain.decision import Reason
from route_switch.domain.pricing import add_known
from route_switch.domain.request_record import Attempt, RequestRecord
from route_switch.domain.sessions import Move
from route_switch.domain.shadow import ANSWERED_FIRST, ShadowReason
from route_switch.domain.tiers import Tier
from route_switch.services.inbound_request import RoutedRequest
from route_switch.services.live_answer import CLIENT_LEFT

LIVE_PREFIX = "live@"
_CONTINUED = (Move.KEPT, Move.UP, Move.DOWN)
_MONEY = ("cost_usd", "router_cost_usd", "baseline_cost_usd", "saved_usd")


def emit(metrics: Metrics, routed: RoutedRequest) -> None:
    """Emit the request's metrics, with the metadata needed to find the request again."""
    record = routed.record
    details = {
        "request_id": record.request_id,
        "key_id": record.key_id,
        "status": record.status,
        "tier": record.tier.value,
        "reason": record.reason.value,
        "answered_by": record.model,
        "profile": record.profile,
        "routed_with": record.prompt_version,
        "attempts": len(record.attempts),
    }
    for name, value in details.items():
        metrics.add_metadata(name, value)
    _count(metrics, routed)
    metrics.flush_metrics()
    for model, attempts in groupby(sorted(record.attempts, key=_model), key=_model):
        _emit_model(model, list(attempts))
    for model in record.skipped_models:
        _count_model(model, "calls_skipped")


def emit_opened_circuit(model: str) -> None:
    """Count a model that keeps failing and is skipped for a while. Called by the thread that
    noticed."""
    _count_model(model, "circuits_opened")


def emit_lost_record(metrics: Metrics) -> None:
    """Count a lost record in a line of its own: the other metrics were written before."""
    metrics.add_metric("records_lost", MetricUnit.Count, 1)
    metrics.flush_metrics()


def emit_unavailable_streaming(metrics: Metrics) -> None:
    """Count a runtime whose client `lambda_runtime` does not know: answers are sent whole."""
    metrics.add_metric("streaming_unavailable", MetricUnit.Count, 1)
    metrics.flush_metrics()


def _count(metrics: Metrics, routed: RoutedRequest) -> None:
    record = routed.record
    counted = [f"requests_{record.status}", f"reason_{record.reason}", f"tier_{record.tier}"]
    if not routed.prompt_healthy:
        counted.append("prompt_unreadable")
    if record.cost_usd is None:
        counted.append("price_missing")
    if any(map(_broke_off, record.attempts)):
        counted.append("streams_broken")
    if record.skipped_models:
        counted.append("models_skipped")
    for name in counted:
        metrics.add_metric(name, MetricUnit.Count, 1)
    if record.session in _CONTINUED and record.reason is not Reason.SHADOW:
        metrics.add_metric("session_moved", MetricUnit.Count, int(record.session is not Move.KEPT))
    if record.strategy == "hybrid":
        metrics.add_metric("router_asked", MetricUnit.Count, int(record.asked_router))
    if record.shadow_reason not in {None, ShadowReason.NOT_SAMPLED}:
        failed = int(record.shadow_reason is not None and record.shadow_reason.is_failure)
        metrics.add_metric("shadow_failed", MetricUnit.Count, failed)
    metrics.add_metric("latency_ms", MetricUnit.Milliseconds, record.latency_ms)
    metrics.add_metric("overhead_ms", MetricUnit.Milliseconds, routed.overhead_ms)
    for name, amount in _amounts(record).items():
        if amount is not None:
            metrics.add_metric(name, MetricUnit.NoUnit, amount)
    if record.prompt_version.startswith(LIVE_PREFIX):
        version = int(record.prompt_version.removeprefix(LIVE_PREFIX))
        metrics.add_metric("prompt_version", MetricUnit.NoUnit, version)


def _amounts(record: RequestRecord) -> dict[str, float | None]:
    """Return USD amounts; None when unknown. A tier that was not called is absent."""
    amounts: dict[str, float | None] = {name: getattr(record, name) for name in _MONEY}
    for tier in Tier:
        costs = [a.cost_usd for a in record.attempts if a.tier is tier]
        if costs:
            amounts[f"tier_{tier}_cost_usd"] = add_known(*costs)
    return amounts


def _count_model(model: str, name: str) -> None:
    metrics = EphemeralMetrics(service="router")
    metrics.add_dimension("model", model)
    metrics.add_metric(name, MetricUnit.Count, 1)
    metrics.flush_metrics()


def _emit_model(model: str, attempts: list[Attempt]) -> None:
    metrics = EphemeralMetrics(service="router")
    metrics.add_dimension("model", model)
    for attempt in attempts:
        metrics.add_metric("model_latency_ms", MetricUnit.Milliseconds, attempt.latency_ms)
        failed = attempt.status != "answered" and attempt.error != ANSWERED_FIRST
        metrics.add_metric("model_errors", MetricUnit.Count, int(failed))
        if attempt.first_token_ms is not None:
            metrics.add_metric("first_token_ms", MetricUnit.Milliseconds, attempt.first_token_ms)
            metrics.add_metric("stream_errors", MetricUnit.Count, int(_broke_off(attempt)))
        if attempt.cost_usd is not None:
            metrics.add_metric("model_cost_usd", MetricUnit.NoUnit, attempt.cost_usd)
    metrics.flush_metrics()


def _broke_off(attempt: Attempt) -> bool:
    """Whether a streamed answer ended early, and not because the client left."""
    return attempt.status == "partial" and attempt.error != CLIENT_LEFT


def _model(attempt: Attempt) -> str:
    return attempt.model
