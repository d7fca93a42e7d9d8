"""Step Functions' behavior, on separate state machines."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws.client import StackInfo
from tests.support.executions import (
    aws,
    finished,
    history,
    output,
    physical_name,
    start,
    wait_until,
)
from tests.support.processes import Part, environments, kill_function

Json = dict[str, Any]
Task = Callable[..., Json]
KB_256 = 262_144
AGAIN = {"IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1, "JitterStrategy": "FULL"}


@pytest.fixture
def worker(stack: StackInfo) -> str:
    return physical_name(stack, "Worker")


@pytest.fixture
def calls(worker: str, state: Path) -> Callable[[str], int]:
    """Return how many invocations of the worker logged this."""
    log = state / "logs" / f"{worker}.log"  # written with the first line that the function logs
    return lambda words: log.read_text().splitlines().count(words) if log.exists() else 0


def invoke(function: str, payload: object, **fields: Any) -> Json:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload": payload},
        "OutputPath": "$.Payload",
        "End": True,
    } | fields


def direct(function: str, payload: object, **fields: Any) -> Json:
    """A task whose resource is the function itself: the function's answer is its result."""
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:{function}"
    return {"Type": "Task", "Resource": arn, "Parameters": payload, "End": True} | fields


BOTH = pytest.mark.parametrize("task", [invoke, direct])


def machine(state: Json, **others: Json) -> Json:
    return {"StartAt": "First", "States": {"First": state, **others}}


def caught(state: Json, *errors: str) -> Json:
    catch = [{"ErrorEquals": list(errors), "ResultPath": "$.error", "Next": "Caught"}]
    return machine(state | {"Catch": catch}, Caught={"Type": "Pass", "End": True})


def error_of(stack: StackInfo, definition: Json, event: object = None) -> Json:
    error: Json = output(stack, start(stack, definition, event))["error"]
    return error


@BOTH
def test_an_exception_becomes_an_error_with_its_name_and_traceback(
    stack: StackInfo, worker: str, task: Task, tmp_path: Path
) -> None:
    error = error_of(stack, caught(task(worker, {"fails_while": str(tmp_path)}), "States.ALL"))
    assert error["Error"] == "ProviderDownError"
    cause = json.loads(error["Cause"])
    assert cause["errorType"] == "ProviderDownError"
    assert cause["errorMessage"] == "the provider is down"
    assert set(cause) == {"errorType", "errorMessage", "requestId", "stackTrace"}


@BOTH
@pytest.mark.parametrize(
    ("function", "refusal"),
    [("{worker}:9", "Lambda.ResourceNotFoundException"), ("any", "Lambda.AccessDeniedException")],
    ids=["missing", "forbidden"],
)
def test_errors_of_lambda_have_lambdas_names(
    stack: StackInfo, worker: str, task: Task, function: str, refusal: str
) -> None:
    state = task(function.format(worker=worker), {})
    assert error_of(stack, caught(state, refusal))["Error"] == refusal


def test_a_typed_error_is_retried_until_success(
    stack: StackInfo, worker: str, calls: Callable[[str], int], tmp_path: Path
) -> None:
    down = tmp_path / "down"
    down.touch()
    payload = {"fails_while": str(down), "says": str(tmp_path)}
    retry = [{"ErrorEquals": ["Other"]}, {"ErrorEquals": ["ProviderDownError"], **AGAIN}]
    execution = start(stack, machine(invoke(worker, payload, Retry=retry)))
    wait_until(lambda: calls(str(tmp_path)) == 1)
    down.unlink()
    assert output(stack, execution)["done"] is True


@BOTH
@pytest.mark.parametrize("part", ["runtime", "emulator"])
def test_a_killed_invocation_is_a_typed_error_and_its_retry_gets_a_new_environment(
    stack: StackInfo,
    worker: str,
    task: Task,
    calls: Callable[[str], int],
    tmp_path: Path,
    part: Part,
) -> None:
    hold = tmp_path / "hold"
    hold.touch()
    payload = {"waits_while": str(hold), "says": str(tmp_path)}
    retry = [{"ErrorEquals": ["Runtime.ExitError"], **AGAIN}]
    execution = start(stack, machine(task(worker, payload, Retry=retry)))
    wait_until(lambda: calls(str(tmp_path)) == 1)
    before = {pid for pid, each in environments(stack, worker) if each == "runtime"}
    assert kill_function(stack, worker, part) >= 1
    hold.unlink()
    assert output(stack, execution)["pid"] not in before
    assert calls(str(tmp_path)) == 2


