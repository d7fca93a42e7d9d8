"""`GET /v1/prompt` and its history, against moto."""

from typing import cast

import boto3
import pytest

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.prompt_document import parse_prompt, to_json, to_markdown
from route_switch.domain.routing_prompt import Provenance
from tests.integration.conftest import ADMIN_KEY, LONG, Answer, Api, by_model, forget
from tests.support.local_models import numbers, with_local_model
from tests.support.upstream import completion

PROMPT = packaged_prompt()
EDITED = PROMPT.model_copy(update={"instruction": PROMPT.instruction + "\n- a haiku"})
BROKEN = "# Instruction\n\nno front matter"


def put(document: str, name: str = "live") -> None:
    boto3.client("ssm").put_parameter(
        Name=f"/test/prompt/{name}", Value=document, Type="String", Overwrite=True
    )


def get(api: Api, query: str = "") -> Answer:
    return api("GET", f"/v1/prompt{query}", key=ADMIN_KEY)


def history(api: Api) -> list[dict[str, object]]:
    answer = api("GET", "/v1/prompt/history", key=ADMIN_KEY)
    assert (answer.status, answer.body["object"]) == (200, "list")
    return cast("list[dict[str, object]]", answer.body["data"])


def test_the_live_prompt_is_shown_byte_for_byte_with_its_author(api: Api) -> None:
    document = to_markdown(PROMPT)
    put(document)
    shown = get(api).body
    assert (shown["object"], shown["version"], shown["serving"]) == ("prompt", "live@1", "live@1")
    assert shown["document"] == document
    assert (shown["digest"], shown["valid"], shown["reason"]) == (PROMPT.version, True, None)
    assert shown["bytes"] == len(document.encode())
    assert str(shown["written_at"]).endswith("+00:00")
    (kept,) = boto3.client("ssm").get_parameter_history(Name="/test/prompt/live")["Parameters"]
    assert shown["written_by"] == kept["LastModifiedUser"]


def test_every_route_shows_the_same_steering_score(api: Api) -> None:
    put(to_markdown(PROMPT))
    put(to_markdown(EDITED))
    body = {"document": to_markdown(PROMPT), "base_version": 2, "dry_run": True}
    checked = api("POST", "/v1/prompt", body, ADMIN_KEY).body["steering"]
    assert isinstance(checked, dict)
    assert get(api, "?version=1").body["steering"] == checked
    assert get(api).body["steering"] is None


def test_a_local_model_is_shown_by_its_digest_and_in_words(api: Api) -> None:
    put(to_markdown(PROMPT))
    put(to_markdown(with_local_model(PROMPT, "hybrid")))
    shown = get(api).body
    assert (shown["strategy"], shown["ask_below"]) == ("hybrid", 0.1)
    assert shown["local_model"] == numbers().sha256
    assert "- prove (+2.50)" in str(shown["document"])
    assert [each["strategy"] for each in history(api)] == ["hybrid", "prompt"]


def test_the_serving_version_is_the_one_that_routes(api: Api) -> None:
    api.upstream.script = by_model(router=completion("1"), small=completion("Hi."))
    put(to_markdown(PROMPT))
    put(BROKEN)
    assert get(api).body["serving"] == "live@1"
    assert api.chat(LONG).headers["x-route-prompt-version"] == "live@1"


def test_an_old_version_is_shown_with_the_serving_one(api: Api) -> None:
    put(to_markdown(PROMPT))
    put(to_markdown(EDITED))
    shown = get(api, "?version=1").body
    assert (shown["version"], shown["digest"]) == ("live@1", PROMPT.version)
    assert shown["serving"] == "live@2"


@pytest.mark.parametrize("number", ["2", "0", "999999999"])
def test_a_missing_version_is_not_found(api: Api, number: str) -> None:
    put(to_markdown(PROMPT))
    answer = get(api, f"?version={number}")
    error = cast("dict[str, str]", answer.body["error"])
    assert (answer.status, error["code"]) == (404, "prompt_version_not_found")


