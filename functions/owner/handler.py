"""The owner function: the API's routes that change keys, switches and the prompt, and that show and
start learning runs. Each needs an admin key. Its metrics count as those of the management function,
so that the same alarm watches both."""

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from route_switch.adapters.dynamodb_reads import store_errors
from route_switch.adapters.steering_strings import packaged_score
from route_switch.api.body import read_body
from route_switch.api.cors import cors_config
from route_switch.api.credentials import authorization
from route_switch.api.gateway_event import without_base_path
from route_switch.api.http_responses import ErrorResponses, json_response, service_logger
from route_switch.api.owner import key_answers, key_requests, run_shapes, switch_shapes
from route_switch.api.owner.learning_answer import learning_body
from route_switch.api.owner.preview_shapes import (
    PreviewRequest,
    no_live_prompt,
    preview_body,
    router_not_callable,
    router_price_unknown,
)
from route_switch.api.owner.prompt_refusals import prompt_refusals
from route_switch.api.owner.prompt_shapes import (
    MAX_DOCUMENT_BYTES,
    PublishPromptRequest,
    RollbackRequest,
    published_body,
)
from route_switch.api.owner.refusals import own_key, refusals
from route_switch.api.owner.strict_body import MAX_SMALL_BYTES, read_strict
from route_switch.api.owner.words import API_WORDS
from route_switch.api.query_parameters import check_parameters
from route_switch.domain.learning.stored_run import ShownRun
from route_switch.domain.operations.key_settings import setting_warnings
from route_switch.domain.operations.stored_keys import StoredKey
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompt_document import parse_prompt
from route_switch.services.operations.authenticate_owner import Owner
from route_switch.wiring.owner_api import OwnerWiring, now, owner_wiring

logger = service_logger("owner")
metrics = Metrics(service="management")
app = APIGatewayRestResolver(cors=cors_config(os.environ.get("CORS_ORIGINS", "")))
errors = ErrorResponses(app, logger, metrics)


@app.get("/v1/keys")
def list_keys() -> Response[str]:
    with asking() as (owner, wiring):
        stored = wiring.change_keys(owner).keys.all()
        shown = wiring.list_keys(stored, now())
    return json_response(key_answers.keys_body(shown, now()))


@app.post("/v1/keys")
def create_key() -> Response[str]:
    with asking() as (owner, wiring):
        made = wiring.change_keys(owner).create(key_requests.parse_new_key(_body()), now())
        key = {**_shown_with_warnings(wiring, made.stored), "key": made.secret}
    return _secret_response(key, HTTPStatus.CREATED)


@app.patch("/v1/keys/<key_id>")
def change_key(key_id: str) -> Response[str]:
    with asking() as (owner, wiring):
        keys = wiring.change_keys(owner)
        stored = keys.find(key_id)
        settings = key_requests.parse_key_change(_body(), stored.key)
        return json_response(_shown_with_warnings(wiring, keys.change(stored, settings, now())))


@app.delete("/v1/keys/<key_id>")
def revoke_key(key_id: str) -> Response[str]:
    with asking() as (owner, wiring):
        keys = wiring.change_keys(owner)
        stored, known = keys.find(key_id), keys.keys.all()
        if key_id == owner.key.key_id:
            raise own_key(stored)
        keys.revoke(stored, known, now())
        return json_response(_shown(wiring, keys.find(key_id)))


@app.post("/v1/keys/<key_id>/rotate")
def rotate_key(key_id: str) -> Response[str]:
    with asking() as (owner, wiring):
        keys = wiring.change_keys(owner)
        grace = key_requests.parse_rotation(_body())
        made = keys.rotate(keys.find(key_id), grace, now())
        key = {**_shown(wiring, keys.find(key_id)), "key": made.secret}
    return _secret_response(key, HTTPStatus.OK)


@app.get("/v1/switches")
def show_switches() -> Response[str]:
    with asking() as (_, wiring):
        return json_response(switch_shapes.switches_body(wiring.switches.read()))


@app.patch("/v1/switches")
def change_switches() -> Response[str]:
    with asking() as (owner, wiring):
        changes = switch_shapes.parse_switches(_body())
        made = wiring.change_switches(owner)(changes)
    return json_response(switch_shapes.switches_body(made.after, made.unreadable))


@app.post("/v1/prompt")
def publish_prompt() -> Response[str]:
    with asking() as (owner, wiring), prompt_refusals("document"):
        request = read_strict(PublishPromptRequest, _body(MAX_DOCUMENT_BYTES))
        publish = wiring.publish(owner, "push")
        prompt = publish.check(request.document, request.base_version)
        version = None
        if not request.dry_run:
            version = publish.push(request.document, request.base_version)
        return json_response(published_body(prompt, version, packaged_score()))