@pytest.mark.parametrize("part", ["runtime", "emulator"])
def test_an_environment_that_ended_while_idle_is_replaced(
    stack: StackInfo, worker: str, part: Part
) -> None:
    output(stack, start(stack, machine(invoke(worker, {}))))
    assert kill_function(stack, worker, part) >= 1
    assert output(stack, start(stack, machine(invoke(worker, {}))))["done"] is True


@BOTH
def test_a_function_timeout_and_a_task_timeout_have_their_own_names(
    stack: StackInfo, worker: str, task: Task, tmp_path: Path
) -> None:
    late = task(worker, {"waits_while": str(tmp_path)}, TimeoutSeconds=1)
    assert error_of(stack, caught(late, "States.Timeout"))["Error"] == "States.Timeout"
    late = task(worker, {"waits_while": str(tmp_path)})
    error = error_of(stack, caught(late, "Sandbox.Timedout"))
    assert "Task timed out after 6.00 seconds" in error["Cause"]


def test_a_state_machine_ends_at_its_timeout(stack: StackInfo, worker: str, tmp_path: Path) -> None:
    late = machine(invoke(worker, {"waits_while": str(tmp_path)})) | {"TimeoutSeconds": 1}
    assert finished(stack, start(stack, late))["status"] == "TIMED_OUT"


def test_a_map_runs_four_invocations_concurrently(
    stack: StackInfo, worker: str, calls: Callable[[str], int], tmp_path: Path
) -> None:
    hold = tmp_path / "hold"
    hold.touch()
    step = invoke(worker, {"waits_while": str(hold), "says": str(tmp_path)})
    build = {"Type": "Map", "MaxConcurrency": 4, "ItemProcessor": machine(step), "End": True}
    build |= {"ItemsPath": "$.shards"}
    execution = start(stack, machine(build), {"shards": [0, 1, 2, 3, 4]})
    wait_until(lambda: calls(str(tmp_path)) == 4)
    hold.unlink()
    assert len({each["pid"] for each in output(stack, execution)}) == 4


@pytest.mark.parametrize("kind", ["Map", "Parallel"])
def test_errors_inside_a_map_or_parallel_keep_their_names_outside(
    stack: StackInfo, worker: str, tmp_path: Path, kind: str
) -> None:
    late = machine(invoke(worker, {"waits_while": str(tmp_path)}, TimeoutSeconds=1))
    inside = {"Branches": [late]} if kind == "Parallel" else {"ItemProcessor": late}
    paths = {"Map": {"ItemsPath": "$.items"}, "Parallel": {}}[kind]
    definition = caught({"Type": kind, **inside, **paths, "End": True}, "States.ALL")
    assert error_of(stack, definition, {"items": [1]})["Error"] == "States.Timeout"


def test_intrinsic_functions_and_the_context_object(stack: StackInfo) -> None:
    parameters = {
        "sum.$": "States.MathAdd($.a, 1)",
        "range.$": "States.ArrayRange(0, 3, 1)",
        "text.$": "States.Format('{} of {}', $.a, $$.Execution.Name)",
        "started.$": "$$.Execution.StartTime",
        "sized.$": "States.ArrayLength($.list)",
        "input.$": "$$.Execution.Input.a",
    }
    execution = start(
        stack,
        machine({"Type": "Pass", "Parameters": parameters, "End": True}),
        {"a": 2, "list": [7]},
    )
    found = output(stack, execution)
    name = execution.rpartition(":")[2]
    assert (found["sum"], found["range"], found["input"]) == (3, [0, 1, 2, 3], 2)
    assert datetime.fromisoformat(found["started"]).tzinfo == UTC
    assert found["sized"] == 1
    assert found["text"] == f"2 of {name}"


def waiting(worker: str, **fields: Any) -> Json:
    """A state that waits for an answer to its token."""
    state = invoke(worker, {"token.$": "$$.Task.Token"}, OutputPath="$", **fields)
    return state | {"Resource": state["Resource"] + ".waitForTaskToken"}