@pytest.mark.parametrize("text", ["", "live@1", "-1", "1.0", "٣", "9" * 5000])
def test_an_invalid_version_number_is_refused(api: Api, text: str) -> None:
    answer = get(api, f"?version={text}")
    error = cast("dict[str, str]", answer.body["error"])
    assert (answer.status, error["param"]) == (400, "version")


def test_a_broken_live_prompt_is_shown_with_the_reason(api: Api) -> None:
    put(to_markdown(PROMPT), "seed")
    put(BROKEN)
    shown = get(api).body
    assert (shown["version"], shown["document"]) == ("live@1", BROKEN)
    assert (shown["valid"], shown["digest"]) == (False, None)
    assert "front matter" in str(shown["reason"])
    assert shown["serving"] == "seed@1"


def test_json_is_shown_as_markdown(api: Api) -> None:
    document = to_json(EDITED)
    put(document)
    shown = get(api).body
    assert parse_prompt(str(shown["document"])) == EDITED
    assert str(shown["document"]).startswith("+++")
    assert shown["bytes"] == len(document.encode()), "the size as stored"


def test_json_without_a_markdown_form_is_shown_unchanged(api: Api) -> None:
    odd = PROMPT.model_copy(update={"instruction": PROMPT.instruction + "\n# Demos\n"})
    put(to_json(odd))
    shown = get(api).body
    assert shown["document"] == to_json(odd)
    assert (shown["valid"], shown["digest"]) == (True, odd.version)


def test_without_a_live_prompt_its_replacement_is_shown(api: Api) -> None:
    shown = get(api).body
    assert shown["version"] == shown["serving"] == f"packaged@{PROMPT.version}"
    put(to_markdown(EDITED), "seed")
    shown = get(api).body
    assert shown["version"] == shown["serving"] == "seed@1"
    assert shown["document"] == to_markdown(EDITED)
    assert (shown["written_at"], shown["written_by"]) == (None, None)
    assert get(api, "?version=1").status == 404
    assert history(api) == []


def test_the_history_is_newest_first_and_contains_no_documents(api: Api) -> None:
    for document in (to_markdown(PROMPT), BROKEN, to_markdown(EDITED)):
        put(document)
    versions = history(api)
    assert [each["version"] for each in versions] == ["live@3", "live@2", "live@1"]
    assert [each["valid"] for each in versions] == [True, False, True]
    assert [each["digest"] for each in versions] == [EDITED.version, None, PROMPT.version]
    assert versions[1]["bytes"] == len(BROKEN)
    for each in versions:
        assert "document" not in each
        assert each["written_at"] is not None


def test_an_outage_of_parameter_store_is_a_503(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert get(api).status == 200
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:1")
    forget()
    answer = get(api)
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


def test_evidence_is_about_the_text_that_the_run_measured_and_not_about_edits(api: Api) -> None:
    found: Provenance = {
        "origin": "learned",
        "verdict": "better",
        "content": PROMPT.version,
        "heldout_rows": 1204,
        "quality": 0.96,
        "cost": 0.41,
        "gain": 0.034,
        "gain_low": 0.012,
        "gain_high": 0.056,
    }
    put(to_markdown(PROMPT.model_copy(update={"provenance": found})))
    put(to_markdown(EDITED.model_copy(update={"provenance": found})))
    put(to_markdown(EDITED))
    learned = get(api, "?version=1").body
    assert learned["origin"] == "learned"
    assert learned["evidence"] == {
        "verdict": "better",
        "gain": {"mean": 0.034, "low": 0.012, "high": 0.056},
        "heldout_rows": 1204,
        "quality": 0.96,
        "cost": 0.41,
        "promise": None,
        "promised_loss": None,
    }
    edited = get(api, "?version=2").body
    assert (edited["origin"], edited["evidence"]) == ("learned, edited since", None)
    assert get(api).body["evidence"] is None
