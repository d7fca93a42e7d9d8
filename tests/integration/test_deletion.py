"""Deleting requests: afterwards their texts are nowhere, and all other texts remain.

Each request contains a word that occurs nowhere else. It passes through everything: the record,
feedback, S3, the stored answer for retries, and a learning run with its paid answers and report.
"""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, cast
from urllib.parse import quote
from uuid import uuid4

import boto3
import pytest

from route_switch.adapters.learning.demo_claims import DemoClaims
from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.adapters.learning.learning_bucket import LearningBucket
from route_switch.adapters.learning.learning_texts import LearningTexts
from route_switch.adapters.operations.dynamodb_deletion import DynamoDbDeletionNotes
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.prompts.dynamodb_quality import DynamoDbRejections
from route_switch.adapters.prompts.ssm_output_ratios import SsmOutputRatios
from route_switch.adapters.ssm import SsmPromptStore, SsmSwitchStore
from route_switch.domain.learning.example import Example, query_key
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.learning.learning_run import LearningRun, RunOutcome
from route_switch.domain.learning.text_policy import as_demo
from route_switch.domain.operations.costs import costs_of
from route_switch.domain.prompt_document import to_json, to_markdown
from route_switch.domain.prompts.quality_drop import Scores
from route_switch.domain.routing_prompt import Demo, RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.services.operations import delete_texts
from route_switch.services.operations.three_sentences import WeekFigures
from route_switch.services.prompts.publish_prompt import PublishPrompt
from route_switch.wiring import management
from route_switch.wiring.learning import LearningSettings, LearningWiring, build_collector
from route_switch.wiring.optimizer import build_run_slice
from route_switch.wiring.settings import read_settings
from route_switch.workflow.collect import CollectInputs
from route_switch.workflow.events import (
    CollectEvent,
    PromoteEvent,
    PromotionState,
    ReportEvent,
    RunState,
    WorkEvent,
)
from route_switch.workflow.mail import Mail
from route_switch.workflow.promote import PromoteCandidate
from route_switch.workflow.report import ReportRun
from tests.integration.conftest import (
    ADMIN_KEY,
    CLIENT_KEY,
    OTHER_KEY,
    Api,
    MakeApi,
)
from tests.support.clock import NOW, stop_clock
from tests.support.local_models import MemoryModels
from tests.support.upstream import Body, Reply, completion

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from route_switch.domain.ports import PromptLock

ANN, BOB = "xylophone", "zeppelin"
"""The words in their texts."""
LIVE = "/test/prompt/live"
RUN = LearningRun(
    id=f"{NOW:%Y-%m-%dT%H%M%SZ}", month=f"{NOW:%Y-%m}", trigger="schedule", cap_usd=100.0
)


@pytest.fixture(autouse=True)
def _clock_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_clock(monkeypatch)


@pytest.fixture
def api(make_api: MakeApi) -> Api:
    api = make_api(max_body_bytes=1_000_000)
    publish()
    api.upstream.script = echo
    return api


def echo(body: Body) -> Reply:
    """A model that echoes its input. The router chooses Tier 1."""
    text = json.dumps(body["messages"])
    return completion("1" if body["model"] == "router" else f"You said: {text[-300:]}")


def learned(*demos: Demo) -> RoutingPrompt:
    changes = {"demos": demos, "provenance": {"origin": "learned"}}
    return packaged_prompt().model_copy(update=changes)


def publish(*demos: Demo) -> None:
    prompt = learned(*demos)
    boto3.client("ssm").put_parameter(
        Name=LIVE, Value=to_markdown(prompt), Type="String", Overwrite=True, Tier="Advanced"
    )


def s3() -> "S3Client":
    client: S3Client = boto3.client("s3")
    return client


def ask(api: Api, word: str, key: str = CLIENT_KEY, **fields: object) -> str:
    """Send a request that leaves its word wherever a request can."""
    question = f"What does the {word} have to do with the tides on Earth, step by step?"
    earlier = {"role": "user", "content": f"My {word}. " * 10_000}
    answer = {"role": "assistant", "content": f"Your {word}?"}
    messages = [earlier, answer, {"role": "user", "content": question}]
    repeatable = {"Idempotency-Key": f"{word} {uuid4()}"}
    body = {"messages": messages, **fields}
    request_id = str(api("POST", "/v1/chat/completions", body, key, repeatable).body["id"])
    said = {"request_id": request_id, "thumb": "down", "gold": word, "comment": word}
    assert api("POST", "/v1/feedback", said, key).body["text_kept"] is True
    return request_id


