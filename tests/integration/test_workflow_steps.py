"""The workflow's small functions in this process, against moto."""

import gzip
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest

from functions.learning import handler as learning
from functions.optimizer import handler as optimizer
from functions.promote import handler as promoter
from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.prompts.ssm_output_ratios import SsmOutputRatios
from route_switch.domain.errors import (
    ConfigurationError,
    PromptError,
    RouteSwitchError,
    StoreError,
)
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompt_document import parse_prompt, to_json, to_markdown
from route_switch.domain.prompts.verdict_scope import stage_scope
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.switches import Switches
from route_switch.wiring import learning as wired
from route_switch.wiring.learning import read_learning_settings
from route_switch.workflow.failures import UnexpectedError
from tests.integration.conftest import CATALOG, switch
from tests.support.clock import NOW, stop_clock
from tests.support.context import FakeContext
from tests.support.scripted_models import Models, numbers, recorded
from tests.support.searching import cache_put_back
from tests.support.upstream import running_upstream

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "learning"
LIVE = "/test/prompt/live"
SWITCHES = "/test/switches"
RUN: JsonObject = {
    "id": "2026-11-22T030000Z",
    "month": "2026-11",
    "trigger": "schedule",
    "cap_usd": 1.0,
}
CONFIG = {"min_examples": 15, "monthly_usd": 20, "days": 2}


@pytest.fixture
def s3(aws: None, results_table: str, monkeypatch: pytest.MonkeyPatch) -> "Iterator[S3Client]":
    client: S3Client = boto3.client("s3")
    place = {"LocationConstraint": "eu-west-1"}
    for bucket in (BUCKET, "texts"):
        client.create_bucket(Bucket=bucket, CreateBucketConfiguration=place)  # type: ignore[arg-type]  # a literal
    topic = boto3.client("sns").create_topic(Name="runs")["TopicArn"]
    variables = {
        "STAGE": "dev",
        "ROUTE_SWITCH_CONFIG": json.dumps({"models": CATALOG.model_dump(mode="json")}),
        "LEARNING_CONFIG": json.dumps(CONFIG),
        "RESULTS_TABLE": results_table,
        "TEXTS_BUCKET": "texts",
        "LEARNING_BUCKET": BUCKET,
        "RUNS_TOPIC": topic,
        "POWERTOOLS_METRICS_NAMESPACE": "RouteSwitch/dev",
        "LIVE_PROMPT_PARAMETER": LIVE,
        "SEED_PROMPT_PARAMETER": "/test/prompt/seed",
        "SWITCHES_PARAMETER": SWITCHES,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    publish(to_markdown(packaged_prompt()))
    forget()
    yield client
    forget()


def forget() -> None:
    for cache in (read_learning_settings, learning.wiring, optimizer.wiring, promoter.wiring):
        cache.cache_clear()


def publish(document: str, name: str = LIVE) -> int:
    version: int = boto3.client("ssm").put_parameter(
        Name=name, Value=document, Type="String", Overwrite=True, Tier="Advanced"
    )["Version"]
    return version


def live() -> str:
    document: str = boto3.client("ssm").get_parameter(Name=LIVE)["Parameter"]["Value"]
    return document


def step(name: str, **fields: object) -> JsonObject:
    return learning.lambda_handler({"step": name, "run": RUN, **fields}, FakeContext())  # type: ignore[dict-item]  # JSON


def claim(time: str = "2026-11-22T03:00:00Z", execution: str = "e1") -> JsonObject:
    start = {"scheduled_time": time, "trigger": "schedule"}
    return step("claim", execution=execution, start=start)


def seed(s3: "S3Client", queries: list[str]) -> None:
    lines = "".join(json.dumps({"query": query, "gold": "x"}) + "\n" for query in queries)
    s3.put_object(Bucket=BUCKET, Key="seed/examples.jsonl.gz", Body=gzip.compress(lines.encode()))


def read(s3: "S3Client", key: str) -> bytes:
    return s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()


def test_a_run_records_how_many_examples_it_left_out(s3: "S3Client") -> None:
    claim()
    step("collect")
    run = DynamoDbRuns(boto3.client("dynamodb"), "results").load(str(RUN["id"]))
    assert run is not None
    assert run.left_out["costly"] == 0


def test_without_traffic_and_seed_there_are_too_few_examples_and_the_note_says_why(
    s3: "S3Client",
) -> None:
    collected = step("collect")
    assert (collected["enough"], collected["examples"], collected["needed"]) == (False, 0, 15)
    assert "learning uses only the seed file" in str(collected["note"])


def test_seed_examples_fill_up_the_sample_and_are_marked(s3: "S3Client") -> None:
    seed(s3, [f"question {number}" for number in range(20)])
    collected = step("collect")
    assert (collected["enough"], collected["examples"], collected["from_seed"]) == (True, 20, 20)
    lines = gzip.decompress(read(s3, f"work/{RUN['id']}/examples.jsonl.gz")).splitlines()
    assert len(lines) == 20


def test_the_error_for_an_invalid_seed_file_names_the_line(s3: "S3Client") -> None:
    s3.put_object(Bucket=BUCKET, Key="seed/examples.jsonl.gz", Body=b'{"query": "a"}\n{"q": 1}\n')
    with pytest.raises(Exception, match=r"line 2: query is missing"):
        step("collect")


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ("broken", "Version 2 of the live prompt is broken"),
        (
            to_markdown(packaged_prompt().model_copy(update={"instruction": "Say\t1, 2 or 3."})),
            "contains tabs",
        ),
    ],
)
def test_an_irreplaceable_prompt_is_reported_before_anything_is_paid(
    s3: "S3Client", document: str, told: str
) -> None:
    publish(document)
    with pytest.raises(RouteSwitchError, match=told):
        step("collect")


