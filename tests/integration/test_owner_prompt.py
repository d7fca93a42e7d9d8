"""Publish and roll back the prompt over HTTP."""

from typing import cast

import boto3
import pytest

from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.learning.learning_run import LearningRun
from route_switch.domain.prompt_document import to_json, to_markdown
from tests.integration.conftest import ADMIN_KEY, LONG, Answer, Api, by_model, forget
from tests.support.local_models import numbers, with_local_model
from tests.support.upstream import completion

PROMPT = packaged_prompt()
EDITED = PROMPT.model_copy(update={"instruction": PROMPT.instruction + "\n- a haiku"})
FIRST, SECOND = to_markdown(PROMPT), to_markdown(EDITED)
END = "+++\n\n"
"""Of the front matter."""


def publish(api: Api, document: str, base: int | None, **more: object) -> Answer:
    body = {"document": document, "base_version": base, **more}
    return api("POST", "/v1/prompt", body, ADMIN_KEY)


def roll_back(api: Api, version: int, base: int) -> Answer:
    body = {"version": version, "base_version": base}
    return api("POST", "/v1/prompt/rollback", body, ADMIN_KEY)


def live() -> tuple[str, int]:
    found = boto3.client("ssm").get_parameter(Name="/test/prompt/live")["Parameter"]
    return found["Value"], found["Version"]


def trail(api: Api) -> list[dict[str, object]]:
    found = api("GET", "/v1/audit?what=prompt", key=ADMIN_KEY).body["data"]
    return cast("list[dict[str, object]]", found)


def test_a_published_prompt_routes_byte_for_byte(api: Api) -> None:
    first = publish(api, FIRST, None)
    assert (first.status, first.body["version"], first.body["warnings"]) == (200, 1, [])
    steering = first.body["steering"]
    assert isinstance(steering, dict)
    assert steering["prompt"] == PROMPT.version
    second = publish(api, SECOND, 1)
    assert (second.body["version"], second.body["steering"]) == (2, None)
    assert live() == (SECOND, 2)
    api.upstream.script = by_model(router=completion("1"), small=completion("Hi."))
    assert api.chat(LONG).headers["x-route-prompt-version"] == "live@2"


def test_what_is_live_already_makes_no_new_version(api: Api) -> None:
    publish(api, FIRST, None)
    assert publish(api, FIRST, 1).body["version"] == 1


def test_a_dry_run_checks_everything_and_changes_nothing(api: Api) -> None:
    publish(api, FIRST, None)
    checked = publish(api, SECOND, 1, dry_run=True)
    assert (checked.status, checked.body["version"]) == (200, None)
    assert publish(api, SECOND, 7, dry_run=True).error["code"] == "prompt_changed"
    assert publish(api, "?", 1, dry_run=True).error["code"] == "invalid_prompt"
    assert live() == (FIRST, 1)
    assert len(trail(api)) == 1


def test_a_change_of_another_base_is_refused_with_what_is_live(api: Api) -> None:
    publish(api, FIRST, None)
    publish(api, SECOND, 1)
    for answer in (publish(api, FIRST, 1), roll_back(api, 1, 1)):
        assert (answer.status, answer.error["code"]) == (409, "prompt_changed")
        message = str(answer.error["message"])
        assert "version 2 is live" in message
        assert "'base_version': 2" in message
        assert "--base" not in message
    assert "Merge" not in str(roll_back(api, 1, 1).error["message"]), "a rollback has no text"
    assert live() == (SECOND, 2)


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("# Instruction\n\nno front matter", "front matter"),
        (FIRST.replace("Tier 2", "tier two"), "no bulleted list of criteria for tier 2"),
        (FIRST + "x" * 9000, "bytes long"),
        ("[" * 100_000, "broken"),
    ],
)
def test_a_document_that_must_not_go_live_is_refused_with_the_reason(
    api: Api, document: str, problem: str
) -> None:
    answer = publish(api, document, None)
    assert (answer.status, answer.error["code"], answer.error["param"]) == (
        400,
        "invalid_prompt",
        "document",
    )
    assert problem in str(answer.error["message"])
    assert trail(api) == []


def test_a_prompt_of_an_old_schema_warns(api: Api) -> None:
    old = to_markdown(PROMPT.model_copy(update={"schema_version": 1}))
    [warning] = cast("list[str]", publish(api, old, None).body["warnings"])
    assert "schema_version 1" in warning


