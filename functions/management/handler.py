"""The management function: the API's routes other than routing. It calls no model."""

import os
from collections.abc import Collection
from datetime import UTC, datetime

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from route_switch.adapters.steering_strings import packaged_score
from route_switch.api import audit_answer, costs_answer, prompt_answers, results_answer
from route_switch.api.body import read_body
from route_switch.api.cors import cors_config
from route_switch.api.credentials import authorization
from route_switch.api.deletion_answer import deleted_result, deleted_user, first_part
from route_switch.api.feedback_request import (
    MAX_FEEDBACK_BYTES,
    FeedbackRequest,
    feedback_body,
    parse_feedback,
)
from route_switch.api.gateway_event import without_base_path
from route_switch.api.http_responses import (
    ErrorResponses,
    json_response,
    record_response,
    service_logger,
)
from route_switch.api.path_parameters import check_request_id, check_user
from route_switch.api.protocols.registry import error_form
from route_switch.api.query_parameters import check_parameters
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.errors import no_such_result
from route_switch.services.operations.authenticate_owner import admin_key_required
from route_switch.services.operations.delete_texts import Deletion
from route_switch.services.operations.recent_records import found_soon
from route_switch.wiring.management import management

logger = service_logger("management")
metrics = Metrics(service="management")
app = APIGatewayRestResolver(cors=cors_config(os.environ.get("CORS_ORIGINS", "")))
errors = ErrorResponses(app, logger, metrics, error_form)


@app.get("/v1/results")
def results() -> Response[str]:
    _require_admin(results_answer.PARAMETERS)
    today, days = datetime.now(UTC).date(), management().retention_days
    page = management().list_results(results_answer.results_query(_params(), today, days))
    return json_response(results_answer.results_body(page))


@app.get("/v1/results/<request_id>")
def result(request_id: str) -> Response[str]:
    key = _caller()
    key_id = None if key.role == "admin" else key.key_id
    check_request_id(request_id)
    found = found_soon(request_id, lambda: management().results.load(request_id, key_id))
    if found is None:
        raise no_such_result(request_id)
    said = management().feedback_of(request_id)
    return record_response(results_answer.result_body(found, said))


@app.get("/v1/costs")
def summed_costs() -> Response[str]:
    _require_admin(costs_answer.PARAMETERS)
    query = costs_answer.costs_query(_params(), datetime.now(UTC).date())
    return json_response(costs_answer.costs_body(management().costs(query)))


@app.get("/v1/prompt")
def live_prompt() -> Response[str]:
    _require_admin(("version",))
    version = _params().get("version")
    if version is None:
        live = management().prompt.live()
        return json_response(prompt_answers.prompt_body(*live, packaged_score()))
    number = prompt_answers.version_number(version)
    found = management().prompt.version(number)
    if found is None:
        raise prompt_answers.no_such_version(number)
    return json_response(prompt_answers.prompt_body(*found, packaged_score()))


@app.get("/v1/prompt/history")
def prompt_history() -> Response[str]:
    _require_admin()
    return json_response(prompt_answers.history_body(management().prompt.history()))


@app.get("/v1/audit")
def changes() -> Response[str]:
    _require_admin(audit_answer.PARAMETERS)
    query = audit_answer.audit_query(_params())
    page = management().changes(datetime.now(UTC), query.limit, query.before, query.area)
    return json_response(audit_answer.audit_body(page))


@app.delete("/v1/results/<request_id>")
def delete_result(request_id: str) -> Response[str]:
    caller = _counted_caller()
    check_request_id(request_id)

    def delete() -> Deletion | None:
        deletion = management().delete.request(request_id, caller)
        return deletion if deletion.requests else None

    deletion = found_soon(request_id, delete)
    if deletion is None:
        raise no_such_result(request_id)
    return json_response(deleted_result(request_id, deletion))


@app.delete("/v1/users/.+")
def delete_user() -> Response[str]:
    caller = _counted_caller(("cursor",))
    user = check_user(app.current_event.path_parameters["user"])  # decoded by API Gateway
    deletion = management().delete.of_user(user, caller, first_part(_params().get("cursor")))
    return json_response(deleted_user(user, deletion))


@app.post("/v1/feedback")
def feedback() -> Response[str]:
    caller = _caller()
    max_bytes = min(MAX_FEEDBACK_BYTES, management().max_body_bytes)
    request = parse_feedback(read_body(app.current_event, max_bytes))
    text_kept = management().give_feedback(request.request_id, caller.key_id, request.feedback)
    _count_feedback(request)
    return json_response(feedback_body(request, text_kept))


@app.get("/openapi.json")
def openapi() -> Response[str]:
    from route_switch.api.openapi import document  # rarely requested, and takes 0.04 s to import

    return json_response(document())


def lambda_handler(event: dict[str, object], context: LambdaContext) -> dict[str, object]:
    return app.resolve(without_base_path(event), context)


def _caller(parameters: Collection[str] = ()) -> ApiKey:
    """Return the key of the request, whose query may have these parameters."""
    key = _authenticated()
    check_parameters(app.current_event, parameters)
    return key


def _counted_caller(parameters: Collection[str] = ()) -> ApiKey:
    """Return the key of the request, and count the request against its rate: a deletion reads many
    files."""
    key = _caller(parameters)
    management().count(key)
    return key


def _require_admin(parameters: Collection[str] = ()) -> None:
    """Require an admin key, and count the request against its rate."""
    key = _authenticated()
    if key.role != "admin":
        raise admin_key_required()
    management().count(key)
    check_parameters(app.current_event, parameters)


def _authenticated() -> ApiKey:
    return management().authenticate(authorization(app.current_event))


def _params() -> dict[str, str]:
    return app.current_event.query_string_parameters


def _count_feedback(request: FeedbackRequest) -> None:
    """Emit the rating, without texts."""
    metrics.add_metadata("request_id", request.request_id)
    metrics.add_metric("feedback", MetricUnit.Count, 1)
    metrics.add_metric("feedback_score", MetricUnit.NoUnit, request.rating)
    metrics.flush_metrics()