def test_the_cap_is_a_share_of_the_previous_months_saving(s3: "S3Client") -> None:
    dynamodb = boto3.client("dynamodb")
    counters = {("2026-10-01", "3"): "40.5", ("2026-10-31", "0"): "60", ("2026-11-01", "0"): "500"}
    for (day, shard), saved in counters.items():
        item = {
            "pk": {"S": f"DAY#{day}#{shard}"},
            "sk": {"S": "TOTALS"},
            "answered": {"N": "10"},
            "saved_usd": {"N": saved},
        }
        dynamodb.put_item(TableName="results", Item=item)
    spent = {"pk": {"S": "LEARNING#2026-10"}, "sk": {"S": "CAP"}, "taken_usd": {"N": "0.5"}}
    dynamodb.put_item(TableName="results", Item=spent)
    run = claim()["run"]
    assert isinstance(run, dict)
    assert run["cap_usd"] == pytest.approx(0.1 * (100.5 - 0.5))


def test_a_claim_returns_all_that_the_next_states_need(s3: "S3Client") -> None:
    assert claim() == {
        "claimed": True,
        "off": False,
        "run": {**RUN, "cap_usd": 20.0, "reason": None},
        "shards": [0],
        "why": None,
    }
    assert claim(execution="e2")["claimed"] is False


def test_while_learning_is_off_no_run_is_claimed(s3: "S3Client") -> None:
    publish('{"learning": "off"}', SWITCHES)
    refused = claim()
    assert (refused["claimed"], refused["off"], refused["run"]) == (False, True, None)
    assert "'route-switch switch learning on'" in str(refused["why"])
    publish('{"learning": "on"}', SWITCHES)
    assert claim(execution="e2")["claimed"] is True


def test_learning_stops_if_the_switches_cannot_be_read(s3: "S3Client") -> None:
    publish("off", SWITCHES)
    with pytest.raises(
        ConfigurationError, match=f"The parameter {SWITCHES} does not contain valid switches"
    ):
        claim()
    with pytest.raises(ConfigurationError, match="does not contain valid switches"):
        promote(s3, candidate())
    assert live() == to_markdown(packaged_prompt())


def test_an_approval_request_says_how_to_answer(s3: "S3Client") -> None:
    claim()
    topic = read_learning_settings().runs_topic
    queue = boto3.client("sqs").create_queue(QueueName="told")["QueueUrl"]
    boto3.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:eu-west-1:123456789012:told"
    )
    assert step("ask", token="token", why="The judge is uncalibrated.") == {}
    (told,) = boto3.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    message = json.loads(told["Body"])["Message"]
    assert message.startswith("In the last 7 days, there were no requests")
    assert "which waits for your approval; read the run's report" in message
    assert "has to approve it: The judge is uncalibrated." in message
    assert f"route-switch approve {RUN['id']} --stage dev" in message
    item = boto3.client("dynamodb").get_item(
        TableName="results", Key={"pk": {"S": "RUNS"}, "sk": {"S": str(RUN["id"])}}
    )["Item"]
    assert item["token"]["S"] == "token"