def token(stack: StackInfo, execution: str) -> str:
    def submitted() -> str | None:
        for event in history(stack, execution):
            if event["type"] == "TaskScheduled":
                found: str = json.loads(event["taskScheduledEventDetails"]["parameters"])[
                    "Payload"
                ]["token"]
                return found
        return None

    return str(wait_until(submitted))


def test_another_function_answers_a_task_token(stack: StackInfo, worker: str) -> None:
    execution = start(stack, machine(waiting(worker, HeartbeatSeconds=15, TimeoutSeconds=20)))
    answer = {"taskToken": token(stack, execution), "output": '{"approved": true}'}
    call = {"action": "SendTaskSuccess", "body": answer}
    output(stack, start(stack, machine(invoke(worker, {"call": call}, OutputPath="$"))))
    assert output(stack, execution) == {"approved": True}


def test_a_failed_task_token_has_the_sent_error_and_cause(stack: StackInfo, worker: str) -> None:
    execution = start(stack, caught(waiting(worker), "Rejected"))
    aws(stack, "stepfunctions").send_task_failure(
        taskToken=token(stack, execution), error="Rejected", cause="too dear"
    )
    assert output(stack, execution)["error"] == {"Error": "Rejected", "Cause": "too dear"}


def test_a_missed_heartbeat_has_its_own_name(stack: StackInfo, worker: str) -> None:
    late = waiting(worker, HeartbeatSeconds=1, TimeoutSeconds=20)
    error = error_of(stack, caught(late, "States.HeartbeatTimeout"))
    assert error["Error"] == "States.HeartbeatTimeout"


def test_a_function_describes_and_stops_an_execution(
    stack: StackInfo, worker: str, tmp_path: Path
) -> None:
    hold = tmp_path / "hold"
    hold.touch()
    running = start(stack, machine(invoke(worker, {"waits_while": str(hold)})))
    for action in ("DescribeExecution", "StopExecution"):
        call = {"action": action, "body": {"executionArn": running}}
        answer = output(stack, start(stack, machine(invoke(worker, {"call": call}))))
        assert answer.get("status", "RUNNING") == "RUNNING"
    described = aws(stack, "stepfunctions").describe_execution(executionArn=running)
    assert described["status"] == "ABORTED"  # at once, though the function still runs
    hold.unlink()


def test_an_execution_is_stopped_before_its_first_state(stack: StackInfo) -> None:
    long = {f"State{place}": {"Type": "Pass", "End": True} for place in range(500)}
    running = start(stack, machine({"Type": "Wait", "Seconds": 60, "End": True}, **long))
    aws(stack, "stepfunctions").stop_execution(executionArn=running)
    described = aws(stack, "stepfunctions").describe_execution(executionArn=running)
    assert described["status"] == "ABORTED"


def test_256_kb_are_accepted_and_one_more_byte_is_not(stack: StackInfo, worker: str) -> None:
    pass_on = {"Type": "Pass", "End": True}
    fits = {"text": "x" * (KB_256 - len('{"text": ""}'))}
    assert output(stack, start(stack, machine(pass_on), fits)).keys() == fits.keys()
    with pytest.raises(ClientError, match="262144"):
        start(stack, machine(pass_on), {"text": fits["text"] + "x"})


@pytest.mark.parametrize(
    "step",
    [
        {"Type": "Pass", "Parameters": {"a.$": "$.big", "b.$": "$.big"}, "End": True},
        invoke("FUNCTION", {"a.$": "$.big", "b.$": "$.big"}),
        invoke("FUNCTION", {"size": KB_256}),
        direct("FUNCTION", {"a.$": "$.big", "b.$": "$.big"}),
        direct("FUNCTION", {"size": KB_256}),
    ],
    ids=["state", "parameters", "answer", "direct parameters", "direct answer"],
)
def test_data_over_256_kb_end_the_execution_uncaught(
    stack: StackInfo, worker: str, step: Json
) -> None:
    definition = json.dumps(caught(step, "States.ALL") if step["Type"] == "Task" else machine(step))
    definition = json.loads(definition.replace("FUNCTION", worker))
    ended = finished(stack, start(stack, definition, {"big": "x" * 200_000}))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.DataLimitExceeded")