@app.post("/v1/prompt/rollback")
def roll_back_prompt() -> Response[str]:
    with asking() as (owner, wiring), prompt_refusals("version"):
        request = read_strict(RollbackRequest, _body())
        publish = wiring.publish(owner, "rollback")
        done = publish.roll_back(request.version, request.base_version)
        prompt = parse_prompt(publish.document_of(done.version))
        body = published_body(prompt, done.version, packaged_score())
        return json_response({**body, "content_of": done.content_of})


@app.post("/v1/prompt/preview")
def preview_prompt() -> Response[str]:
    with asking() as (owner, wiring), prompt_refusals("document"):
        request = read_strict(PreviewRequest, _body(MAX_DOCUMENT_BYTES))
        edited, live = wiring.served(request.document), wiring.live()
        preview, router = wiring.preview, wiring.settings.router.models.router
        if live is None:
            raise no_live_prompt()
        if not preview.can_call_router:
            raise router_not_callable(router)
        if preview.router_price is None:
            raise router_price_unknown(router)
        days = [now().date() - timedelta(days=n) for n in range(request.days)]
        found = preview(owner.key, live, edited, days, request.sample, request.budget_usd)
    return json_response(preview_body(*found))


@app.get("/v1/runs")
def list_runs() -> Response[str]:
    with asking(run_shapes.PARAMETERS) as (_, wiring):
        limit = run_shapes.runs_limit(app.current_event.query_string_parameters)
        return json_response(run_shapes.runs_body(wiring.follow_runs.newest(limit)))


@app.post("/v1/runs")
def start_run() -> Response[str]:
    with asking() as (owner, wiring):
        read_strict(run_shapes.NothingRequest, _body(), may_be_empty=True)
        run_id = wiring.start_learning(owner)(now())
    return json_response({"run": run_id}, HTTPStatus.ACCEPTED)


@app.get("/v1/runs/<run_id>")
def show_run(run_id: str) -> Response[str]:
    with asking() as (_, wiring):
        files, shown = wiring.run_files, _run(wiring, run_id)
        report, live = files.report(run_id), wiring.live_digest()
        candidate, names = files.candidate(run_id), files.names(run_id)
        return json_response(run_shapes.details_body(shown, report, live, candidate, names))


@app.get("/v1/runs/<run_id>/report")
def show_report(run_id: str) -> Response[str]:
    with asking() as (_, wiring):
        run = _run(wiring, run_id).run
        page = wiring.run_files.page(run.id, run_shapes.MAX_REPORT_BYTES)
        if page is None:
            raise run_shapes.no_report(run.id)
        return run_shapes.page_response(page)


@app.post("/v1/runs/<run_id>/approve")
def approve_run(run_id: str) -> Response[str]:
    return _answer(run_id, approved=True)


@app.post("/v1/runs/<run_id>/reject")
def reject_run(run_id: str) -> Response[str]:
    return _answer(run_id, approved=False)


def _answer(run_id: str, *, approved: bool) -> Response[str]:
    with asking() as (owner, wiring):
        run_shapes.check_run_id(run_id)
        read_strict(run_shapes.NothingRequest, _body(), may_be_empty=True)
        wiring.answer_approval(owner)(run_id, approved=approved)
        return json_response(run_shapes.run_body(_run(wiring, run_id)))


def _run(wiring: OwnerWiring, run_id: str) -> ShownRun:
    found = wiring.follow_runs.load(run_shapes.check_run_id(run_id))
    if found is None:
        raise run_shapes.no_such_run(run_id)
    return found


@app.get("/v1/learning")
def show_learning() -> Response[str]:
    with asking() as (_, wiring):
        return json_response(learning_body(wiring.show_learning(now())))


def lambda_handler(event: dict[str, object], context: LambdaContext) -> dict[str, object]:
    return app.resolve(without_base_path(event), context)


@contextmanager
def asking(parameters: Collection[str] = ()) -> Iterator[tuple[Owner, OwnerWiring]]:
    """Require an admin key, and a query that has only these parameters. Turn errors inside the
    block into answers."""
    wiring = owner_wiring()
    owner = wiring.authenticate(authorization(app.current_event))
    check_parameters(app.current_event, parameters)
    with refusals(), store_errors("A store of the owner function"):
        yield owner, wiring


def _body(max_bytes: int = MAX_SMALL_BYTES) -> bytes:
    return read_body(app.current_event, max_bytes)


def _shown(wiring: OwnerWiring, stored: StoredKey) -> JsonObject:
    [shown] = wiring.list_keys([stored], now())
    return key_answers.key_body(shown, now())


def _shown_with_warnings(wiring: OwnerWiring, stored: StoredKey) -> JsonObject:
    found = setting_warnings(stored.key, wiring.settings.router.models, API_WORDS)
    return {**_shown(wiring, stored), "warnings": [f"{w[0].upper()}{w[1:]}" for w in found]}


def _secret_response(body: JsonObject, status: HTTPStatus) -> Response[str]:
    return json_response(body, status, {"cache-control": "no-store"})
