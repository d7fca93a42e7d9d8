"""`/v1/runs`: query parameters and responses."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, JsonValue

from route_switch.api.owner.strict_body import STRICT
from route_switch.api.query_parameters import read_limit
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.learning.examples_of_run import examples_of_run
from route_switch.domain.learning.frontier_points import FrontierPoint, frontier_points
from route_switch.domain.learning.learning_run import day_of_run
from route_switch.domain.learning.not_used import examples_not_used
from route_switch.domain.learning.report_facts import PolicyFacts, ReportFacts, RowFacts
from route_switch.domain.learning.stored_run import ReportPage, ShownRun
from route_switch.domain.ports import JsonObject

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
PARAMETERS = ("limit",)
_RUN_ID = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z(-[a-z]{1,20})?", re.ASCII)
MAX_REPORT_BYTES = 4_000_000
"""The largest report that can be returned: as a JSON string, it takes up to half as much again."""
NO_CODE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"


class NothingRequest(BaseModel):
    """An empty JSON object. The body may be left out."""

    model_config = STRICT


def runs_limit(params: Mapping[str, str]) -> int:
    """Raise `RequestRefusedError` (400)."""
    return read_limit(params, DEFAULT_LIMIT, MAX_LIMIT)


def check_run_id(run_id: str) -> str:
    """Raise `RequestRefusedError` (404) for anything but a run's id: ids are parts of S3 keys."""
    try:
        if _RUN_ID.fullmatch(run_id):
            day_of_run(run_id)
            return run_id
    except ValueError:
        pass
    raise no_such_run(run_id[:50])


def no_such_run(run_id: str) -> RequestRefusedError:
    return RequestRefusedError(
        f"There is no run '{run_id}'. GET /v1/runs lists them.",
        status=HTTPStatus.NOT_FOUND,
        code="not_found",
    )


def no_report(run_id: str) -> RequestRefusedError:
    return RequestRefusedError(
        f"Run {run_id} has no report that can be returned: it wrote none, a deletion removed it, "
        f"or it is longer than {MAX_REPORT_BYTES / 1e6:.0f} MB. GET /v1/runs/{run_id} names its "
        "files, which are in the learning bucket.",
        status=HTTPStatus.NOT_FOUND,
        code="report_not_found",
    )


def run_body(shown: ShownRun) -> JsonObject:
    run = shown.run
    return {
        "run": run.id,
        "started_at": datetime.fromtimestamp(run.started_at, UTC).isoformat(),
        "trigger": run.trigger,
        "reason": run.reason,
        "outcome": run.outcome,
        "state": shown.state,
        "message": run.message,
        "live_version": run.version,
        "progress": shown.progress,
        "left_out": left_out_body(run.left_out),
    }


def left_out_body(left_out: Mapping[str, int]) -> list[JsonValue]:
    return _reasons(examples_not_used(left_out))


def _reasons(counts: Sequence[tuple[str, int]]) -> list[JsonValue]:
    return [{"reason": reason, "examples": count} for reason, count in counts]


def _examples_body(collecting: Mapping[str, int], report: ReportFacts) -> JsonObject:
    found = examples_of_run(collecting, report.rows)
    return {
        "read": found.read,
        "merged": found.merged,
        "left_out": _reasons(found.left_out),
        "used": found.used,
    }


def runs_body(shown: Sequence[ShownRun]) -> JsonObject:
    return {"object": "list", "data": [run_body(each) for each in shown]}


def details_body(
    shown: ShownRun,
    report: ReportFacts | None,
    live: str | None,
    candidate: str | None,
    names: Sequence[str],
) -> JsonObject:
    """`live` is the version of the live prompt's content."""
    points = [] if report is None else frontier_points(report, live)
    return {
        **run_body(shown),
        "examples": None if report is None else _examples_body(shown.run.left_out, report),
        "summary": None if report is None else _summary(report, shown.run.message),
        "frontier": {"points": [_point(each) for each in points]} if points else None,
        "candidate_document": candidate,
        "artifacts": [*names],
    }


def page_response(page: ReportPage) -> Response[str]:
    """Return the report with a policy that forbids it to load or run anything."""
    headers = {"content-security-policy": NO_CODE, "x-content-type-options": "nosniff"}
    return Response(HTTPStatus.OK, f"{page.media_type}; charset=utf-8", page.text, {**headers})


def _summary(report: ReportFacts, message: str | None) -> JsonObject:
    gate, judge = report.gate, report.agreement
    return {
        "verdict": None if gate is None else gate.verdict,
        "message": message or report.stopped_by,
        "needs_approval": None if gate is None else gate.needs_approval,
        "gain": None if gate is None else gate.gain.model_dump(mode="json"),
        "smallest_visible_gain": None if gate is None else gate.smallest_visible,
        "lambda": report.lambda_,
        "rows": report.rows.model_dump(mode="json", include={*RowFacts.model_fields}),
        "policies": [_policy(each, report) for each in report.policies],
        "steering": None if report.steering is None else {**report.steering},
        "promise": None if report.promise is None else report.promise.model_dump(mode="json"),
        "judge": {
            "model": report.judge_model,
            "agreement": None if judge is None else judge.share,
            "kappa": None if judge is None else judge.kappa,
            "n": 0 if judge is None else judge.n,
        },
        "spent_usd": sum(report.spend.usd.values()),
        "simulated": [*report.simulated],
    }


def _policy(policy: PolicyFacts, report: ReportFacts) -> JsonObject:
    unit = report.tier_3_usd
    mix: dict[str, JsonValue] = {**policy.mix}
    return {
        "policy": policy.policy,
        "quality": policy.quality.model_dump(mode="json"),
        "cost": policy.cost.model_dump(mode="json"),
        "cost_usd_per_query": None if unit is None else policy.cost.mean * unit,
        "mix": mix,
    }


def _point(point: FrontierPoint) -> JsonObject:
    values: dict[str, JsonValue] = asdict(point)
    lambda_ = values.pop("lambda_")
    return {**values, "lambda": lambda_}
