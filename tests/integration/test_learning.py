"""From requests to examples, through the results table."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.client import BaseClient

from route_switch.adapters.dynamodb_reads import batch_get
from route_switch.adapters.dynamodb_results import DynamoDbResultStore
from route_switch.adapters.learning.dynamodb_learning import DynamoDbLearning
from route_switch.adapters.operations.dynamodb_feedback import DynamoDbFeedback
from route_switch.adapters.results_table import SHARDS, day_key, learning_counter
from route_switch.domain.errors import StoreError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.learning_ports import LoadedRequests
from route_switch.domain.learning.past_request import FeedbackStatus, GivenFeedback
from route_switch.domain.ports import JsonObject, TextStore
from route_switch.domain.request_record import NotReplayable, RequestRecord
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.sampling import Arc
from route_switch.domain.tiers import Tier
from route_switch.services.learning.collect_examples import CollectedExamples, CollectExamples
from route_switch.wiring.learning import build_collector
from route_switch.wiring.settings import read_settings
from tests.integration.conftest import (
    CATALOG,
    CLIENT_KEY,
    LONG,
    Api,
    MakeApi,
    by_model,
    create_results_table,
)
from tests.support.records import answered
from tests.support.upstream import completion, failure

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY_ID = f"key_{CLIENT_KEY}"
FAR = 4_000_000_000


def collect() -> CollectedExamples:
    now = datetime.now(UTC)
    settings = read_settings()
    collector = build_collector(
        settings, boto3.client("dynamodb"), boto3.client("s3"), lambda example: example
    )
    # The requests of a test may fall on both sides of midnight.
    return collector([now.date(), now.date() - timedelta(days=1)], 1000)


def examples_by_query() -> dict[str, Example]:
    return {example.query: example for example in collect().examples}


def feedback_store() -> DynamoDbFeedback:
    return DynamoDbFeedback(boto3.client("dynamodb"), "results")


def test_a_request_becomes_an_example_that_repeats_it(api: Api) -> None:
    api.upstream.script = by_model(
        router=completion("2", 900, 1), medium=completion("The Moon.", 37, 211)
    )
    earlier = [
        {"role": "system", "content": "Answer in three words."},
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "Hi. Yes?"},
    ]
    tools = [{"type": "function", "function": {"name": "tide_table"}}]
    query = {"role": "user", "content": LONG}
    api.chat("", messages=[*earlier, query], temperature=0.3, tools=tools, user="ann")
    [example] = collect().examples
    [_, sent] = api.upstream.calls
    assert [*example.messages] == sent["messages"]
    assert example.params == {"temperature": 0.3, "tools": tools}
    result = example.models["openai/medium"]
    assert (result.answer, result.input_tokens, result.output_tokens) == ("The Moon.", 37, 211)
    assert result.cost_usd == pytest.approx((37 * 3 + 211 * 5) / 1e6)
    assert Example.model_validate_json(example.model_dump_json(exclude_defaults=True)) == example


def test_only_routed_answered_and_replayable_requests_are_sampled(api: Api) -> None:
    api.upstream.script = by_model(
        router=completion("1"), small=completion("Hi."), medium=completion("M"), large=failure(500)
    )
    api.chat("bypassed")
    api.chat(LONG)
    api.chat("by name", model="tier-2")
    api("POST", "/v1/route", {"messages": [{"role": "user", "content": f"{LONG} Dry."}]})
    start = {"role": "assistant", "content": "It is"}
    api.chat("", messages=[{"role": "user", "content": "1 + 1"}, start])
    api.chat("word " * 200_001)
    api.chat("  ")
    api.upstream.script = lambda _: failure(500)
    api.chat("failed")
    collected = collect()
    assert {example.query for example in collected.examples} == {"bypassed", LONG}
    assert collected.requests == 2
    counted = {
        each: collected.left_out[each] for each in NotReplayable if each in collected.left_out
    }
    assert counted == {
        NotReplayable.CONTINUED: 1,
        NotReplayable.EMPTY: 1,
        NotReplayable.TOO_LARGE: 1,
    }


CALL: JsonObject = {
    "id": "c",
    "type": "function",
    "function": {"name": "tide", "arguments": '{"at": "Hull"}'},
}
NEXT_CALL: JsonObject = {**CALL, "id": "d"}
STEP: list[JsonObject] = [
    {"role": "user", "content": "When is high tide in Hull?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c", "content": "At six."},
]
TOOLS = [{"type": "function", "function": {"name": "tide"}}]


def test_a_step_of_an_agent_becomes_an_example_with_the_calls_of_its_answer(api: Api) -> None:
    api.upstream.script = by_model(
        router=completion("2"),
        medium=completion("Let me look.", 30, 9, tool_calls=[NEXT_CALL]),
    )
    api.chat("", messages=STEP, tools=TOOLS)
    [example] = collect().examples
    [_, sent] = api.upstream.calls
    assert [*example.messages] == sent["messages"] == STEP
    assert (example.query, example.conversation) == (STEP[0]["content"], ())
    result = example.models["openai/medium"]
    assert (result.answer, list(result.tool_calls)) == ("Let me look.", [NEXT_CALL])
    assert Example.model_validate_json(example.model_dump_json(exclude_defaults=True)) == example


@pytest.mark.parametrize(
    "url", ["data:image/png;base64," + "AAAA" * 50_000, "https://example.com/cat.png"]
)
@pytest.mark.parametrize("text", ["What is this?", ""])
def test_an_image_becomes_a_part_of_the_example(api: Api, url: str, text: str) -> None:
    api.upstream.script = by_model(router=completion("1"), small=completion("A cat."))
    image = {"type": "image_url", "image_url": {"url": url}}
    content = [*([{"type": "text", "text": text}] if text else []), image]
    api.chat("", messages=[{"role": "user", "content": content}])
    [example] = collect().examples
    assert example.query == text
    assert [*example.messages] == [{"role": "user", "content": content}]


def test_a_conversation_of_501_messages_becomes_an_example(api: Api) -> None:
    api.upstream.script = by_model(router=completion("1"), small=completion("Yes."))
    talk = [{"role": ("user", "assistant")[n % 2], "content": f"turn {n}"} for n in range(501)]
    api.chat("", messages=talk)
    [example] = collect().examples
    assert [*example.messages] == talk
    assert len(example.conversation) == 500


def test_an_answer_with_tools_of_which_the_calls_were_not_kept_is_asked_for_again(
    api: Api,
) -> None:
    """A record of an earlier version."""
    api.upstream.script = by_model(router=completion("1"), small=completion("Let me look."))
    api.chat(LONG, tools=TOOLS)
    [item] = [i for i in scan() if i["sk"]["S"] == "RESULT"]
    replay = json.loads(item["replay"]["S"])
    assert replay.pop("tool_calls") == []
    boto3.client("dynamodb").update_item(
        TableName="results",
        Key={name: item[name] for name in ("pk", "sk")},
        UpdateExpression="SET #a = :content",
        ExpressionAttributeNames={"#a": "replay"},
        ExpressionAttributeValues={":content": {"S": json.dumps(replay)}},
    )
    [example] = collect().examples
    assert example.models == {}


def test_a_request_that_named_its_tier_is_not_sampled_even_if_another_tier_answered(
    make_api: MakeApi,
) -> None:
    api = make_api(escalate_named=True)
    api.upstream.script = by_model(medium=failure(500), large=completion("Large."))
    assert api.chat("by name", model="tier-2").headers["x-route-reason"] == "degraded"
    assert collect().examples == ()


def test_an_expired_record_is_not_used(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    api.chat("hello")
    [item] = [i for i in scan() if i["sk"]["S"] == "RESULT"]
    learning = DynamoDbLearning(
        boto3.client("dynamodb"),
        "results",
        cast("TextStore", None),
        now=lambda: float(item["expires_at"]["N"]),
    )
    day = datetime.fromisoformat(item["created_at"]["S"]).date()
    [request_id] = learning.draw([day], Arc.of(0, 1.0))
    assert learning.load([request_id]) == LoadedRequests(()), (
        "expired, though DynamoDB has not deleted it yet"
    )


DEEP = '{"secret": ' * 300 + "1" + "}" * 300


@pytest.mark.parametrize(
    ("attribute", "content"),
    [
        ("replay", f'{{"conversation": [], "params": {DEEP}}}'),
        ("replay", f'{{"conversation": [{DEEP}], "params": {{}}}}'),
        ("replay", "[" * 5000),
        ("replay", '{"secret": 1'),
        ("replay", '{"conversation": 7, "params": {}}'),
        ("record", "{}"),
        ("record", '{"query_text": {"secret": "x"}}'),
        ("record", "secret"),
    ],
)
def test_a_record_that_cannot_be_read_is_left_out_and_named_by_its_id(
    api: Api, attribute: str, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Records from before the API checked depth, and damaged ones."""
    api.upstream.script = by_model(small=completion("Hi."))
    bad, good = (str(api.chat(text).body["id"]) for text in ("hello", "good day"))
    boto3.client("dynamodb").update_item(
        TableName="results",
        Key={"pk": {"S": f"RESULT#{bad}"}, "sk": {"S": "RESULT"}},
        UpdateExpression="SET #a = :content",
        ExpressionAttributeNames={"#a": attribute},
        ExpressionAttributeValues={":content": {"S": content}},
    )
    collected = collect()
    assert [example.id for example in collected.examples] == [good]
    assert collected.unreadable == (bad,)
    assert collected.left_out["unreadable"] == 1
    assert "secret" not in caplog.text + repr(collected)


