"""Feedback on answers, through the API."""

import json

import boto3
import pytest

from tests.integration.conftest import (
    ADMIN_KEY,
    CLIENT_KEY,
    OTHER_KEY,
    Answer,
    Api,
    MakeApi,
    by_model,
)
from tests.support.upstream import completion, failure

NO_TEXT = {"text_storage": "none"}


def give(api: Api, request_id: object, key: str = CLIENT_KEY, **fields: object) -> Answer:
    return api("POST", "/v1/feedback", {"request_id": request_id, **fields}, key)


def ask(api: Api) -> str:
    api.upstream.script = by_model(router=completion("1"), small=completion("Hi."))
    return str(api.chat("hello").body["id"])


def stored(request_id: str) -> dict[str, object] | None:
    key = {"pk": {"S": f"RESULT#{request_id}"}, "sk": {"S": "FEEDBACK"}}
    item = boto3.client("dynamodb").get_item(TableName="results", Key=key).get("Item")
    found: dict[str, object] | None = json.loads(item["feedback"]["S"]) if item else None
    return found


def error_of(answer: Answer) -> tuple[int, object, object]:
    error = answer.body["error"]
    assert isinstance(error, dict)
    return answer.status, error["code"], error["param"]


@pytest.mark.parametrize(
    ("said", "score", "adequate"),
    [
        ({"thumb": "up"}, 1.0, True),
        ({"thumb": "down"}, 0.0, False),
        ({"score": 0.5}, 0.5, True),
        ({"score": 0.49}, 0.49, False),
        ({"score": 1}, 1.0, True),
    ],
)
def test_a_thumb_or_a_score_says_whether_the_answer_was_adequate(
    api: Api, said: dict[str, object], score: float, adequate: bool
) -> None:
    request_id = ask(api)
    answer = api("POST", "/v1/feedback", {"request_id": request_id, **said})
    assert answer.status == 200
    assert answer.body == {
        "object": "feedback",
        "request_id": request_id,
        "score": score,
        "adequate": adequate,
        "text_kept": None,
    }
    kept = stored(request_id)
    assert kept is not None
    assert (kept["adequate"], kept.get("score")) == (adequate, said.get("score"))


def test_repeated_feedback_changes_nothing_and_later_feedback_replaces_it(api: Api) -> None:
    request_id = ask(api)
    first = [give(api, request_id, score=0.2, comment="Meh.") for _ in range(2)]
    assert first[0].body == first[1].body
    assert stored(request_id) == {"adequate": False, "score": 0.2, "comment": "Meh."}
    give(api, request_id, thumb="up")
    assert stored(request_id) == {"adequate": True}


def test_not_even_an_admin_key_can_rate_another_keys_result(api: Api) -> None:
    request_id = ask(api)
    for key in (OTHER_KEY, ADMIN_KEY):
        assert error_of(give(api, request_id, key, thumb="up")) == (404, "result_not_found", None)
    assert error_of(give(api, "chatcmpl-none", thumb="up"))[0] == 404
    assert stored(request_id) is None


def test_feedback_texts_are_stored_only_if_the_requests_text_is(make_api: MakeApi) -> None:
    api = make_api()
    request_id = ask(api)
    kept = give(api, request_id, thumb="down", gold="Good day.", comment="Too short.")
    assert kept.body["text_kept"] is True
    assert stored(request_id) == {
        "adequate": False,
        "gold": "Good day.",
        "comment": "Too short.",
    }


def test_without_stored_text_only_the_rating_is_stored_and_the_response_says_so(
    make_api: MakeApi,
) -> None:
    api = make_api(**NO_TEXT)
    request_id = ask(api)
    answer = give(api, request_id, thumb="down", comment="private")
    assert (answer.status, answer.body["text_kept"]) == (200, False)
    assert stored(request_id) == {"adequate": False}


def test_an_unanswered_request_cannot_be_rated(api: Api) -> None:
    dry = api("POST", "/v1/route", {"messages": [{"role": "user", "content": "hello"}]})
    api.upstream.script = lambda _: failure(500)
    failed = api.chat("hello").headers["x-request-id"]
    for request_id in (dry.body["id"], failed):
        answer = give(api, request_id, thumb="up")
        assert error_of(answer) == (409, "nothing_to_rate", "request_id")


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ("no JSON", "invalid_json", None),
        ([], "invalid_json", None),
        ({"thumb": "up"}, "missing_required_parameter", "request_id"),
        ({"request_id": "r"}, "invalid_value", None),
        ({"request_id": "r", "thumb": "up", "score": 1}, "invalid_value", None),
        ({"request_id": "r", "score": 1.1}, "invalid_value", "score"),
        ({"request_id": "r", "score": "1"}, "invalid_value", "score"),
        ('{"request_id": "r", "score": NaN}', "invalid_value", "score"),
        ({"request_id": "r", "thumb": "left"}, "invalid_value", "thumb"),
        ({"request_id": "r", "thumb": "up", "comment": "x" * 5001}, "invalid_value", "comment"),
        ({"request_id": "r", "thumb": "up", "gold": ""}, "invalid_value", "gold"),
        ({"request_id": "r", "thumb": "up", "stars": 5}, "unknown_parameter", "stars"),
    ],
)
def test_invalid_feedback_is_refused_with_the_field(
    api: Api, body: object, code: str, param: str | None
) -> None:
    answer = api("POST", "/v1/feedback", body)
    assert error_of(answer) == (400, code, param)


def test_a_body_that_is_too_long_is_refused(make_api: MakeApi) -> None:
    api = make_api(max_body_bytes=1000)
    answer = give(api, "r", thumb="up", comment="x" * 2000)
    assert error_of(answer)[:2] == (413, "request_too_large")


def test_a_key_is_needed(api: Api) -> None:
    assert api("POST", "/v1/feedback", {}, key=None).status == 401


def test_the_metrics_of_feedback_contain_no_text(
    api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    request_id = ask(api)
    capsys.readouterr()
    give(api, request_id, score=0.25, comment="private", gold="private")
    printed = capsys.readouterr().out
    metrics = json.loads(printed)
    assert (metrics["feedback"], metrics["feedback_score"]) == ([1.0], [0.25])
    assert metrics["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]
    assert "private" not in printed
