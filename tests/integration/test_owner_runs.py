"""Learning runs over HTTP: list, show, start, approve and reject them."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import cast

import boto3
import pytest

from functions.owner import handler as owner_handler
from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.adapters.learning.step_functions import StepFunctionsApprovals
from route_switch.adapters.operations.dynamodb_audit import DynamoDbAudit
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.errors import StoreError
from route_switch.domain.learning.learning_run import LearningRun, RunOutcome
from route_switch.domain.operations.refused_changes import ChangeRefusedError
from route_switch.domain.prompt_document import to_markdown
from route_switch.optimizer.report.json_file import to_json
from route_switch.wiring.owner_api import owner_wiring
from tests.integration.conftest import ADMIN_KEY, STATE_MACHINE, Answer, Api
from tests.support.report import finished

RUN = "2026-11-22T030000Z"
EXECUTION = f"{STATE_MACHINE.replace(':stateMachine:', ':execution:')}:{RUN}"
STATES = {"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}
PROMPT = packaged_prompt()
INTERVAL = {"mean": 0.5, "low": 0.4, "high": 0.6, "n": 80}
REPORT = {
    "lambda": 0.2,
    "tier_3_usd": 0.01,
    "judge_model": "openai/judge",
    "unknown": "from a later release",
    "gate": {"verdict": "better", "gain": INTERVAL, "alpha": 0.02, "smallest_visible": 0.03},
    "policies": [
        {"policy": name, "cost": INTERVAL, "quality": INTERVAL, "mix": {"1": 0.5, "2": 0.5}}
        for name in ("candidate", "incumbent", "tier-3", "random")
    ],
    "curve": {"points": [{"lambda": 0.1, "cost": INTERVAL, "quality": INTERVAL}]},
    "spend": {"usd": {"answer": 1.5, "router": 0.5}, "calls": {}},
    "agreement": {"share": 0.9, "kappa": 0.8, "n": 60},
    "incumbent_prompt": to_markdown(PROMPT),
    "candidate_prompt": to_markdown(PROMPT.model_copy(update={"instruction": "x"})),
}


def ask(api: Api, method: str, path: str = "", body: object = None) -> Answer:
    return api(method, f"/v1/runs{path}", body, ADMIN_KEY)


def runs() -> DynamoDbRuns:
    return DynamoDbRuns(boto3.client("dynamodb"), "results")


def claim(run_id: str = RUN) -> None:
    run = LearningRun(id=run_id, month="2026-11", trigger="schedule", cap_usd=1)
    assert runs().claim(run, f"{EXECUTION.rpartition(':')[0]}:{run_id}") is None


def execute(name: str = RUN) -> None:
    boto3.client("stepfunctions").start_execution(stateMachineArn=STATE_MACHINE, name=name)


def executions() -> list[str]:
    client = boto3.client("stepfunctions")
    found = client.list_executions(stateMachineArn=STATE_MACHINE)["executions"]
    return [each["name"] for each in found]


def trail(api: Api) -> list[dict[str, object]]:
    found = api("GET", "/v1/audit?what=prompt", key=ADMIN_KEY).body["data"]
    return cast("list[dict[str, object]]", found)


def put(name: str, content: str, folder: str = "runs") -> None:
    key = f"{folder}/{RUN}/{name}"
    boto3.client("s3").put_object(Bucket="learning", Key=key, Body=content.encode())


@pytest.fixture(autouse=True)
def _state_machine(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    created = boto3.client("stepfunctions").create_state_machine(
        name="learning",
        definition=json.dumps(STATES),
        roleArn="arn:aws:iam::123456789012:role/learning",
    )
    assert created["stateMachineArn"] == STATE_MACHINE


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """Answers to approvals. A token is taken once."""
    taken: list[dict[str, object]] = []

    def answer(_: object, token: str, *, approved: bool, by: str) -> bool:
        if any(each["token"] == token for each in taken):
            return False
        taken.append({"token": token, "approved": approved, "by": by})
        return True

    monkeypatch.setattr(StepFunctionsApprovals, "answer", answer)
    return taken


def test_a_run_is_shown_live_with_what_it_wrote_about_itself(api: Api) -> None:
    execute()
    claim()
    put("progress.json", '{"step": "search", "parts": 3, "spent_usd": 0.5}', "work")
    [run] = cast("list[dict[str, object]]", ask(api, "GET").body["data"])
    assert (run["run"], run["state"], run["outcome"]) == (RUN, "under_way", None)
    assert run["progress"] == {"step": "search", "parts": 3, "spent_usd": 0.5}
    put("progress.json", "half a fi", "work")
    assert ask(api, "GET", f"/{RUN}").body["progress"] is None


def test_a_run_whose_execution_ended_without_an_outcome_was_stopped(api: Api) -> None:
    claim()
    assert ask(api, "GET", f"/{RUN}").body["state"] == "stopped"
    execute()
    boto3.client("stepfunctions").stop_execution(executionArn=EXECUTION)
    runs().wait_for_approval(RUN, "token")
    assert ask(api, "GET", f"/{RUN}").body["state"] == "stopped"


def test_an_ended_run_has_its_verdict_figures_and_files(api: Api) -> None:
    claim()
    runs().finish(RUN, EXECUTION, RunOutcome.PROMOTED, "It is live.", 2)
    put("report.json", json.dumps(REPORT))
    put("candidate.md", "the candidate")
    boto3.client("ssm").put_parameter(
        Name="/test/prompt/live", Value=to_markdown(PROMPT), Type="String"
    )
    run = ask(api, "GET", f"/{RUN}").body
    assert (run["state"], run["outcome"], run["live_version"]) == ("ended", "promoted", 2)
    assert (run["candidate_document"], run["artifacts"]) == (
        "the candidate",
        ["candidate.md", "report.json"],
    )
    summary = cast("dict[str, object]", run["summary"])
    assert (summary["verdict"], summary["gain"], summary["spent_usd"]) == ("better", INTERVAL, 2.0)
    assert summary["message"] == "It is live."
    assert summary["judge"] == {"model": "openai/judge", "agreement": 0.9, "kappa": 0.8, "n": 60}
    policies = cast("list[dict[str, object]]", summary["policies"])
    assert policies[0]["cost_usd_per_query"] == 0.005
    points = cast("dict[str, list[dict[str, object]]]", run["frontier"])["points"]
    by_name = {str(each["name"]): each for each in points}
    assert [name for name, each in by_name.items() if each["is_live"]] == ["incumbent"]
    assert [name for name, each in by_name.items() if each["is_candidate"]] == ["candidate"]
    assert by_name["tier-3"]["strategy"] == "constant"
    assert by_name["λ = 0.1"]["lambda"] == 0.1


@pytest.mark.parametrize("content", ["", "null", "[]", "half a fi", '{"policies": 1}'])
def test_a_damaged_report_leaves_the_rest_of_the_run(api: Api, content: str) -> None:
    claim()
    put("report.json", content)
    run = ask(api, "GET", f"/{RUN}").body
    assert (run["summary"], run["frontier"]) == (None, None)
    assert run["artifacts"] == ["report.json"]


def test_the_report_is_html_that_may_load_and_run_nothing_or_else_markdown(api: Api) -> None:
    claim()
    assert ask(api, "GET", f"/{RUN}/report").error["code"] == "report_not_found"
    put("report.md", "# The run")
    found = ask(api, "GET", f"/{RUN}/report")
    assert (found.text, found.headers["content-type"]) == (
        "# The run",
        "text/markdown; charset=utf-8",
    )
    put("report.html", "<p>The run</p>")
    found = ask(api, "GET", f"/{RUN}/report")
    assert (found.text, found.headers["content-type"]) == (
        "<p>The run</p>",
        "text/html; charset=utf-8",
    )
    assert "sandbox" in found.headers["content-security-policy"]
    put("report.html", "x" * 4_100_000)
    assert ask(api, "GET", f"/{RUN}/report").text == "# The run"


@pytest.mark.parametrize(
    "run_id", ["..", "%2e%2e%2fmodels", "x" * 500, "2026-99-99T000000Z", "a b"]
)
def test_anything_but_a_run_is_a_404(api: Api, run_id: str) -> None:
    for path in ("", "/report"):
        answer = ask(api, "GET", f"/{run_id}{path}")
        assert (answer.status, answer.error["code"]) in ((404, "not_found"), (404, "unknown_url"))


@pytest.mark.parametrize("limit", ["0", "101", "x", "", "-1", "١"])
def test_a_bad_limit_is_refused(api: Api, limit: str) -> None:
    assert ask(api, "GET", f"?limit={limit}").error["param"] == "limit"


def test_a_started_run_is_shown_before_its_first_step_has_run(api: Api) -> None:
    started = ask(api, "POST", "", {})
    assert started.status == 202
    run_id = str(started.body["run"])
    assert run_id.endswith("Z-manual")
    shown = ask(api, "GET", f"/{run_id}").body
    assert (shown["state"], shown["trigger"]) == ("under_way", "manual")
    [entry] = cast(
        "list[dict[str, object]]", api("GET", "/v1/audit?what=prompt", key=ADMIN_KEY).body["data"]
    )
    assert (entry["action"], entry["subject"], entry["by"]) == (
        "learn",
        f"run {run_id}",
        f"key:key_{ADMIN_KEY} ({ADMIN_KEY})",
    )


def test_no_run_starts_while_another_is_in_progress_and_the_refusal_says_which(api: Api) -> None:
    execute()
    claim()
    refused = ask(api, "POST")
    assert (refused.status, refused.error["code"]) == (409, "run_exists")
    assert RUN in str(refused.error["message"])
    assert "GET /v1/runs" in str(refused.error["message"])
    [execution] = executions()
    assert execution.endswith(RUN)
    assert trail(api) == []


def test_exactly_one_of_parallel_starts_starts_a_run(api: Api) -> None:
    wiring = owner_wiring()
    owner = wiring.authenticate(f"Bearer {ADMIN_KEY}")
    learn, at = wiring.start_learning(owner), datetime.now(UTC)

    def start(number: int) -> str:
        """Half of them in the same second, so that their ids are the same."""
        try:
            return learn(at + timedelta(seconds=number // 4))
        except ChangeRefusedError as refused:
            assert refused.conflict == "run_exists"
            return ""

    with ThreadPoolExecutor(8) as pool:
        [started] = filter(None, pool.map(start, range(8)))
    [execution] = executions()
    assert execution.endswith(started)
    assert [entry["subject"] for entry in trail(api)] == [f"run {started}"]
    again = ask(api, "POST", "", {})
    assert (again.status, again.error["code"]) == (409, "run_exists")
    assert started in str(again.error["message"])


def test_a_run_that_was_stopped_does_not_keep_the_next_one_from_starting(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = str(ask(api, "POST").body["run"])
    assert ask(api, "POST").status == 409
    arn = f"{STATE_MACHINE.replace(':stateMachine:', ':execution:')}:{first}"
    boto3.client("stepfunctions").stop_execution(executionArn=arn)
    later = datetime.now(UTC) + timedelta(seconds=5)
    monkeypatch.setattr(owner_handler, "now", lambda: later)
    assert ask(api, "POST").status == 202


def test_a_start_that_cannot_be_recorded_starts_nothing_and_leaves_no_lock(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StoreError("away")

    with monkeypatch.context() as patch:
        patch.setattr(DynamoDbAudit, "add", fail)
        assert ask(api, "POST").status == 503
    assert executions() == []
    assert ask(api, "POST").status == 202


def test_a_run_that_is_not_recorded_started_when_its_id_says(api: Api) -> None:
    name = "2026-11-23T101112Z-manual"
    execute(name)
    for _ in range(2):
        assert ask(api, "GET", f"/{name}").body["started_at"] == "2026-11-23T10:11:12+00:00"


def test_a_run_says_how_many_examples_it_left_out_and_why(api: Api) -> None:
    claim()
    assert ask(api, "GET", f"/{RUN}").body["left_out"] == []
    counts = {"costly": 7, "expired": 9, "merged": 30, "capped": 2, "empty": 0, "of_tomorrow": 1}
    runs().note_left_out(RUN, counts)
    costly = "requests of one client that cost far more to learn from than those of others"
    expected = [
        {"reason": "requests that expired before they were read", "examples": 9},
        {
            "reason": costly,
            "examples": 7,
        },
    ]
    assert ask(api, "GET", f"/{RUN}").body["left_out"] == expected
    [listed] = cast("list[dict[str, object]]", ask(api, "GET").body["data"])
    assert listed["left_out"] == expected
    assert api("GET", "/v1/learning", key=ADMIN_KEY).body["left_out"] == expected


def test_what_a_run_read_adds_up(api: Api) -> None:
    claim()
    assert ask(api, "GET", f"/{RUN}").body["examples"] is None  # without a report
    runs().note_left_out(RUN, {"empty": 2, "too_large": 1, "merged": 15, "capped": 4})
    rows: dict[str, object] = {
        "train": 41,
        "validation": 34,
        "heldout": 32,
        "left_out": {"whose answers are simulated": 19, "that need images": 0},
    }
    put("report.json", json.dumps({**REPORT, "rows": rows}))
    run = ask(api, "GET", f"/{RUN}").body
    assert run["examples"] == {
        "read": 144,
        "merged": 15,
        "left_out": [
            {"reason": "requests without text from the user", "examples": 2},
            {"reason": "requests of more than 1 MB", "examples": 1},
            {"reason": "examples whose answers are simulated", "examples": 19},
        ],
        "used": 107,
    }
    summary = cast("dict[str, object]", run["summary"])
    assert summary["rows"] == {"train": 41, "validation": 34, "heldout": 32}


def test_no_run_starts_while_learning_is_off(api: Api) -> None:
    api("PATCH", "/v1/switches", {"learning": "off"}, ADMIN_KEY)
    refused = ask(api, "POST")
    assert (refused.status, refused.error["code"]) == (409, "learning_off")
    assert "PATCH /v1/switches" in str(refused.error["message"])
    assert ask(api, "POST", "", {"now": True}).error["code"] == "unknown_parameter"


def test_no_run_starts_while_the_switches_cannot_be_read(api: Api) -> None:
    boto3.client("ssm").put_parameter(Name="/test/switches", Value="?", Type="String")
    refused = ask(api, "POST")
    assert (refused.status, refused.error["code"]) == (409, "switches_unreadable")
    assert (
        boto3.client("stepfunctions").list_executions(stateMachineArn=STATE_MACHINE)["executions"]
        == []
    )


@pytest.mark.parametrize(("verb", "approved"), [("approve", True), ("reject", False)])
def test_a_waiting_run_is_answered_once_in_the_name_of_the_key(
    api: Api, answers: list[dict[str, object]], verb: str, approved: bool
) -> None:
    execute()
    claim()
    assert ask(api, "POST", f"/{RUN}/{verb}").error["code"] == "run_not_waiting"
    runs().wait_for_approval(RUN, "token")
    assert ask(api, "GET", f"/{RUN}").body["state"] == "waits_for_approval"
    done = ask(api, "POST", f"/{RUN}/{verb}", {})
    assert (done.status, done.body["state"]) == (200, "under_way")
    who = f"key:key_{ADMIN_KEY} ({ADMIN_KEY})"
    assert answers == [{"token": "token", "approved": approved, "by": who}]
    again = ask(api, "POST", f"/{RUN}/{verb}")
    assert (again.status, again.error["code"]) == (409, "run_not_waiting")
    assert ask(api, "POST", f"/2026-11-29T030000Z/{verb}").error["code"] == "not_found"


def test_an_approval_that_timed_out_is_a_conflict(
    api: Api, answers: list[dict[str, object]]
) -> None:
    claim()
    runs().wait_for_approval(RUN, "token")
    answers.append({"token": "token"})
    refused = ask(api, "POST", f"/{RUN}/approve").error
    assert refused["code"] == "run_not_waiting"
    assert "use POST /v1/prompt" in str(refused["message"])
    assert "route-switch " not in str(refused["message"])


def test_nothing_is_approved_while_learning_is_off_but_it_may_be_rejected(
    api: Api, answers: list[dict[str, object]]
) -> None:
    claim()
    runs().wait_for_approval(RUN, "token")
    api("PATCH", "/v1/switches", {"learning": "off"}, ADMIN_KEY)
    assert ask(api, "POST", f"/{RUN}/approve").error["code"] == "learning_off"
    assert ask(api, "POST", f"/{RUN}/reject").status == 200


def test_a_report_of_this_release_is_read(api: Api) -> None:
    claim()
    put("report.json", to_json(finished()))
    run = ask(api, "GET", f"/{RUN}").body
    assert cast("dict[str, object]", run["summary"])["verdict"] == "better"
    assert run["frontier"] is not None


def test_times_are_iso_with_an_offset(api: Api) -> None:
    claim()
    at = datetime.fromisoformat(str(ask(api, "GET", f"/{RUN}").body["started_at"]))
    assert at.tzinfo is not None
    assert abs((datetime.now(UTC) - at).total_seconds()) < 60


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "The request body must be a JSON object."),
        ({"now": 1}, "'now' is not a known field. This route takes none: send {} or no body."),
    ],
)
def test_a_body_that_should_be_empty_is_refused_in_plain_words(
    api: Api, body: object, message: str
) -> None:
    for path in ("", f"/{RUN}/approve", f"/{RUN}/reject"):
        assert ask(api, "POST", path, body).error["message"] == message
