"""What learning stores in S3 and DynamoDB: paid answers, the month's cap, runs and their lock."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import boto3
import pytest

from route_switch.adapters.learning.dynamodb_cap import DynamoDbCap
from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.adapters.learning.learning_bucket import S3Files
from route_switch.adapters.learning.run_lock import LEASE_S, STARTING_S, DynamoDbRunLock
from route_switch.adapters.learning.s3_memo import S3Memo, folder_of
from route_switch.domain.errors import BudgetReachedError, ProviderDownError, StoreError
from route_switch.domain.learning.learning_run import LearningRun, RunOutcome
from route_switch.domain.learning.stored_run import Execution
from route_switch.domain.ports import JsonObject
from tests.support.paid import FakeModel, metered

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

BUCKET = "learning"
ANSWER: JsonObject = {"purpose": "answer", "text": "Hi.", "tokens": [1, 2, 0], "cost_usd": 0.5}
ROUTED: JsonObject = {"purpose": "router", "text": "2", "tokens": [1, 2, 0], "cost_usd": 0.25}


@pytest.fixture
def s3(aws: None) -> "S3Client":
    client: S3Client = boto3.client("s3")
    client.create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    return client


@pytest.fixture
def dynamodb(aws: None, results_table: str) -> "DynamoDBClient":
    client: DynamoDBClient = boto3.client("dynamodb")
    return client


def keys(s3: "S3Client") -> list[str]:
    return [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def memo_of(s3: "S3Client", run_id: str, worker: str | None) -> S3Memo:
    return S3Memo(s3, BUCKET, run_id, worker, {})


def test_files_are_read_back_and_a_missing_file_is_none(s3: "S3Client") -> None:
    files = S3Files(s3, BUCKET, "runs/1/")
    assert files.read("a.json") is None
    files.write("a.json", b"1")
    assert files.read("a.json") == b"1"
    assert keys(s3) == ["runs/1/a.json"]


def test_a_missing_bucket_is_distinguished_from_a_missing_file(s3: "S3Client") -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        S3Files(s3, "elsewhere", "").read("a.json")
    with pytest.raises(StoreError, match="cannot be written"):
        S3Files(s3, "elsewhere", "").write("a.json", b"")


def test_racing_updates_of_a_file_all_take_effect(s3: "S3Client") -> None:
    def append(number: int) -> None:
        files = S3Files(s3, BUCKET, "")
        files.update("looks", lambda before: (before or b"") + bytes([number]))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(append, range(9)))
    assert sorted(S3Files(s3, BUCKET, "").read("looks") or b"") == list(range(9))


def test_an_update_is_computed_again_from_what_another_writer_left(s3: "S3Client") -> None:
    files, seen = S3Files(s3, BUCKET, ""), []

    def change(before: bytes | None) -> bytes:
        seen.append(before)
        if len(seen) < 3:
            files.write("looks", b"%d" % len(seen))  # another writer, between our read and write
        return (before or b"") + b"!"

    files.update("looks", change)
    assert seen == [None, b"1", b"2"]
    assert files.read("looks") == b"2!"


def test_an_update_that_never_gets_through_is_an_error(s3: "S3Client") -> None:
    files, counter = S3Files(s3, BUCKET, ""), iter(range(100))

    def change(_: bytes | None) -> bytes:
        files.write("looks", b"%d" % next(counter))
        return b"ours"

    with pytest.raises(StoreError, match="others keep changing it"):
        files.update("looks", change)


def test_an_update_in_a_missing_bucket_is_an_error(s3: "S3Client") -> None:
    with pytest.raises(StoreError, match="cannot be updated"):
        S3Files(s3, "elsewhere", "").update("looks", lambda _: b"")


def test_a_refusal_is_for_its_run_and_a_later_run_asks_again(s3: "S3Client") -> None:
    refusal: JsonObject = {"purpose": "answer", "refused": "too long", "cost_usd": 0.0}
    memo_of(s3, "week-1", "outcomes-0").put("k1", refusal)
    assert memo_of(s3, "week-1", None).get("k1") == refusal
    assert memo_of(s3, "week-2", None).get("k1") is None
    s3.put_object(Bucket=BUCKET, Key="answers/week-0/run/k2", Body=json.dumps(refusal).encode())
    later = memo_of(s3, "week-2", None)
    assert later.get("k2") is None, "an earlier version stored refusals with the answers"
    later.put("k2", ANSWER)
    assert memo_of(s3, "week-2", None).get("k2") == ANSWER


def test_a_later_run_finds_answers_but_not_router_replies(s3: "S3Client") -> None:
    first = memo_of(s3, "week-1", None)
    first.put("k1", ANSWER)
    first.put("k2", ROUTED)
    second = memo_of(s3, "week-2", None)
    assert second.get("k1") == ANSWER
    assert second.get("k2") is None
    assert list(second.items()) == [], "this run has paid nothing"


def test_an_answer_is_one_object_whose_key_says_who_paid(s3: "S3Client") -> None:
    memo_of(s3, "week-1", "outcomes-3").put("k1", {**ANSWER, "about": "chatcmpl-1"})
    memo_of(s3, "week-1", "outcomes-3").put("k2", ANSWER)
    memo_of(s3, "week-1", None).put("k3", ROUTED)
    assert keys(s3) == [
        f"answers/of/{folder_of('chatcmpl-1')}/week-1/outcomes-3/k1",
        "answers/of/owner/week-1/outcomes-3/k2",
        "work/week-1/calls/run/k3",
    ]


def test_answers_of_an_earlier_version_are_found_and_counted(s3: "S3Client") -> None:
    place = "answers/week-1/outcomes-0/k"
    s3.put_object(Bucket=BUCKET, Key=place, Body=json.dumps(ANSWER).encode())
    assert memo_of(s3, "week-2", None).get("k") == ANSWER
    assert dict(memo_of(s3, "week-1", "outcomes-0").items()) == {"k": ANSWER}
    assert dict(memo_of(s3, "week-1", "outcomes-1").items()) == {}


def test_a_worker_sums_its_own_calls_and_the_run_those_of_all_workers(s3: "S3Client") -> None:
    for worker in ("outcomes-0", "outcomes-1"):
        memo_of(s3, "week-1", worker).put(f"by-{worker}", ANSWER)
    memo_of(s3, "week-0", None).put("older", ANSWER)
    own = dict(memo_of(s3, "week-1", "outcomes-1").items())
    assert own.keys() == {"by-outcomes-1"}
    run = dict(memo_of(s3, "week-1", None).items())
    assert run.keys() == {"by-outcomes-0", "by-outcomes-1"}


def test_a_call_in_progress_in_another_worker_does_not_count_as_lost(s3: "S3Client") -> None:
    """A note says that it was started. Only a process that resumes the whole run may count it as
    lost."""
    memo_of(s3, "week-1", "outcomes-0").put("k-begun", {"purpose": "answer", "cost_usd": 2})
    other = metered(FakeModel(), memo_of(s3, "week-1", "outcomes-1"))
    assert other.spent_usd == 0
    whole = memo_of(s3, "week-1", None)
    assert metered(FakeModel(), whole).spent_usd == 2
    assert metered(FakeModel(), memo_of(s3, "week-1", None)).spent_usd == 2


def test_an_answer_that_expired_after_it_was_listed_is_requested_again(s3: "S3Client") -> None:
    memo_of(s3, "week-0", None).put("k", ANSWER)
    memo = memo_of(s3, "week-1", None)
    s3.delete_object(Bucket=BUCKET, Key="answers/of/owner/week-0/run/k")
    assert memo.get("k") is None


def test_answers_that_cannot_be_stored_or_read_are_an_error(s3: "S3Client") -> None:
    memo = memo_of(s3, "week-1", None)
    s3.delete_bucket(Bucket=BUCKET)
    with pytest.raises(StoreError, match="cannot be written"):
        memo.put("k", ANSWER)
    with pytest.raises(StoreError, match="cannot be read"):
        memo_of(s3, "week-1", None)


def test_a_warm_process_reads_only_what_is_new(s3: "S3Client") -> None:
    known: dict[str, JsonObject] = {}
    first = S3Memo(s3, BUCKET, "week-1", None, known)
    first.put("k1", ANSWER)
    first.put("k2-begun", {"purpose": "answer", "cost_usd": 2})
    s3.put_object(Bucket=BUCKET, Key="answers/of/owner/week-1/run/k1", Body=b"not read again")
    s3.put_object(Bucket=BUCKET, Key="work/week-1/calls/run/k2-begun", Body=b'{"cost_usd": 0}')
    second = S3Memo(s3, BUCKET, "week-1", None, known)
    assert second.get("k1") == ANSWER
    assert second.get("k2-begun") == {"cost_usd": 0}, "a note may have been overwritten"


def cap(dynamodb: "DynamoDBClient", usd: float = 1.0, month: str = "2026-11") -> DynamoDbCap:
    return DynamoDbCap(dynamodb, "results", month, usd, RUN.id)


def test_all_runs_of_a_month_share_one_cap(dynamodb: "DynamoDBClient") -> None:
    cap(dynamodb).reserve(0.7)
    with pytest.raises(BudgetReachedError, match=r"of 2026-11, 1.0000 USD .* 0.7000 USD are spent"):
        cap(dynamodb).reserve(0.4)
    cap(dynamodb, month="2026-12").reserve(0.4)
    cap(dynamodb).settle(0.7, 0.2)
    cap(dynamodb).reserve(0.8)
    assert cap(dynamodb).taken_usd() == 1.0


def test_a_call_that_costs_more_than_the_whole_cap_is_refused(
    dynamodb: "DynamoDBClient",
) -> None:
    with pytest.raises(BudgetReachedError):
        cap(dynamodb).reserve(1.1)
    with pytest.raises(BudgetReachedError):
        cap(dynamodb, usd=0.0).reserve(0.000001)
    assert cap(dynamodb).taken_usd() == 0


def test_free_calls_need_no_cap(dynamodb: "DynamoDBClient") -> None:
    nothing = cap(dynamodb, usd=0.0)
    nothing.reserve(0.0)
    nothing.settle(0.0, 0.0)
    assert dynamodb.scan(TableName="results")["Count"] == 0


def test_concurrent_workers_never_exceed_the_cap(dynamodb: "DynamoDBClient") -> None:
    def take(_: int) -> bool:
        try:
            cap(dynamodb).reserve(0.03)
        except BudgetReachedError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(take, range(60)))
    assert sum(taken) == 33
    assert cap(dynamodb).taken_usd() == pytest.approx(0.99)


def test_an_unreachable_cap_stops_the_run_but_keeps_received_answers(
    dynamodb: "DynamoDBClient",
) -> None:
    elsewhere = DynamoDbCap(dynamodb, "elsewhere", "2026-11", 1.0, RUN.id)
    with pytest.raises(ProviderDownError, match="nothing is spent"):
        elsewhere.reserve(0.1)
    elsewhere.settle(0.1, 0.05)


RUN = LearningRun(id="2026-11-22T030000Z", month="2026-11", trigger="schedule", cap_usd=1.0)
OTHER = RUN.model_copy(update={"id": "2026-11-29T030000Z"})


def runs(
    dynamodb: "DynamoDBClient",
    is_running: Callable[[str], bool] = lambda _: True,
    now: float = 1000.0,
) -> DynamoDbRuns:
    return DynamoDbRuns(dynamodb, "results", is_running, lambda: now)


def test_each_scheduled_time_starts_one_run(dynamodb: "DynamoDBClient") -> None:
    assert runs(dynamodb).claim(RUN, "execution-1") is None
    assert runs(dynamodb).claim(RUN, "execution-1") is None, "a step may be retried"
    why = runs(dynamodb).claim(RUN, "execution-2")
    assert why is not None
    assert "each scheduled time starts one run" in why
    runs(dynamodb).finish(RUN.id, "execution-1", RunOutcome.NOT_BETTER, "m", None)
    assert runs(dynamodb).claim(RUN, "execution-2") == why, "even after the run has ended"


def test_runs_are_exclusive_and_the_next_starts_after_the_first(dynamodb: "DynamoDBClient") -> None:
    runs(dynamodb).claim(RUN, "execution-1")
    why = runs(dynamodb).claim(OTHER, "execution-2")
    assert why == "Another run is in progress, and only one may run at a time."
    assert runs(dynamodb).load(OTHER.id) is None, "the second run may be started later"
    runs(dynamodb).finish(RUN.id, "execution-1", RunOutcome.PROMOTED, "m", 7)
    assert runs(dynamodb).claim(OTHER, "execution-2") is None
    ended = runs(dynamodb).load(RUN.id)
    assert ended is not None
    assert (ended.outcome, ended.message, ended.version) == ("promoted", "m", 7)


def test_the_lock_of_a_stopped_execution_or_an_expired_lease_is_void(
    dynamodb: "DynamoDBClient",
) -> None:
    runs(dynamodb).claim(RUN, "stopped")
    assert runs(dynamodb, lambda execution: execution != "stopped").claim(OTHER, "second") is None
    third = RUN.model_copy(update={"id": "2026-12-06T030000Z"})
    assert runs(dynamodb, now=1001.0 + LEASE_S).claim(third, "third") is None


def test_a_run_that_lost_the_lock_does_not_release_its_successors_lock(
    dynamodb: "DynamoDBClient",
) -> None:
    runs(dynamodb).claim(RUN, "stopped")
    runs(dynamodb, lambda _: False).claim(OTHER, "second")
    runs(dynamodb).finish(RUN.id, "stopped", RunOutcome.FAILED, "m", None)
    third = RUN.model_copy(update={"id": "2026-12-06T030000Z"})
    assert runs(dynamodb).claim(third, "third") is not None


def test_exactly_one_of_concurrent_starts_proceeds(dynamodb: "DynamoDBClient") -> None:
    def claim(number: int) -> str | None:
        run = RUN.model_copy(update={"id": f"2026-11-22T0300{number:02d}Z"})
        return runs(dynamodb).claim(run, f"execution-{number}")

    with ThreadPoolExecutor(8) as pool:
        refused = list(pool.map(claim, range(8)))
    assert refused.count(None) == 1


def test_runs_are_listed_newest_first_with_pending_approvals(dynamodb: "DynamoDBClient") -> None:
    runs(dynamodb).claim(RUN, "execution-1")
    runs(dynamodb).finish(RUN.id, "execution-1", RunOutcome.NOT_BETTER, "m", None)
    runs(dynamodb).claim(OTHER, "execution-2")
    runs(dynamodb).wait_for_approval(OTHER.id, "token")
    newest = runs(dynamodb).newest(10)
    assert [(run.id, run.outcome, run.token) for run in newest] == [
        (OTHER.id, None, "token"),
        (RUN.id, "not better", None),
    ]
    assert len(runs(dynamodb).newest(1)) == 1


def lock(
    dynamodb: "DynamoDBClient", state: Execution = "running", now: float = 1000.0
) -> DynamoDbRunLock:
    return DynamoDbRunLock(dynamodb, "results", lambda _: state, lambda: now)


def test_exactly_one_of_concurrent_starts_by_hand_takes_the_lock(
    dynamodb: "DynamoDBClient",
) -> None:
    def reserve(number: int) -> str | None:
        return lock(dynamodb, "unknown").reserve(f"run-{number % 3}", f"execution-{number % 3}")

    with ThreadPoolExecutor(8) as pool:
        holders = list(pool.map(reserve, range(8)))
    assert holders.count(None) == 1
    assert len({*holders} - {None}) == 1, "all others are told the same run"


def test_a_run_that_took_its_lock_before_it_started_may_claim_it(
    dynamodb: "DynamoDBClient",
) -> None:
    assert lock(dynamodb).reserve(RUN.id, "execution-1") is None
    assert runs(dynamodb).claim(OTHER, "execution-2") is not None
    assert runs(dynamodb).claim(RUN, "execution-1") is None
    assert lock(dynamodb).reserve(OTHER.id, "execution-2") == RUN.id
    runs(dynamodb).finish(RUN.id, "execution-1", RunOutcome.NOT_BETTER, "m", None)
    assert lock(dynamodb).reserve(OTHER.id, "execution-2") is None


@pytest.mark.parametrize(
    ("state", "later_s", "is_free"),
    [
        ("running", 3600, False),
        ("running", LEASE_S + 1, True),
        ("ended", 0, True),
        ("unknown", STARTING_S - 1, False),
        ("unknown", STARTING_S + 1, True),
    ],
)
def test_a_lock_is_free_when_its_execution_is_over_but_not_before_it_could_start(
    dynamodb: "DynamoDBClient", state: Execution, later_s: float, is_free: bool
) -> None:
    assert lock(dynamodb).reserve(RUN.id, "execution-1") is None
    found = lock(dynamodb, state, 1000.0 + later_s).reserve(OTHER.id, "execution-2")
    assert found == (None if is_free else RUN.id)


@pytest.mark.parametrize(("later_s", "is_free"), [(STARTING_S - 1, False), (STARTING_S + 1, True)])
def test_a_scheduled_run_leaves_the_lock_to_a_start_by_hand_that_is_on_its_way(
    dynamodb: "DynamoDBClient", later_s: float, is_free: bool
) -> None:
    assert lock(dynamodb).reserve(RUN.id, "execution-1") is None
    scheduled = runs(dynamodb, lambda _: False, 1000.0 + later_s)
    assert (scheduled.claim(OTHER, "execution-2") is None) == is_free


def test_only_the_holder_releases_the_lock(dynamodb: "DynamoDBClient") -> None:
    lock(dynamodb).reserve(RUN.id, "execution-1")
    lock(dynamodb).release("execution-2")
    assert lock(dynamodb).reserve(OTHER.id, "execution-2") == RUN.id
    lock(dynamodb).release("execution-1")
    assert lock(dynamodb).reserve(OTHER.id, "execution-2") is None


def test_what_a_run_left_out_is_recorded_with_it(dynamodb: "DynamoDBClient") -> None:
    runs(dynamodb).claim(RUN, "execution-1")
    runs(dynamodb).note_left_out(RUN.id, {"costly": 12, "expired": 0})
    [run] = runs(dynamodb).newest(1)
    assert run.left_out == {"costly": 12, "expired": 0}