def test_an_invalid_event_fails_without_quoting_it(s3: "S3Client") -> None:
    with pytest.raises(UnexpectedError) as raised:
        learning.lambda_handler({"step": "claim", "start": "a secret"}, FakeContext())
    assert "secret" not in str(raised.value)


def instruction(word: str) -> str:
    return f"Choose.\n\nTier 1:\n- {word}\n\nTier 2:\n- other\n\nTier 3:\n- hard {word}"


def candidate(**provenance: str) -> RoutingPrompt:
    changed = packaged_prompt().model_copy(update={"instruction": instruction("learned")})
    scope = stage_scope(RouterConfig(models=CATALOG), LearningConfig())
    known = {"verdict": "better", "incumbent": packaged_prompt().version}
    about = {"content": changed.version, **scope}
    return changed.model_copy(update={"provenance": {**known, **about, **provenance}})


def promote(
    s3: "S3Client",
    prompt: RoutingPrompt,
    approved: bool | None = None,
    gain_over_shadow_low: float | None = None,
) -> JsonObject:
    s3.put_object(
        Bucket=BUCKET, Key=f"runs/{RUN['id']}/candidate.json", Body=to_json(prompt).encode()
    )
    state: JsonObject = {"run": RUN, "collected": {}, "shards": [0]}
    if gain_over_shadow_low is not None:
        state["evaluated"] = {"done": True, "gain_over_shadow_low": gain_over_shadow_low}
    if approved is not None:
        state["approval"] = {"approved": approved, "by": "arn"}
    return promoter.lambda_handler({"step": "promote", "state": state}, FakeContext())


def test_a_better_candidate_goes_live_once_and_its_artifact_is_stored(
    s3: "S3Client", capsys: pytest.CaptureFixture[str]
) -> None:
    for new in (True, False):
        promoted = promote(s3, candidate())
        assert promoted == {
            "promoted": True,
            "off": False,
            "version": 2,
            "new": new,
            "why": None,
            "shadow": None,
        }
    (counted,) = [
        json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line
    ]
    assert (counted["promotions"], counted["service"]) == ([1.0], "promote")
    assert parse_prompt(live()).version == candidate().version
    assert read(s3, "prompts/2.json").decode() == to_json(candidate())


def test_a_prompt_that_was_edited_meanwhile_is_never_overwritten(s3: "S3Client") -> None:
    edited = to_markdown(packaged_prompt().model_copy(update={"instruction": instruction("me")}))
    publish(edited)
    promoted = promote(s3, candidate())
    assert promoted["promoted"] is False
    assert "but version 2 is live" in str(promoted["why"])
    assert live() == edited


def test_a_promotion_whose_response_was_lost_is_recognized_even_if_it_was_replaced(
    s3: "S3Client",
) -> None:
    promote(s3, candidate())
    s3.delete_object(Bucket=BUCKET, Key="prompts/2.json")
    edited = to_markdown(packaged_prompt().model_copy(update={"instruction": instruction("me")}))
    publish(edited)
    assert promote(s3, candidate())["version"] == 2
    assert read(s3, "prompts/2.json").decode() == to_json(candidate())
    assert live() == edited


def test_while_learning_is_off_not_even_an_approved_candidate_goes_live(s3: "S3Client") -> None:
    publish('{"learning": "off"}', SWITCHES)
    promoted = promote(s3, candidate(), approved=True)
    assert (promoted["promoted"], promoted["off"], promoted["version"]) == (False, True, None)
    assert live() == to_markdown(packaged_prompt())


def test_a_promotion_whose_response_was_lost_counts_even_if_learning_was_turned_off_since(
    s3: "S3Client",
) -> None:
    promote(s3, candidate())
    publish('{"learning": "off"}', SWITCHES)
    promoted = promote(s3, candidate())
    assert (promoted["promoted"], promoted["off"], promoted["version"]) == (True, False, 2)


def test_a_candidate_that_needs_approval_does_not_go_live_without_it(s3: "S3Client") -> None:
    asked = candidate(needs_approval="The judge is uncalibrated.")
    with pytest.raises(PromptError, match="needs a person's approval"):
        promote(s3, asked, approved=False)
    assert promote(s3, asked, approved=True)["version"] == 2


def test_a_candidate_that_was_measured_with_other_prices_does_not_go_live(s3: "S3Client") -> None:
    """Other prices were deployed while the run waited for its approval."""
    promoted = promote(s3, candidate(prices="9/9,9/9,9/9,?"), approved=True)
    assert promoted["promoted"] is False
    assert "verdict is about something else: prices 9/9,9/9,9/9,? → " in str(promoted["why"])
    assert live() == to_markdown(packaged_prompt())