def test_long_conversations_are_stored_in_s3_and_read_back(api: Api) -> None:
    api.upstream.script = by_model(router=completion("1"), small=completion("Short."))
    messages = [
        {"role": "system", "content": "rule " * 30_000},
        {"role": "user", "content": "word " * 30_000},
    ]
    api.chat("", messages=messages)
    stored = boto3.client("s3").list_objects_v2(Bucket="texts")["Contents"]
    assert {item["Key"].partition("/")[2] for item in stored} == {"query_text", "replay"}
    [example] = collect().examples
    assert [*example.messages] == messages
    for item in stored:
        boto3.client("s3").delete_object(Bucket="texts", Key=item["Key"])
    assert collect().left_out["expired"] == 1


@pytest.mark.parametrize("storage", ["hash", "none"])
def test_a_replay_is_stored_only_if_texts_are(make_api: MakeApi, storage: str) -> None:
    api = make_api(text_storage=storage)
    api.upstream.script = by_model(router=completion("1"), small=completion("Hi."))
    secret = {"role": "system", "content": "the secret rule"}
    api.chat("", messages=[secret, {"role": "user", "content": LONG}], stop="a secret stop")
    assert "secret" not in str(scan())
    assert "learn_pk" not in str(scan())
    assert not any("learning:" in name for item in scan() for name in item)
    collected = collect()
    assert collected.examples == ()
    assert "only the seed file" in str(collected.note)