def switches() -> SsmSwitchStore:
    return SsmSwitchStore(boto3.client("ssm"), "/test/switches")


def bucket() -> LearningBucket:
    return LearningBucket(s3(), "learning")


def claims() -> DemoClaims:
    return DemoClaims(bucket().shared)


def notes() -> DynamoDbDeletionNotes:
    return DynamoDbDeletionNotes(boto3.client("dynamodb"), "results")


def prompts() -> SsmPromptStore:
    return SsmPromptStore(boto3.client("ssm"), LIVE, "/test/prompt/seed")


def learn(run: LearningRun = RUN) -> None:
    """Run the steps that touch texts: examples, and paid answers with their judgments."""
    settings = read_settings()
    price = {"input_usd_per_million": 1, "output_usd_per_million": 1}
    config = LearningConfig.model_validate(
        {"days": 2, "min_examples": 15, "judge": "openai/judge", "prices": {"openai/judge": price}}
    )
    examples = build_collector(settings, boto3.client("dynamodb"), s3(), lambda each: each)
    router = settings.router.models.router
    note = DynamoDbRuns(boto3.client("dynamodb"), "results").note_left_out
    collect = CollectInputs(examples, prompts(), bucket(), config, router, note, notes(), claims())
    collect(CollectEvent(step="collect", run=run))
    learning = LearningSettings.model_construct(
        **settings.model_dump(exclude={"router"}),
        router=settings.router,
        learning=config,
    )
    run_slice = build_run_slice(LearningWiring(learning), lambda: 1000.0, print)
    assert run_slice(WorkEvent(step="outcomes", run=run)).done


def leave_behind(request_id: str, word: str, run: LearningRun = RUN, *, moved: bool = True) -> None:
    """Write what the later steps would write that shows the request: as a demo, and as a moved
    query."""
    shown = learned(demo_of(request_id))
    claim(request_id)
    report = {
        "moved": [{"example": request_id, "query": word}] if moved else [],
        "incumbent_prompt": to_markdown(packaged_prompt()),
        "candidate_prompt": to_markdown(shown),
    }
    left = bucket().artifacts(run.id)
    left.write("report.json", json.dumps(report).encode())
    left.write("report.html", word.encode())
    left.write("candidate.json", to_json(shown).encode())
    left.write("candidate.md", to_markdown(shown).encode())
    bucket().shared.write("prompts/7.json", to_json(shown).encode())


def example_of(request_id: str) -> Example:
    settings = read_settings()
    found = build_collector(settings, boto3.client("dynamodb"), s3(), lambda each: each)
    examples = found([NOW.date(), NOW.date() - timedelta(days=1)], 1000).examples
    return next(each for each in examples if each.id == request_id)


def demo_of(request_id: str) -> Demo:
    """The demo that the search would make."""
    example = example_of(request_id)
    return Demo(query=as_demo(example.as_query, example.query), tier=Tier.SMALL)


def claim(request_id: str) -> None:
    """Note whose request the demo was taken from, as a run does."""
    clients = dict.fromkeys(example_of(request_id).asked_by, 0.0)
    claims().add({query_key(demo_of(request_id).query): clients})


def places_of(word: str) -> list[str]:
    """Return everything in DynamoDB and S3 that contains the word."""
    dynamodb, found = boto3.client("dynamodb"), []
    for table in dynamodb.list_tables()["TableNames"]:
        pages = dynamodb.get_paginator("scan").paginate(TableName=table)
        items = [item for page in pages for item in page["Items"]]
        found += [f"{table}: {item.get('pk')}" for item in items if word in str(item)]
    for name in ("texts", "learning"):
        for key in (each["Key"] for each in s3().list_objects_v2(Bucket=name).get("Contents", [])):
            content = s3().get_object(Bucket=name, Key=key)["Body"].read()
            if content.startswith(b"\x1f\x8b"):
                content = gzip.decompress(content)
            found += [f"{name}: {key}"] if word.encode() in content else []
    return found


def counters() -> list[str]:
    items = boto3.client("dynamodb").scan(TableName="results")["Items"]
    return sorted(str(item) for item in items if item["sk"]["S"] == "TOTALS")


Delete = Callable[[Api, str], dict[str, object]]


def by_id(api: Api, request_id: str) -> dict[str, object]:
    answer = api("DELETE", f"/v1/results/{request_id}")
    assert (answer.status, answer.body["object"]) == (200, "result.deleted")
    assert (answer.body["id"], answer.body["deleted"]) == (request_id, True)
    return answer.body


