"""The made-up answers of the console's tests have the form of the API's."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import JsonValue

from tests.support.console_answers import RUNS, owners, preview, published
from tests.support.console_traffic import costs, models, no_costs, record, results, route, rows

DOCUMENT: dict[str, Any] = json.loads(Path("docs/openapi.json").read_text("utf-8"))
LISTED = rows(50)
ANSWERS: dict[str, JsonValue] = {
    **owners(),
    "/v1/results": results(LISTED, 20, None),
    "/v1/results/x": record("x", LISTED),
    "/v1/models": models(),
    "/v1/costs?nothing": no_costs(),
    **{f"/v1/costs?{each}": costs(each) for each in ("day", "tier", "key", "tag", "model")},
}
CHANGES: dict[str, JsonValue] = {
    "/v1/prompt": published(4),
    "/v1/route": route(),
    "/v1/prompt/preview": preview(),
    f"/v1/runs/{RUNS[0]['run']}/approve": RUNS[0],
}


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


@pytest.mark.parametrize("path", ANSWERS)
def test_an_answer_to_get_has_the_form_of_the_api(path: str) -> None:
    jsonschema.validate(ANSWERS[path], schema_of("get", path))


@pytest.mark.parametrize("path", CHANGES)
def test_an_answer_to_a_change_has_the_form_of_the_api(path: str) -> None:
    jsonschema.validate(CHANGES[path], schema_of("post", path))