def test_feedback_becomes_part_of_its_example_and_can_change(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    request_id = str(api.chat("hello").body["id"])
    store = feedback_store()
    for _ in range(2):
        said = GivenFeedback(adequate=False, gold="Good day.")
        assert store.save_feedback(request_id, KEY_ID, said) is FeedbackStatus.KEPT
    assert examples_by_query()["hello"].feedback == {Tier.SMALL: False}
    assert examples_by_query()["hello"].gold == "Good day."
    assert len([i for i in scan() if i["sk"]["S"] == "FEEDBACK"]) == 1
    store.save_feedback(request_id, KEY_ID, GivenFeedback(adequate=True))
    assert examples_by_query()["hello"].feedback == {Tier.SMALL: True}
    assert examples_by_query()["hello"].gold is None


def test_feedback_expires_with_its_request(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    request_id = str(api.chat("hello").body["id"])
    feedback_store().save_feedback(request_id, KEY_ID, GivenFeedback(adequate=True))
    expiries = {i["sk"]["S"]: i["expires_at"] for i in scan() if "expires_at" in i}
    assert expiries["FEEDBACK"] == expiries["RESULT"]


def test_feedback_is_accepted_only_for_the_keys_own_requests(api: Api) -> None:
    api.upstream.script = by_model(small=completion("Hi."))
    request_id = str(api.chat("hello").body["id"])
    for named, key_id in ((request_id, "key_other"), ("chatcmpl-none", KEY_ID)):
        fate = feedback_store().save_feedback(named, key_id, GivenFeedback(adequate=True))
        assert fate is FeedbackStatus.NO_SUCH_RESULT
    assert not [i for i in scan() if i["sk"]["S"] == "FEEDBACK"]


@pytest.mark.parametrize("storage", ["hash", "none"])
def test_a_gold_answer_is_stored_only_if_texts_are(make_api: MakeApi, storage: str) -> None:
    api = make_api(text_storage=storage)
    api.upstream.script = by_model(small=completion("Hi."))
    request_id = str(api.chat("hello").body["id"])
    said = GivenFeedback(adequate=False, gold="a private answer")
    fate = feedback_store().save_feedback(request_id, KEY_ID, said)
    assert fate is FeedbackStatus.KEPT_WITHOUT_TEXT
    [item] = [i for i in scan() if i["sk"]["S"] == "FEEDBACK"]
    assert item["feedback"]["S"] == '{"adequate":false}'
    assert "learn_pk" not in item


def test_an_unreadable_table_is_an_error(api: Api) -> None:
    boto3.client("dynamodb").delete_table(TableName="results")
    with pytest.raises(StoreError, match="is unavailable"):
        collect()


DAYS = [datetime(2026, 1, day, 12, tzinfo=UTC) for day in range(25, 32)]


def week_of(requests: int) -> DynamoDbLearning:
    """Return a week of requests, 20 of them with feedback."""
    dynamodb = boto3.client("dynamodb")
    create_results_table(dynamodb)
    records = [
        answered(f"chatcmpl-{n}", f"Question {n}?", DAYS[n % len(DAYS)]) for n in range(requests)
    ]
    write(dynamodb, records[:20])
    # First, while the table is small: feedback takes transactions.
    for record in records[:20]:
        feedback_store().save_feedback(
            record.request_id, record.key_id, GivenFeedback(adequate=False)
        )
    write(dynamodb, records[20:])
    count(dynamodb, records)
    return DynamoDbLearning(dynamodb, "results", cast("TextStore", None))


class Transactions:
    """Writes the store's items directly, because moto copies the whole table for each
    transaction."""

    exceptions = boto3.client("dynamodb", "eu-west-1").exceptions

    def __init__(self) -> None:
        self.puts: list[Any] = []

    def transact_write_items(self, TransactItems: list[Any]) -> None:  # noqa: N803 (AWS's name)
        self.puts.append({"PutRequest": {"Item": TransactItems[0]["Put"]["Item"]}})


def write(dynamodb: "DynamoDBClient", records: Sequence[RequestRecord]) -> None:
    kept = Transactions()
    store = DynamoDbResultStore(cast("Any", kept), "results", cast("TextStore", None))
    for record in records:
        store.save(record, FAR)
    for start in range(0, len(kept.puts), 25):
        dynamodb.batch_write_item(RequestItems={"results": kept.puts[start : start + 25]})


def count(dynamodb: "DynamoDBClient", records: Sequence[RequestRecord]) -> None:
    for day in DAYS:
        number = sum(record.created_at == day for record in records)
        total = {learning_counter(None): {"N": str(number)}}
        dynamodb.put_item(TableName="results", Item={**day_key(day.date(), 3), **total})


def test_a_sample_of_100_reads_about_100_of_5000_records(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    learning = week_of(5000)
    keys = [day_key(day.date(), shard) for day in DAYS for shard in range(SHARDS)]
    counters = len([*batch_get(boto3.client("dynamodb"), "results", keys)])
    calls: list[tuple[str, int]] = []
    call = vars(BaseClient)["_make_api_call"]

    def counted(client: BaseClient, operation: str, arguments: object) -> dict[str, Any]:
        answer: dict[str, Any] = call(client, operation, arguments)
        found = answer.get("Items") or answer.get("Responses", {}).get("results", [])
        calls.append((operation, max(len(found), answer.get("ScannedCount", 0))))
        return answer

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", counted)
    config = RouterConfig(models=CATALOG)
    collected = CollectExamples(learning, learning, config, lambda example: example)(
        [day.date() for day in DAYS], 100
    )
    drawn = [example for example in collected.examples if not example.train_only]
    boosted = [example for example in collected.examples if example.train_only]
    assert 60 < len(drawn) < 140
    assert 15 < len(boosted) <= 20
    queries = [items for operation, items in calls if operation == "Query"]
    batches = [items for operation, items in calls if operation == "BatchGetItem"]
    assert len(queries) <= 3 * len(DAYS), "an arc of 2% lies in one or two of a day's 16 buckets"
    assert sum(queries) == len(drawn) + 20
    assert len(DAYS) < counters <= len(DAYS) + 20, "a rating takes any shard of its day's counters"
    loaded = len(drawn) + len(boosted)
    assert sum(batches) == counters + loaded + loaded + 20, "first only the key of each"
    assert {operation for operation, _ in calls} == {"Query", "BatchGetItem"}


def test_a_full_sample_contains_every_request_once(aws: None) -> None:
    found = week_of(400).draw([day.date() for day in DAYS], Arc.of(4, 1.0))
    assert sorted(found) == sorted(f"chatcmpl-{n}" for n in range(400))


def scan() -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = boto3.client("dynamodb").scan(TableName="results")["Items"]
    return items