def by_user(api: Api, _: str) -> dict[str, object]:
    answer = api("DELETE", "/v1/users/ann")
    assert (answer.status, answer.body["object"]) == (200, "user.deleted")
    assert (answer.body["deleted_results"], answer.body["complete"]) == (1, True)
    return answer.body


@pytest.mark.parametrize("delete", [by_id, by_user])
def test_after_a_deletion_the_texts_are_nowhere_and_other_texts_remain(
    api: Api, delete: Delete
) -> None:
    ann, bob = ask(api, ANN, user="ann"), ask(api, BOB, user="bob")
    of_bob = places_of(BOB)
    learn()
    leave_behind(ann, ANN)
    counted = counters()
    everywhere = " ".join(places_of(ANN))
    for place in (
        "results: ",
        "idempotency: ",
        "texts: ",
        "answers/",
        "work/",
        "runs/",
        "prompts/",
    ):
        assert place in everywhere, "otherwise this test would prove nothing"
    paid_for_bob = {place for place in places_of(BOB) if "answers/" in place}
    assert paid_for_bob
    answer = delete(api, ann)
    assert places_of(ANN) == []
    assert answer["pending"] == []
    assert {*places_of(BOB)} == {*of_bob} | paid_for_bob, "the working files held both"
    assert counters() == counted
    assert api("GET", f"/v1/results/{ann}").status == 404
    assert api("GET", f"/v1/results/{bob}").status == 200
    again = RUN.model_copy(update={"id": f"{RUN.id}-manual"})
    learn(again)
    assert places_of(ANN) == [], "the next run does not see it either"
    assert f"work/{again.id}/examples" in " ".join(places_of(BOB))


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_id_that_is_too_long_for_dynamodb_is_not_found(api: Api, method: str) -> None:
    answer = api(method, f"/v1/results/{'x' * 3000}")
    assert (answer.status, answer.error["code"]) == (404, "result_not_found")
    assert len(str(answer.error["message"])) < 300


def test_a_user_name_that_requests_cannot_have_is_refused(api: Api) -> None:
    assert api("DELETE", f"/v1/users/{'x' * 256}").status == 200
    answer = api("DELETE", f"/v1/users/{'x' * 257}")
    assert (answer.status, answer.error["param"]) == (400, "user")


def test_a_deleted_request_is_not_found_again(api: Api) -> None:
    request_id = ask(api, ANN, user="ann")
    by_id(api, request_id)
    assert api("DELETE", f"/v1/results/{request_id}").status == 404
    nobody = api("DELETE", "/v1/users/ann")
    assert (nobody.status, nobody.body["deleted_results"]) == (200, 0)


def test_a_key_deletes_its_own_requests_and_an_admin_key_all(api: Api) -> None:
    mine, other = ask(api, ANN, user="ann"), ask(api, ANN, OTHER_KEY, user="ann")
    assert api("DELETE", f"/v1/results/{other}").status == 404
    assert api("DELETE", "/v1/users/ann").body["deleted_results"] == 1
    assert api("GET", f"/v1/results/{mine}").status == 404
    assert api("GET", f"/v1/results/{other}", key=OTHER_KEY).status == 200
    assert api("DELETE", "/v1/users/ann", key=ADMIN_KEY).body["deleted_results"] == 1
    third = ask(api, ANN, OTHER_KEY)
    assert api("DELETE", f"/v1/results/{third}", key=ADMIN_KEY).status == 200
    assert places_of(ANN) == []
    assert api("DELETE", "/v1/users/ann", key=None).status == 401


@pytest.mark.parametrize("user", ["a@b.example", "a b/c", "100%2F", "ünïcode", "a#0"])
def test_any_user_can_be_named(api: Api, user: str) -> None:
    ask(api, ANN, user=user)
    answer = api("DELETE", f"/v1/users/{quote(user, safe='')}")
    assert (answer.body["user"], answer.body["deleted_results"]) == (user, 1)
    assert places_of(ANN) == []


def test_a_users_requests_without_text_are_deleted_too(make_api: MakeApi) -> None:
    api = make_api(text_storage="none")
    api.upstream.script = echo
    api.chat("hello", user="ann")
    assert "'ann'" in str(boto3.client("dynamodb").scan(TableName="results"))
    assert by_user(api, "")["pending"] == []
    assert "'ann'" not in str(boto3.client("dynamodb").scan(TableName="results"))


