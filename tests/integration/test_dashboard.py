"""The dashboard function against moto, compared with `GET /v1/costs`."""

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.client import BaseClient

from functions.dashboard import handler
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.results_table import SHARDS
from route_switch.dashboard.views import DOCUMENTATION, UNAVAILABLE
from route_switch.domain.operations.amounts import usd
from route_switch.domain.prompt_document import to_markdown
from route_switch.wiring.dashboard import views
from tests.integration.conftest import (
    ADMIN_KEY,
    CLIENT_KEY,
    LONG,
    OTHER_KEY,
    Api,
    add_key,
    by_model,
)
from tests.support.clock import stop_clock
from tests.support.context import FakeContext
from tests.support.upstream import completion

PROMPT = packaged_prompt()


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    views.cache_clear()
    yield
    views.cache_clear()


@pytest.fixture(autouse=True)
def _clock_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_clock(monkeypatch, handler)


def show(view: object) -> str:
    return handler.lambda_handler({"view": view, "widgetContext": {}}, FakeContext())


def rows(view: str) -> dict[str, list[str]]:
    """Return the rows of all tables, keyed by their first cell."""
    found = re.findall(r"<tr>(.*?)</tr>", show(view))
    cells = [[unescape(c) for c in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in found]
    return {row[0]: row[1:] for row in cells if row}


def total(api: Api) -> dict[str, Any]:
    """Return the month's total according to the API."""
    body = api("GET", "/v1/costs", key=ADMIN_KEY).body
    return cast("dict[str, Any]", body["total"])


@pytest.fixture
def used(api: Api) -> Api:
    """The API after requests of two keys."""
    api.upstream.script = by_model(
        router=completion("2", 101, 1),
        small=completion("Hi."),
        medium=completion("Yes.", 37, 211),
        large=completion("Indeed.", 40, 90),
    )
    for answer in (api.chat("hello"), api.chat(LONG), api.chat(LONG, OTHER_KEY)):
        assert answer.status == 200
    api.chat("hello", model="tier-3")
    return api


def test_spending_matches_the_api(used: Api) -> None:
    costs, shown = total(used), rows("spend")
    assert shown["Spent"][1] == usd(costs["spent_usd"])
    assert shown["All on Tier 3 (estimated)"][1] == usd(costs["baseline_estimated_usd"])
    assert shown["Saved, net (estimated)"][1].startswith(usd(costs["saved_estimated_usd"]))
    assert shown["… on the router"][1].startswith(usd(costs["router_usd"]))
    assert shown["Requests"][1] == "4"
    assert [shown[tier][3] for tier in "123"] == ["1", "2", "1"]
    assert shown["Bypass: too short to need the router"][2:] == ["1", "25.0%"]
    assert set(shown) > {"openai/router", "openai/small", "openai/medium", "openai/large"}


def test_only_keys_with_requests_are_listed(used: Api) -> None:
    shown = rows("keys")
    assert set(shown) == {CLIENT_KEY, OTHER_KEY, "All keys"}
    assert [shown[key][1] for key in (CLIENT_KEY, OTHER_KEY)] == ["3", "1"]
    assert shown["All keys"][2] == usd(total(used)["spent_usd"])


def test_request_texts_are_never_shown(used: Api) -> None:
    for view in ("spend", "keys", "prompts"):
        assert not re.search(r"tides|hello|Indeed", show(view))


def test_the_budget_is_shown_if_the_stage_has_one(
    used: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONTHLY_BUDGET_USD", "0.02")
    used_up = 100 * total(used)["spent_usd"] / 0.02
    assert rows("spend")["… of the month's budget"][1] == f"$0.0200 ({used_up:.1f}% used)"


def test_prompt_versions_are_listed_and_the_served_one_is_marked_live(api: Api) -> None:
    ssm = boto3.client("ssm")
    assert f"In use: packaged@{PROMPT.version}." in show("prompts")
    edited = PROMPT.model_copy(update={"instruction": PROMPT.instruction + "\n- a haiku"})
    for prompt in (PROMPT, edited, PROMPT):
        ssm.put_parameter(
            Name="/test/prompt/live", Value=to_markdown(prompt), Type="String", Overwrite=True
        )
    shown = rows("prompts")
    assert list(shown) == ["3 (live)", "2", "1"]
    assert [row[0] for row in shown.values()] == ["same text as 1", "edit of 1", "hand-written"]
    ssm.put_parameter(Name="/test/prompt/live", Value="broken", Type="String", Overwrite=True)
    assert "In use: live@3." in show("prompts")


@pytest.mark.parametrize("view", ["spend", "keys", "prompts"])
def test_an_outage_shows_a_note_with_a_remedy_and_is_logged(
    api: Api, view: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    boto3.client("dynamodb").delete_table(TableName="results")

    def down(*_: object) -> object:
        raise TimeoutError("who asked what")

    if view == "prompts":
        monkeypatch.setattr("botocore.client.BaseClient._make_api_call", down)
    assert show(view) == UNAVAILABLE
    assert [line.levelname for line in caplog.records] == ["ERROR"]
    assert "who asked what" not in caplog.text


def test_a_missing_environment_variable_shows_a_note_and_is_logged_by_name(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("KEYS_TABLE", raising=False)
    assert show("spend") == UNAVAILABLE
    assert "KEYS_TABLE" in caplog.text


@pytest.mark.parametrize("view", [None, "<b>spent</b>", 7, ["spend"], {"spend": 1}])
def test_an_unknown_view_lists_the_existing_ones(api: Api, view: object) -> None:
    html = show(view)
    assert "spend, keys, prompts" in html
    assert "<b>" not in html


def test_describe_documents_the_parameters_and_reads_nothing() -> None:
    event = json.loads(Path("events/dashboard/describe.json").read_text("utf-8"))
    assert handler.lambda_handler(event, FakeContext()) == DOCUMENTATION
    example = DOCUMENTATION.partition("``` yaml\n")[2].partition("\n```")[0]
    assert example == "view: spend"  # CloudWatch fills the widget's parameters in with it


def test_reads_grow_with_days_and_keys_not_with_requests(
    used: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    call = vars(BaseClient)["_make_api_call"]

    def counted(self: object, operation: str, kwargs: dict[str, object]) -> object:
        read.append(operation)
        return call(self, operation, kwargs)

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", counted)
    show("spend")
    assert set(read) == {"BatchGetItem"}
    most_batches = -(-31 * SHARDS // 100) + 1  # and the month's learning item
    assert len(read) <= most_batches
    add_key("rs-new")
    read.clear()
    show("keys")
    assert set(read) == {"BatchGetItem", "Scan"}
    assert len(read) <= most_batches + 2  # five keys' months, and the keys