def test_an_artifact_that_was_edited_in_the_bucket_does_not_go_live(s3: "S3Client") -> None:
    edited = candidate().model_copy(update={"instruction": instruction("mine")})
    promoted = promote(s3, edited, approved=True)
    assert promoted["promoted"] is False
    assert f"content {candidate().version} → {edited.version}" in str(promoted["why"])


def test_a_run_without_a_candidate_is_an_error(s3: "S3Client") -> None:
    with pytest.raises(ConfigurationError, match=r"left no candidate.json"):
        promoter.lambda_handler({"step": "promote", "state": {"run": RUN}}, FakeContext())


def test_held_out_measurements_are_reported_with_the_outcome(
    s3: "S3Client", capsys: pytest.CaptureFixture[str]
) -> None:
    claim()
    measured = {"verdict": "not better", "quality_live": 0.91, "quality_candidate": 0.9}
    evaluated = {"done": True, "slice": 0, "spent_usd": 1.5, **measured}
    step("report", execution="e1", state={"run": RUN, "evaluated": evaluated})
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    dimensions = [each["_aws"]["CloudWatchMetrics"][0]["Dimensions"] for each in lines]
    ended, quality = lines
    assert dimensions == [[["outcome", "service"]], [["service"]]]
    assert (ended["outcome"], ended["learning_runs"]) == ("not better", [1.0])
    told = (quality["heldout_quality_live"], quality["heldout_quality_candidate"])
    assert (*told, quality["learning_usd"]) == ([0.91], [0.9], [1.5])


@pytest.mark.parametrize(
    ("go_live", "low", "told", "routing"),
    [
        ("person", 0.1, "stays", "shadow"),
        ("gate", 0.1, "ended", "on"),
        ("gate", 0.0, "unproven", "shadow"),
        ("gate", None, "unproven", "shadow"),
    ],
)
def test_a_promotion_ends_shadow_only_where_the_gate_may_and_the_evidence_suffices(
    s3: "S3Client",
    monkeypatch: pytest.MonkeyPatch,
    go_live: str,
    low: float | None,
    told: str,
    routing: str,
) -> None:
    monkeypatch.setenv("LEARNING_CONFIG", json.dumps({**CONFIG, "go_live": go_live}))
    forget()
    switch(routing="shadow", learning="on")
    assert promote(s3, candidate(), gain_over_shadow_low=low)["shadow"] == told
    found = boto3.client("ssm").get_parameter(Name=SWITCHES)["Parameter"]["Value"]
    assert Switches.model_validate_json(found).routing == routing


