"""The weekly workflow in the synthesized template."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.demos.follow import STATES
from route_switch.wiring.learning import parse_learning_settings
from tests.infra.conftest import Resource, Synthesized

State = dict[str, Any]  # of the Amazon States Language


@pytest.fixture(scope="module")
def definition(prod: Synthesized) -> State:
    (machine,) = prod.resources("AWS::StepFunctions::StateMachine").values()
    parts = machine["Properties"]["DefinitionString"]["Fn::Join"][1]
    text = "".join(part if isinstance(part, str) else _name(part) for part in parts)
    parsed: State = json.loads(text)
    return parsed


def _name(part: Resource) -> str:
    """Return a resource's logical id."""
    name = part["Fn::GetAtt"][0] if "Fn::GetAtt" in part else part["Ref"]
    return str(name)


def states(definition: State) -> Iterator[tuple[str, State]]:
    for name, state in definition["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from states(state["ItemProcessor"])


def tasks(definition: State) -> dict[str, State]:
    return {name: state for name, state in states(definition) if state["Type"] == "Task"}


def test_the_functions_that_notify_know_the_consoles_address(prod: Synthesized) -> None:
    functions = prod.resources("AWS::Lambda::Function").values()
    environments = [each["Properties"].get("Environment", {}) for each in functions]
    said = [each["Variables"].get("CONSOLE_URL") for each in environments if each]
    steps, promoter = [str(each) for each in said if each is not None]
    assert steps == promoter
    assert "execute-api" in steps
    assert "/prod/console" in steps
    assert "Deployment" not in steps  # it depends on the functions


def test_states_follow_in_the_right_order(definition: State) -> None:
    found = dict(states(definition))
    assert definition["StartAt"] == "Claim"
    steps = ("Claim", "Collect", "BuildOutcomes", "Optimize", "Evaluate", "Approve", "Promote")
    assert [found[name]["Next"] for name in steps] == [
        "Claimed?",
        "Enough?",
        "Optimize: first slice",
        "Optimize: done?",
        "Evaluate: done?",
        "Approved?",
        "Report",
    ]
    assert (found["Report"]["Next"], found["Notify"]["Next"]) == ("Notify", "Done")


def test_every_choice_leaves_the_prompt_unchanged_by_default(definition: State) -> None:
    defaults = {n: s["Default"] for n, s in states(definition) if s["Type"] == "Choice"}
    assert {name: defaults[name] for name in ("Enough?", "Gate", "Approved?", "Claimed?")} == {
        "Enough?": "Report",
        "Gate": "Report",
        "Approved?": "Report",
        "Claimed?": "Duplicate",
    }


def test_an_execution_without_a_run_says_why_and_sends_no_notification(definition: State) -> None:
    found = dict(states(definition))
    first, second = found["Claimed?"]["Choices"]
    assert (first["Variable"], first["Next"]) == ("$.claimed", "Collect")
    assert (second["Variable"], second["Next"]) == ("$.off", "Learning off")
    for name in ("Learning off", "Duplicate"):
        assert found[name]["End"]
        assert found[name]["Parameters"] == {"outcome": name.lower(), "why.$": "$.why"}


def test_only_the_owner_and_the_first_deployment_may_set_switches(
    prod: Synthesized,
) -> None:
    granted = [
        (name.split("Role")[0], statement["Action"])
        for name, statement in prod.statements()
        if "/switches" in json.dumps(statement["Resource"])
    ]
    learning = ("LearningDrift", "LearningOptimizer", "LearningPromoter", "LearningSteps")
    expected = [(name, "ssm:GetParameter") for name in learning]
    owner = [("Owner", ["ssm:GetParameter", "ssm:PutParameter"])]
    others = [("Router", "ssm:GetParameters"), ("SetupFunction", "ssm:PutParameter")]
    assert sorted(granted) == [*expected, *owner, *others]


def test_every_task_lasts_longer_than_its_function(prod: Synthesized, definition: State) -> None:
    functions = prod.resources("AWS::Lambda::Function")
    checked = 0
    for name, task in tasks(definition).items():
        text = task["Resource"] + json.dumps(task.get("Parameters", ""))
        called = [f for logical_id, f in functions.items() if logical_id in text]
        for function in called:
            assert task["TimeoutSeconds"] > function["Properties"]["Timeout"], name
            checked += 1
    assert checked == 9


def test_every_task_retries_named_errors_with_jitter(definition: State) -> None:
    for name, task in tasks(definition).items():
        for retry in task["Retry"]:
            assert "States.ALL" not in retry["ErrorEquals"], name
            assert retry["JitterStrategy"] == "FULL"
            assert retry["MaxDelaySeconds"] > 0


def test_every_task_that_calls_models_waits_for_providers_in_the_state_machine(
    definition: State,
) -> None:
    waiting = {
        name
        for name, task in tasks(definition).items()
        if any("ProviderDown" in retry["ErrorEquals"] for retry in task["Retry"])
    }
    assert waiting == {"Build a shard", "Optimize", "Evaluate"}


def test_every_failure_goes_to_failed_which_notifies(definition: State) -> None:
    found = dict(states(definition))
    caught = {
        name
        for name, state in found.items()
        if any(
            catch["ErrorEquals"] == ["States.ALL"] and catch["Next"] == "Failed"
            for catch in state.get("Catch", ())
        )
    }
    of_the_map = {"Build a shard"}
    last = {"Failed", "Notify", "Notify of the failure", "Tell plainly"}
    assert caught == (tasks(definition).keys() - of_the_map - last) | {"BuildOutcomes"}
    assert found["Failed"]["Next"] == "Notify of the failure"
    assert found["Notify of the failure"]["Next"] == "Run failed"


def test_a_failed_notification_changes_nothing_and_a_failed_report_is_notified_plainly(
    definition: State,
) -> None:
    found = dict(states(definition))
    after = {name: found[name]["Catch"][-1]["Next"] for name in ("Notify", "Failed")}
    assert after == {"Notify": "Done", "Failed": "Tell plainly"}
    assert "$" not in json.dumps(found["Tell plainly"]["Parameters"]["Message"])
    assert found["Notify of the failure"]["Catch"][0]["Next"] == "Run failed"


def test_a_rule_notifies_of_runs_that_are_aborted_or_time_out(prod: Synthesized) -> None:
    (rule,) = prod.resources("AWS::Events::Rule").values()
    detail = rule["Properties"]["EventPattern"]["detail"]
    assert detail["status"] == ["ABORTED", "TIMED_OUT"]
    (target,) = rule["Properties"]["Targets"]
    assert target["Arn"]["Ref"].startswith("LearningRuns")


def test_killed_tasks_are_retried_only_twice(definition: State) -> None:
    for name in ("Build a shard", "Optimize", "Evaluate"):
        retries = tasks(definition)[name]["Retry"]
        (killed,) = [r for r in retries if "Runtime.ExitError" in r["ErrorEquals"]]
        assert killed["MaxAttempts"] == 2


def test_no_answer_in_time_rejects_the_candidate(definition: State) -> None:
    found = dict(states(definition))
    approve = found["Approve"]
    assert approve["Resource"].endswith("lambda:invoke.waitForTaskToken")
    assert approve["HeartbeatSeconds"] == 72 * 3600 < approve["TimeoutSeconds"]
    assert approve["TimeoutSeconds"] < definition["TimeoutSeconds"]
    catch = approve["Catch"][0]
    assert catch["ErrorEquals"] == ["States.HeartbeatTimeout", "States.Timeout"]
    assert catch["Next"] == "Silence"
    assert found["Silence"]["Result"] == {"approved": False, "by": "silence"}
    assert found["Silence"]["Next"] == "Report"


def test_the_schedule_passes_its_time_and_keeps_failed_starts(prod: Synthesized) -> None:
    schedules = prod.resources("AWS::Scheduler::Schedule").items()
    (weekly,) = (s["Properties"] for name, s in schedules if "Weekly" in name)
    assert json.loads(weekly["Target"]["Input"]) == {
        "scheduled_time": "<aws.scheduler.scheduled-time>",
        "trigger": "schedule",
    }
    assert weekly["ScheduleExpression"] == "cron(0 3 ? * SUN *)"
    assert weekly["ScheduleExpressionTimezone"] == "Etc/UTC"
    assert "DeadLetterConfig" in weekly["Target"]


def test_the_machine_logs_no_data_and_may_invoke_only_its_functions(prod: Synthesized) -> None:
    (machine,) = prod.resources("AWS::StepFunctions::StateMachine").values()
    assert machine["Properties"]["LoggingConfiguration"]["IncludeExecutionData"] is False
    invoked = [
        resource["Fn::GetAtt"][0].split("Function")[0]
        for name, statement in prod.statements()
        if name.startswith("LearningWorkflow") and statement["Action"] == "lambda:InvokeFunction"
        for resource in statement["Resource"]
    ]
    assert sorted(invoked) == ["LearningOptimizer", "LearningPromoter", "LearningSteps"]


def test_only_these_functions_call_models_and_the_optimizer_reads_no_requests(
    prod: Synthesized,
) -> None:
    callers = {n.split("Role")[0] for n, s in prod.statements() if "bedrock:" in json.dumps(s)}
    assert callers == {"LearningOptimizer", "Owner", "Router"}, "the owner previews a prompt"
    optimizer = [s for name, s in prod.statements() if name.startswith("LearningOptimizer")]
    tables = [s for s in optimizer if "dynamodb:" in json.dumps(s["Action"])]
    (table,) = tables
    assert table["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] == ["LEARNING#*"]


@pytest.mark.parametrize("function", ["LearningSteps", "LearningPromoter", "LearningOptimizer"])
@pytest.mark.parametrize("name", ["prod", "local", "openai_hash"])
def test_the_functions_accept_their_environment(
    name: str, function: str, request: pytest.FixtureRequest
) -> None:
    stage: Synthesized = request.getfixturevalue(name)
    variables = stage.function(function)["Environment"]["Variables"]
    settings = parse_learning_settings(
        {key: v if isinstance(v, str) else v.get("Ref", str(v)) for key, v in variables.items()}
    )
    assert settings.stage == {"prod": "prod"}.get(name, "local")
    assert settings.learning.lambda_ == 0.2


def test_the_learning_models_have_prices(local: Synthesized) -> None:
    variables = local.function("LearningOptimizer")["Environment"]["Variables"]
    learning = json.loads(variables["LEARNING_CONFIG"])
    assert learning["prices"].keys() == {"offline/proposer", "offline/judge"}


def test_the_demo_explains_every_working_state(definition: State) -> None:
    """A shard is built inside a state that is explained."""
    working = {*tasks(definition), *(n for n, s in states(definition) if s["Type"] == "Map")}
    assert set(STATES) == working - {"Build a shard"}


def test_notices_without_a_report_say_what_happened_what_it_means_and_what_to_do(
    prod: Synthesized, definition: State
) -> None:
    [rule] = [
        each["Properties"]
        for each in prod.resources("AWS::Events::Rule").values()
        if "aws.states" in each["Properties"]["EventPattern"]["source"]
    ]
    [target] = rule["Targets"]
    plain = dict(states(definition))["Tell plainly"]["Parameters"]["Message"]
    for text in (str(plain), str(target["InputTransformer"]["InputTemplate"])):
        assert "learning run" in text
        assert "The live prompt is unchanged" in text
        assert "requests are routed" in text
        assert "'route-switch learn --stage " in text
