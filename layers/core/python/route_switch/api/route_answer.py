"""What an answer of any protocol says about its routing: headers, and the body of a dry run."""

import json
from http import HTTPStatus

from pydantic import JsonValue

from route_switch.domain.decision import Reason
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.ports import JsonObject
from route_switch.domain.request_record import RequestRecord
from route_switch.domain.tier_parameters import model_of
from route_switch.services.estimate_costs import assumed_output_tokens
from route_switch.services.inbound_request import InboundRequest, RoutedRequest

MAX_REPLY_CHARACTERS = 200
"""Limit for the router LLM's reply, which should be one digit: headers have little room."""


def dry_run_body(empty: JsonObject, routed: RoutedRequest) -> JsonObject:
    """Return an empty answer with the model that would be called, and the decision."""
    decision = _decision(routed)
    model = model_of(str(decision["model"]))
    return {**empty, "model": model, "route_switch": decision}


def route_body(routed: RoutedRequest, request: InboundRequest, bypass_tokens: int) -> JsonObject:
    """Return the response of `/v1/route`. A query with fewer than `bypass_tokens` needs no router
    call."""
    return {
        "id": request.request_id,
        "object": "route",
        **_decision(routed),
        "why": routed.decision.why,
        "query_tokens": routed.record.query_tokens,
        "bypass_tokens": bypass_tokens,
        "assumed_output_tokens": assumed_output_tokens(request.params),
    }


def answer_too_long() -> RequestRefusedError:
    return RequestRefusedError(
        "The answer is longer than the 6 MB that can be returned. It was paid for. Set max_tokens, "
        "or ask for less at once.",
        status=HTTPStatus.BAD_GATEWAY,
        kind="server_error",
        code="answer_too_long",
    )


def route_headers(routed: RoutedRequest) -> dict[str, str]:
    """Describe the decision. An unknown cost has no header. `x-route-saved-estimated` says what an
    estimated saving rests on; a saving without it needed no estimate."""
    record = routed.record
    basis = record.saving_basis
    headers = {
        "x-request-id": record.request_id,
        "x-route-tier": str(record.tier.value),
        "x-route-reason": record.reason.value,
        "x-route-profile": record.profile,
        "x-route-model": record.model,
        "x-route-prompt-version": record.prompt_version,
        "x-route-cost-usd": _usd(record.cost_usd),
        "x-route-saved-usd": _usd(record.saved_usd),
        "x-route-saved-estimated": basis.value if basis.is_estimate else None,
        **session_headers(record),
        "x-route-overhead-ms": f"{routed.overhead_ms:.1f}",
        "x-route-budget": "spent" if routed.budget_spent else None,
        "x-route-adjusted": "; ".join(_adjusted(routed)) or None,
        "x-route-skipped": ", ".join(record.skipped_models) or None,
    }
    return {name: value for name, value in headers.items() if value is not None}


def session_headers(record: RequestRecord) -> dict[str, str | None]:
    """Say what happened to the session. In shadow this is left out: the record says what would have
    happened."""
    if record.session is None or record.reason is Reason.SHADOW:
        return {}
    return {
        "x-route-session": record.session.value,
        "x-route-session-saved-usd": _usd(record.session_saved_usd),
    }


def _adjusted(routed: RoutedRequest) -> tuple[str, ...]:
    """Return what was changed in the request for the model that answered."""
    record = routed.record
    answering = (
        a for a in record.attempts[::-1] if (a.tier, a.model) == (record.tier, record.model)
    )
    return next((attempt.adjusted for attempt in answering), ())


def debug_headers(routed: RoutedRequest) -> dict[str, str]:
    """Return further details as ASCII JSON. Omit the router LLM's reply when it was not called, and
    the strategy when none was used."""
    attempts: list[JsonValue] = [
        {
            "model": attempt.model,
            "tier": attempt.tier and attempt.tier.value,
            "status": attempt.status,
            "latency_ms": round(attempt.latency_ms, 1),
            "cost_usd": attempt.cost_usd,
            "error": attempt.error,
            "adjusted": list(attempt.adjusted),
        }
        for attempt in routed.record.attempts
    ]
    headers = {
        "x-route-estimated-cost-usd": json.dumps(_estimates(routed)),
        "x-route-attempts": json.dumps(attempts),
    }
    if routed.decision.strategy is not None:
        headers["x-route-strategy"] = routed.decision.strategy
    if routed.router_reply is not None:
        headers["x-route-router-reply"] = json.dumps(routed.router_reply[:MAX_REPLY_CHARACTERS])
    return headers


def costs_body(routed: RoutedRequest) -> JsonObject:
    """Return what is known at the end of a streamed answer."""
    record = routed.record
    costs: JsonObject = {
        "tier": record.tier.value,
        "reason": record.reason.value,
        "model": record.model,
        "cost_usd": record.cost_usd,
        "saved_usd": record.saved_usd,
        "saving_basis": record.saving_basis,
    }
    if record.session is not None and record.reason is not Reason.SHADOW:
        costs["session"] = record.session.value
        if record.session_saved_usd is not None:
            costs["session_saved_usd"] = record.session_saved_usd
    return costs


def _decision(routed: RoutedRequest) -> JsonObject:
    decision, models, record = routed.decision, routed.models, routed.record
    explanation = routed.explanation
    kept = decision.session.model if decision.session else None
    return {
        "tier": decision.tier.value,
        "reason": decision.reason.value,
        "model": kept or models[decision.tier],
        "profile": decision.profile,
        "prompt_version": decision.prompt_version,
        "router_tokens": record.router_tokens,
        "shadow_tier": record.shadow_tier and record.shadow_tier.value,
        "shadow_reason": record.shadow_reason and record.shadow_reason.value,
        "session": record.session and record.session.value,
        "session_saved_usd": record.session_saved_usd,
        "estimated_cost_usd": _estimates(routed),
        "explanation": None if explanation is None else explanation.as_json(),
    }


def _estimates(routed: RoutedRequest) -> JsonObject:
    return {str(t.value): usd and round(usd, 12) for t, usd in routed.estimated_usd.items()}


def _usd(cost: float | None) -> str | None:
    return None if cost is None else f"{cost:.9f}"