def test_a_refused_promotion_leaves_shadow_alone(
    s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEARNING_CONFIG", json.dumps({**CONFIG, "go_live": "gate"}))
    forget()
    switch(routing="shadow", learning="off")
    refused = promote(s3, candidate(), gain_over_shadow_low=0.1)
    assert (refused["promoted"], refused["shadow"]) == (False, None)


def test_what_a_run_measured_is_kept_although_its_candidate_is_not_promoted(
    s3: "S3Client",
) -> None:
    claim()
    pair = {"model": "openai/small", "tier_3_model": "openai/large"}
    measured = [{**pair, "ratio": 1.5, "low": 1.4, "high": 1.6, "rows": 80}]
    evaluated = {"done": True, "slice": 0, "verdict": "not better", "output_ratios": measured}
    step("report", execution="e1", state={"run": RUN, "evaluated": evaluated})
    kept = boto3.client("ssm").get_parameter(Name="/test/output-ratios")["Parameter"]
    assert json.loads(kept["Value"])["measured"] == measured


def test_a_run_is_reported_although_its_ratios_cannot_be_kept(
    s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    claim()

    def fail(self: SsmOutputRatios, measured: object) -> None:
        raise StoreError("denied")

    monkeypatch.setattr(SsmOutputRatios, "keep", fail)
    evaluated: JsonObject = {"done": True, "slice": 0, "verdict": "not better"}
    notice = step("report", execution="e1", state={"run": RUN, "evaluated": evaluated})
    assert notice["outcome"] == "not better"


class FourteenMinutes(FakeContext):
    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 14 * 60_000


def optimize(name: str) -> JsonObject:
    with cache_put_back():
        return optimizer.lambda_handler({"step": name, "run": RUN}, FourteenMinutes())


def sometimes_lost(number: int) -> JsonObject:
    """Return a recorded example: Tier 1 fails on every fourth easy query."""
    example = recorded(number)
    models = example["models"]
    assert isinstance(models, dict)
    lost: JsonObject = {"score": 0.0, "cost_usd": 0.1}
    return {**example, "models": {**models, "openai/small": lost} if number % 8 == 0 else models}


def test_a_run_ends_with_a_mail_of_three_sentences_details_and_the_console(
    s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONSOLE_URL", "https://example.test/dev/console")
    stop_clock(monkeypatch, wired)
    forget()
    claim()
    dynamodb = boto3.client("dynamodb")
    day = {"pk": {"S": f"DAY#{NOW:%Y-%m-%d}#0"}, "sk": {"S": "TOTALS"}}
    counters = {
        "answered": "20",
        "cost_usd:tier:1": "0.5",
        "saved_usd": "1.5",
        "saving:tier_3": "20",
    }
    dynamodb.put_item(
        TableName="results", Item={**day, **{name: {"N": n} for name, n in counters.items()}}
    )
    rated = {"pk": {"S": "QUALITY#live@1"}, "sk": {"S": "FEEDBACK"}}
    sums = {"n": {"N": "4"}, "total": {"N": "3"}, "total_squares": {"N": "3"}}
    dynamodb.put_item(TableName="results", Item={**rated, **sums})
    evaluated: JsonObject = {"done": True, "slice": 0, "verdict": "not better", "spent_usd": 1.5}
    notice = step("report", execution="e1", state={"run": RUN, "evaluated": evaluated})
    money, quality, prompt, details, link = str(notice["message"]).split("\n\n")
    assert money == (
        "In the last 7 days, 20 requests cost $0.500, $1.50 less than with Tier 3 for everything."
    )
    assert quality.endswith("and people rated its answers 0.75 of 1 on average (n = 4).")
    assert prompt.startswith("Learning found no better prompt, so prompt version 1 stays live")
    assert "This run spent 1.5000 USD." in details
    assert f"Report: s3://{BUCKET}/runs/{RUN['id']}/report.html" in details
    assert link == "See it in the console: https://example.test/dev/console"
    assert str(notice["subject"]) == f"route-switch dev: not better (run {RUN['id']})"
    stored = dynamodb.get_item(
        TableName="results", Key={"pk": {"S": "RUNS"}, "sk": {"S": str(RUN["id"])}}
    )["Item"]
    assert stored["message"]["S"] == details


def test_a_better_candidate_that_cannot_be_promised_ends_the_run_and_is_not_promoted(
    s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    small = {"proposer": "openai/proposer", "rounds": 1, "candidates": 5, "trials": 6, "threads": 4}
    free = {"input_usd_per_million": 0, "output_usd_per_million": 0}
    asked = {"max_quality_loss": 0.05, "prices": {"openai/proposer": free}}
    monkeypatch.setenv("LEARNING_CONFIG", json.dumps({**CONFIG, **small, **asked}))
    rows = [sometimes_lost(n) for n in numbers(train=40, validation=30, heldout=100)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    s3.put_object(Bucket=BUCKET, Key="seed/examples.jsonl.gz", Body=gzip.compress(lines.encode()))
    with running_upstream(Models()) as upstream:
        router = RouterConfig(models=CATALOG, openai_base_url=upstream.url)
        monkeypatch.setenv("ROUTE_SWITCH_CONFIG", router.model_dump_json())
        forget()
        run, collected = claim()["run"], step("collect")
        assert collected["enough"], collected
        assert all(optimize(name)["done"] for name in ("outcomes", "optimize"))
        evaluated = optimize("evaluate")
    assert evaluated["verdict"] == "cannot be promised"
    gain_low = evaluated["gain_low"]
    assert isinstance(gain_low, float)
    assert gain_low > 0
    report = json.loads(read(s3, f"runs/{RUN['id']}/report.json"))
    assert report["gate"]["verdict"] == "better"
    assert report["promise"]["candidate_holds"] is False
    told = step("report", execution="e1", state={"run": run, "evaluated": evaluated})
    assert told["outcome"] == "cannot be promised"
    assert "it cannot be promised that at most 5% of answers are worse" in str(told["message"])
    made = parse_prompt(read(s3, f"runs/{RUN['id']}/candidate.json").decode())
    with pytest.raises(PromptError, match="cannot be promised"):
        promote(s3, made)
    assert live() == to_markdown(packaged_prompt())