def test_an_incomplete_deletion_is_finished_by_calling_again(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        api.chat(f"{ANN} {number}", user="ann")
    monkeypatch.setattr(delete_texts, "BATCH_SIZE", 2)
    times = iter([0.0, 1.0])  # start, first batch, second batch
    served = management.management()
    slow_delete = replace(served.delete.delete, clock=lambda: next(times, 99.0))
    late = replace(served, delete=replace(served.delete, delete=slow_delete))
    with monkeypatch.context() as slow:
        slow.setattr("functions.management.handler.management", lambda: late)
        first = api("DELETE", "/v1/users/ann").body
    assert (first["complete"], first["deleted_results"]) == (False, 2)
    assert first["cursor"] is not None
    rest = api("DELETE", f"/v1/users/ann?cursor={first['cursor']}").body
    assert (rest["complete"], rest["deleted_results"], rest["cursor"]) == (True, 3, None)
    assert places_of(ANN) == []


def claimed() -> DynamoDbRuns:
    runs = DynamoDbRuns(boto3.client("dynamodb"), "results")
    assert runs.claim(RUN, "execution") is None
    return runs


def report(runs: DynamoDbRuns) -> str:
    """Run the last step and return its message."""
    ratios = SsmOutputRatios(boto3.client("ssm"), "/test/prompt/live")
    texts = LearningTexts(bucket())
    day = date(2026, 11, 22)
    nothing = WeekFigures(day, day, costs_of({}), None, None, None, Scores())
    mail = Mail(lambda: nothing)
    step = ReportRun(runs, bucket(), "learning", "dev", notes(), texts, ratios, mail)
    event = ReportEvent(step="report", execution="execution", state=RunState(run=RUN))
    return step(event).message


def test_a_run_in_progress_is_reported_promotes_no_deleted_text_and_removes_it_at_its_end(
    api: Api,
) -> None:
    ann = ask(api, ANN, user="ann")
    runs = claimed()
    learn()
    answer = by_id_with_leftovers(api, ann)
    assert answer["pending"] == [f"run {RUN.id}"]
    held = places_of(ANN)
    assert held
    assert all("learning: " in place and RUN.id in place for place in held)
    assert "was deleted after the run began" in promotion()
    assert "The report and the candidate showed a deleted query" in report(runs)
    assert places_of(ANN) == []
    assert runs.holder() is None


def promotion() -> str:
    """Return why the candidate that the run left is not promoted: it has no verdict."""
    publish_prompt = PublishPrompt(prompts(), prompts(), cast("PromptLock", None), MemoryModels())
    rejections = DynamoDbRejections(boto3.client("dynamodb"), "results")
    promote = PromoteCandidate(
        publish_prompt, bucket(), switches(), notes(), claims(), rejections, {}
    )
    promoted = promote(PromoteEvent(step="promote", state=PromotionState(run=RUN)))
    assert promoted.promoted is False
    return str(promoted.why)


def by_id_with_leftovers(api: Api, request_id: str) -> dict[str, object]:
    leave_behind(request_id, ANN)
    s3().delete_object(Bucket="learning", Key="prompts/7.json")
    return by_id(api, request_id)


def test_a_run_of_an_earlier_version_is_recognized_by_its_examples(api: Api) -> None:
    ann = ask(api, ANN)
    claimed()
    learn()
    s3().delete_object(Bucket="learning", Key=f"work/{RUN.id}/keys.json")
    assert by_id(api, ask(api, BOB))["pending"] == []
    assert by_id(api, ann)["pending"] == [f"run {RUN.id}"]


def test_a_run_without_the_text_is_not_reported_as_pending(api: Api) -> None:
    ask(api, BOB)
    runs = claimed()
    learn()
    ann = ask(api, ANN)
    assert by_id(api, ann)["pending"] == []
    runs.finish(RUN.id, "execution", RunOutcome.NOT_BETTER, "m", None)


def test_a_run_that_may_be_collecting_is_reported_as_pending(api: Api) -> None:
    claimed()
    assert by_id(api, ask(api, ANN))["pending"] == [f"run {RUN.id}"]


def test_late_files_of_a_stopped_run_are_removed_at_the_end_of_the_next(api: Api) -> None:
    ann = ask(api, ANN)
    by_id(api, ann)
    bucket().work("2026-01-01T000000Z").write("calls/run/late", ANN.encode())
    report(claimed())
    assert places_of(ANN) == []


@pytest.mark.parametrize("key", [CLIENT_KEY, ADMIN_KEY])
def test_a_demo_in_a_prompt_version_cannot_be_deleted_and_is_reported(api: Api, key: str) -> None:
    ann = ask(api, ANN)
    publish(demo_of(ann))
    publish(demo_of(ann).model_copy(update={"tier": Tier.LARGE}))
    claim(ann)
    remains = api("DELETE", f"/v1/results/{ann}", key=key).body["remains"]
    assert isinstance(remains, list)
    assert [each["place"] for each in remains] == [
        "version 2 of the live prompt",
        "version 3 of the live prompt",
        "point-in-time backups of the tables",
    ]
    assert "prompt edit" not in remains[0]["what_to_do"]
    assert "prompt edit" in remains[1]["what_to_do"]
    assert "after 35 days" in remains[2]["what_to_do"]


def test_feedback_cannot_outlive_its_request(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The feedback was on its way while the request was deleted."""
    ann = ask(api, ANN)
    store = management.management().give_feedback._store
    write = store._write  # type: ignore[attr-defined]  # between reading and writing

    def deleted_meanwhile(*args: object) -> object:
        by_id(api, ann)
        return write(*args)

    monkeypatch.setattr(type(store), "_write", staticmethod(deleted_meanwhile))
    said = {"request_id": ann, "thumb": "up", "comment": ANN}
    assert api("POST", "/v1/feedback", said).status == 404
    assert places_of(ANN) == []


# One client's deletion must not affect others.


def copied(api: Api) -> str:
    """Let a run use what Ann asked, and let another key send the same and delete it. Return the
    deletion's answer as text."""
    ann = ask(api, ANN, user="ann")
    learn()
    leave_behind(ann, ANN)
    publish(demo_of(ann).model_copy(update={"tier": Tier.LARGE}))
    copy = ask(api, ANN, OTHER_KEY)
    answer = api("DELETE", f"/v1/results/{copy}", key=OTHER_KEY)
    assert answer.body["deleted"] is True
    return answer.text


def learned_places() -> list[str]:
    return [place for place in places_of(ANN) if place.startswith("learning: ")]


def test_a_deleted_copy_removes_nothing_that_learning_made_of_another_clients_request(
    api: Api,
) -> None:
    copied(api)
    left = learned_places()
    for place in ("answers/", "work/", "report.json", "candidate.json", "prompts/7.json"):
        assert any(place in each for each in left)
    report(claimed())
    assert learned_places() == left, "the end of a run finds the same"


def test_a_deleted_copy_vetoes_no_candidate(api: Api) -> None:
    copied(api)
    assert "deleted" not in promotion()


def test_a_deleted_copy_tells_a_client_nothing_about_what_others_asked(api: Api) -> None:
    claimed()
    told = copied(api)
    assert "live prompt" not in told
    assert RUN.id not in told


def test_what_two_clients_asked_goes_with_the_last_of_their_requests(api: Api) -> None:
    ann, copy = ask(api, ANN), ask(api, ANN, OTHER_KEY)
    learn()
    (kept,) = kept_ids()
    assert set(example_of(kept).asked_by) == {f"key_{CLIENT_KEY}", f"key_{OTHER_KEY}"}
    leave_behind(kept, ANN, moved=False)
    by_id(api, ann)
    assert any("candidate.json" in place for place in learned_places())
    assert "deleted" not in promotion()
    api("DELETE", f"/v1/results/{copy}", key=OTHER_KEY)
    assert places_of(ANN) == []


def kept_ids() -> set[str]:
    lines = gzip.decompress(bucket().work(RUN.id).read("examples.jsonl.gz") or b"").splitlines()
    return {json.loads(line)["id"] for line in lines}


def test_a_request_that_was_merged_into_another_is_found_in_a_run(api: Api) -> None:
    both = ask(api, ANN), ask(api, ANN, OTHER_KEY)
    claimed()
    learn()
    (merged,) = set(both) - kept_ids()
    answer = api("DELETE", f"/v1/results/{merged}", key=ADMIN_KEY)
    assert answer.body["pending"] == [f"run {RUN.id}"], "its answer may be among the examples"


def test_a_text_of_an_unknown_client_goes_with_any_request_that_has_it(api: Api) -> None:
    """Earlier versions did not note whose requests the demos were taken from."""
    ann = ask(api, ANN)
    leave_behind(ann, ANN)
    s3().delete_object(Bucket="learning", Key="demo-claims.json")
    copy = ask(api, ANN, OTHER_KEY)
    told = api("DELETE", f"/v1/results/{copy}", key=OTHER_KEY)
    assert learned_places() == []
    assert "live prompt" not in told.text
