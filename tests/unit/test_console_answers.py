"""The made-up answers of the console's tests have the form of the API's, and they add up."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import JsonValue

from tests.support.console_answers import RUNS, owners, preview, published
from tests.support.console_costs import costs, no_costs
from tests.support.console_decisions import route, route_by_comparison, route_by_local_model
from tests.support.console_traffic import models, record, requests, results, rows

DOCUMENT: dict[str, Any] = json.loads(Path("docs/openapi.json").read_text("utf-8"))
LISTED = requests(200)
KINDS = {(each.reason, each.status): each.request_id for each, _ in LISTED}
"""A request of each reason and status."""
GROUPS = ("day", "tier", "model", "key", "tag")
ANSWERS: dict[str, JsonValue] = {
    **owners(),
    "/v1/results": results(LISTED, 200, None),
    **{f"/v1/results/{each}": record(each, LISTED) for each in KINDS.values()},
    "/v1/models": models(),
    "/v1/costs?nothing": no_costs(),
    **{f"/v1/costs?{each}": costs(each) for each in GROUPS},
}
CHANGES: dict[str, JsonValue] = {
    "/v1/prompt": published(4),
    "/v1/route": route(),
    "/v1/route?comparison": route_by_comparison(),
    "/v1/route?local": route_by_local_model(),
    "/v1/prompt/preview": preview(),
    f"/v1/runs/{RUNS[0]['run']}/approve": RUNS[0],
}
SUMS = ("requests", "spent_usd", "learning_usd", "baseline_estimated_usd", "saved_estimated_usd")


def schema_of(method: str, path: str) -> dict[str, Any]:
    """Return the schema of the successful answer, with the components that it refers to."""
    route = next(
        each
        for each in (path.partition("?")[0], with_parameters(path.partition("?")[0]))
        if each in DOCUMENT["paths"]
    )
    responses = DOCUMENT["paths"][route][method]["responses"]
    answer = next(responses[status] for status in ("200", "201", "202") if status in responses)
    schema: dict[str, Any] = answer["content"]["application/json"]["schema"]
    return {**schema, "components": DOCUMENT["components"]}


def with_parameters(path: str) -> str:
    """`/v1/runs/{run}/approve` of a path with a run."""
    shapes = [each.split("/") for each in DOCUMENT["paths"]]
    parts = path.split("/")
    alike = [
        each
        for each in shapes
        if len(each) == len(parts)
        and all(a == b or a.startswith("{") for a, b in zip(each, parts, strict=True))
    ]
    return "/".join(max(alike, key=lambda each: sum(not a.startswith("{") for a in each)))


def sent(answer: JsonValue) -> Any:
    """As a page gets it."""
    return json.loads(json.dumps(answer))


@pytest.mark.parametrize("path", ANSWERS)
def test_an_answer_to_get_has_the_form_of_the_api(path: str) -> None:
    jsonschema.validate(sent(ANSWERS[path]), schema_of("get", path))


@pytest.mark.parametrize("path", CHANGES)
def test_an_answer_to_a_change_has_the_form_of_the_api(path: str) -> None:
    jsonschema.validate(sent(CHANGES[path]), schema_of("post", path))


def rows_of(group: str) -> list[Any]:
    data = costs(group)["data"]
    assert isinstance(data, list)
    return data


def total() -> Any:
    return costs()["total"]


def added(rows: Iterable[Any], name: str) -> Any:
    return pytest.approx(sum(row[name] or 0 for row in rows))


def test_what_was_saved_is_net_of_learning() -> None:
    for each in (total(), *rows_of("day")):
        spent = each["spent_usd"] + each["learning_usd"]
        assert each["saved_estimated_usd"] == pytest.approx(each["baseline_estimated_usd"] - spent)


def test_days_keys_models_and_tiers_add_up_to_the_total() -> None:
    assert {name: total()[name] for name in SUMS} == {
        name: added(rows_of("day"), name) for name in SUMS
    }
    for group in ("key", "model", "tier"):
        assert total()["spent_usd"] == added(rows_of(group), "spent_usd"), group


def test_the_views_of_one_month_show_the_same_sums() -> None:
    keys: Any = owners()["/v1/keys"]
    assert total()["spent_usd"] == added([key["month"] for key in keys["data"]], "spent_usd")
    assert total()["learning_usd"] == owners()["/v1/learning"]["spent_usd"]


def test_the_reason_fits_the_tier_and_the_status_the_calls() -> None:
    only = {"bypass": 1, "capped": 2, "fallback": 2}
    for row in rows(1_000):
        reason, answered = str(row["reason"]), row["status"] in ("answered", "partial")
        assert only.get(reason, row["tier"]) == row["tier"]
        assert answered or (row["saved_usd"], row["first_token_ms"]) == (None, None)
        assert (row["model"] is None) == (row["status"] == "dry_run")