def test_numbers_of_a_local_model_are_not_stored_over_http(api: Api) -> None:
    prompt = with_local_model(PROMPT, "hybrid")
    for document in (to_json(prompt), to_markdown(prompt)):
        answer = publish(api, document, None)
        assert (answer.status, answer.error["code"]) == (400, "local_model_unknown")
    boto3.client("s3").put_object(
        Bucket="learning",
        Key=f"models/{numbers().sha256}.json",
        Body=numbers().model_dump_json().encode(),
    )
    assert publish(api, to_json(prompt), None).status == 200
    assert live()[0] == to_markdown(prompt)


def test_a_rollback_makes_the_old_content_a_new_version(api: Api) -> None:
    publish(api, FIRST, None)
    publish(api, SECOND, 1)
    done = roll_back(api, 1, 2)
    assert (done.status, done.body["version"], done.body["content_of"]) == (200, 3, 1)
    assert live() == (FIRST, 3)
    forget()
    assert roll_back(api, 9, 3).error["code"] == "prompt_version_not_found"


def test_the_trail_names_the_key_of_each_change(api: Api) -> None:
    publish(api, FIRST, None)
    publish(api, SECOND, 1)
    roll_back(api, 1, 2)
    assert [each["action"] for each in trail(api)] == ["rollback", "push", "push"]
    assert {each["by"] for each in trail(api)} == {f"key:key_{ADMIN_KEY} ({ADMIN_KEY})"}


def test_bodies_are_strict(api: Api) -> None:
    for body, named in (
        ({"document": FIRST}, "'base_version' is missing"),
        ({"document": 1, "base_version": "1", "force": True}, "'force' is not a known field"),
        ({"document": FIRST, "base_version": 0}, "'base_version'"),
    ):
        answer = api("POST", "/v1/prompt", body, ADMIN_KEY)
        assert answer.status == 400
        assert named in str(answer.error["message"])
    assert publish(api, "x" * 2_100_000, None).status == 413


def test_the_live_text_with_another_base_is_refused_like_any_other(api: Api) -> None:
    publish(api, FIRST, None)
    publish(api, SECOND, 1)
    for base in (None, 3, 99):
        for dry_run in (False, True):
            refused = publish(api, SECOND, base, dry_run=dry_run)
            assert (refused.status, refused.error["code"]) == (409, "prompt_changed"), base
    repeated = publish(api, SECOND, 1)
    assert (repeated.status, repeated.body["version"]) == (200, 2), "its answer may have been lost"
    publish(api, FIRST, 2)
    publish(api, SECOND, 3)
    assert publish(api, SECOND, 1).error["code"] == "prompt_changed"
    assert live() == (SECOND, 4)


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (f"{SECOND}\0", "control character U+0000"),
        (SECOND.replace("a haiku", "a \x1b[2Jhaiku"), "control character U+001B"),
        (SECOND.replace('origin = "hand-written"', 'origin = "learned"'), "'origin'"),
        (
            SECOND.replace(END, f'verdict = "better"\ngain = 0.4\n{END}', 1),
            "'gain', 'verdict'",
        ),
        (SECOND.replace(END, f"bypas_tokens = 12\n{END}", 1), "'bypas_tokens'"),
        (SECOND.replace(END, f"date = 2026-11-30\n{END}", 1), "'date' in its front matter"),
    ],
)
def test_what_a_person_may_not_publish_is_refused_everywhere(
    api: Api, document: str, problem: str
) -> None:
    publish(api, FIRST, None)
    for dry_run in (True, False):
        refused = publish(api, document, 1, dry_run=dry_run)
        assert (refused.status, refused.error["code"]) == (400, "invalid_prompt")
        assert problem in str(refused.error["message"])
        assert "route-switch prompt" not in str(refused.error["message"])
    assert live() == (FIRST, 1)


def test_the_candidate_of_a_run_is_published_with_its_evidence(api: Api) -> None:
    publish(api, FIRST, None)
    said = {"origin": "learned", "verdict": "better", "content": EDITED.version}
    candidate = to_markdown(EDITED.model_copy(update={"provenance": said}))
    assert publish(api, candidate, 1).status == 400
    run = "2026-11-22T030000Z"
    found = LearningRun(id=run, month="2026-11", trigger="schedule", cap_usd=1)
    assert DynamoDbRuns(boto3.client("dynamodb"), "results").claim(found, "execution") is None
    boto3.client("s3").put_object(
        Bucket="learning", Key=f"runs/{run}/candidate.md", Body=candidate.encode()
    )
    assert publish(api, candidate.replace("a haiku", "an ode"), 1).status == 400
    assert publish(api, candidate, 1).body["version"] == 2
    edited = candidate.replace("a haiku", "a sonnet")
    assert publish(api, edited, 2).body["version"] == 3, "an edit keeps what was said of its base"
