"""A stack starts completely or explains why not, is updated in place, and leaves nothing behind."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from local.aws.client import (
    ROOT,
    STACK_FILE,
    StackInfo,
    read_stack_file,
    running_stack,
)
from local.aws.deploy import read_assembly
from local.aws.errors import LocalStackError
from local.aws.signals import INTERRUPTED
from tests.e2e.local_stack.conftest import synthesize
from tests.support import executions
from tests.support.executions import aws, physical_name, wait_until
from tests.support.processes import environments


def processes_of(state: Path) -> list[str]:
    """Return the command lines that contain the state folder."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(file.read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # it has just ended
            continue
    return [line for line in lines if str(state) in line]


def start(
    assembly: Path, state: Path, *options: str, **variables: str
) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "local.aws", "up"]
    return subprocess.Popen(
        [*command, "--assembly", str(assembly), "--state", str(state), *options],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def started(assembly: Path, state: Path, **variables: str) -> "subprocess.Popen[bytes]":
    """A running stack that has run a function."""
    process = start(assembly, state, **variables)
    info = wait_until(lambda: process.poll() is not None or read_stack_file(state))
    assert isinstance(info, StackInfo), process.communicate()
    httpx.post(f"{info.endpoint}/v1/echo", json={}).raise_for_status()
    return process


def test_the_custom_resource_creates_keys_and_their_parameter_is_deleted(stack: StackInfo) -> None:
    assert (stack.api_key, stack.admin_key) == ("rs-client", "rs-admin")
    with pytest.raises(ClientError, match="ParameterNotFound"):
        aws(stack, "ssm").get_parameter(Name="/small/first-keys")


def test_a_table_has_its_index_and_time_to_live(stack: StackInfo) -> None:
    dynamodb = aws(stack, "dynamodb")
    table = dynamodb.describe_table(TableName=stack.results_table)["Table"]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["by_user"]
    ttl = dynamodb.describe_time_to_live(TableName=stack.results_table)["TimeToLiveDescription"]
    assert (ttl["AttributeName"], ttl["TimeToLiveStatus"]) == ("expires_at", "ENABLED")


def test_a_sum_of_zero_is_written_as_0_and_can_be_added_to(stack: StackInfo) -> None:
    dynamodb, key = aws(stack, "dynamodb"), {"pk": {"S": "SUM"}, "sk": {"S": "SUM"}}
    for usd in ("0.000000000001", "-0.000000000001", "0.250000000000"):
        dynamodb.update_item(
            TableName=stack.results_table,
            Key=key,
            UpdateExpression="ADD usd :usd",
            ExpressionAttributeValues={":usd": {"N": usd}},
        )
    gone = dynamodb.delete_item(TableName=stack.results_table, Key=key, ReturnValues="ALL_OLD")
    assert gone["Attributes"]["usd"] == {"N": "0.25"}


def test_stopping_the_process_stops_everything(assembly: Path, tmp_path: Path) -> None:
    credentials = {"AWS_ACCESS_KEY_ID": "real", "AWS_SECRET_ACCESS_KEY": "aws-secret"}
    process = started(
        assembly,
        tmp_path,
        OPENAI_API_KEY="sk-secret",
        ROUTE_SWITCH_PROFILE="bedrock",
        **credentials,
    )
    info = read_stack_file(tmp_path)
    assert info is not None
    assert credentials.items() <= ask(info, "/v1/echo")["environment"].items()
    secrets = aws(info, "secretsmanager")
    (secret,) = secrets.list_secrets()["SecretList"]
    value = secrets.get_secret_value(SecretId=secret["ARN"])["SecretString"]
    assert json.loads(value) == {"OPENAI_API_KEY": "sk-secret"}

    process.send_signal(signal.SIGINT)
    output, problems = process.communicate(timeout=20)
    assert (process.returncode, problems) == (0, b"")
    assert f"curl -si {info.endpoint}/v1/chat/completions".encode() in output
    assert processes_of(tmp_path) == []
    assert not (tmp_path / STACK_FILE).exists()
    left = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert not any(b"-secret" in file.read_bytes() for file in left)


def test_a_signal_during_the_start_ends_it_without_a_traceback(
    assembly: Path, tmp_path: Path
) -> None:
    process = start(assembly, tmp_path)
    wait_until((tmp_path / "lock").exists)
    process.send_signal(signal.SIGTERM)
    output, problem = process.communicate(timeout=20)
    assert (process.returncode, output) == (1, b"")
    assert problem.decode().strip() == INTERRUPTED
    assert processes_of(tmp_path) == []
    assert [*(tmp_path / "logs").glob("stack.log")] == []


def test_a_request_that_a_shutdown_interrupts_is_not_reported(
    assembly: Path, tmp_path: Path
) -> None:
    process = started(assembly, tmp_path)
    info = read_stack_file(tmp_path)
    assert info is not None
    [log] = (tmp_path / "logs").glob("*Router*.log")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(httpx.post, f"{info.endpoint}/v1/echo", json={"sleep": 4})
        wait_until(lambda: log.read_text().count("START") == 2)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20)[1] == b""
        assert answer.exception() is not None or answer.result().status_code >= 500


def test_a_failed_request_names_its_log_which_survives_the_next_start(
    assembly: Path, tmp_path: Path
) -> None:
    process = started(assembly, tmp_path)
    info = read_stack_file(tmp_path)
    assert info is not None
    httpx.post(f"{info.endpoint}/v1/echo", json={"raise": "odd"})
    process.send_signal(signal.SIGINT)
    problem = process.communicate(timeout=20)[1].decode()
    [named] = re.findall(r"See (\S+\.log); the next start moves it to (\S+)/\.", problem)
    crash = Path(named[0]).read_text()
    assert "odd" in crash
    with running_stack(assembly, tmp_path):
        [kept] = Path(named[1]).rglob(Path(named[0]).name)
    assert kept.read_text() == crash


def test_a_stack_starts_where_other_programs_listen_on_the_usual_ports(
    assembly: Path, tmp_path: Path
) -> None:
    with ExitStack() as others:
        for port in (8080, 9001, 8000, 5000):
            with suppress(OSError):  # another program listens there already
                others.enter_context(socket.create_server(("0.0.0.0", port)))  # noqa: S104 - on purpose
        with running_stack(assembly, tmp_path) as stack:
            assert ask(stack, "/v1/echo")["greeting"] == "hello"


def test_closing_the_terminal_stops_everything_even_a_running_execution(
    assembly: Path, tmp_path: Path
) -> None:
    process = started(assembly, tmp_path)
    info = read_stack_file(tmp_path)
    assert info is not None
    hold, function = tmp_path / "hold", physical_name(info, "Worker")
    hold.touch()
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload": {"waits_while": str(hold)}},
        "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 99}],
        "End": True,
    }
    executions.start(info, {"StartAt": "Work", "States": {"Work": task}})
    log = tmp_path / "logs" / f"{function}.log"
    wait_until(lambda: log.exists() and "START" in log.read_text())
    process.send_signal(signal.SIGHUP)
    assert process.communicate(timeout=20)[1] == b""
    assert processes_of(tmp_path) == []
    assert [*environments(info, function)] == []
    assert not (tmp_path / STACK_FILE).exists()
    assert log.read_text().count("START") == 1


def test_a_killed_stack_leaves_no_process_and_frees_its_folder(
    assembly: Path, tmp_path: Path
) -> None:
    process = started(assembly, tmp_path)
    assert len(processes_of(tmp_path)) > 1
    process.kill()
    process.communicate()
    wait_until(lambda: not processes_of(tmp_path), seconds=5)
    assert (tmp_path / STACK_FILE).exists()
    with running_stack(assembly, tmp_path) as again:
        assert ask(again, "/v1/echo")["greeting"] == "hello"


def test_a_second_stack_in_the_same_folder_is_rejected(
    stack: StackInfo, assembly: Path, state: Path
) -> None:
    process = start(assembly, state)
    _, problem = process.communicate(timeout=20)
    assert process.returncode == 1
    assert b"already running" in problem
    assert read_stack_file(state) == stack
    with pytest.raises(LocalStackError, match="already running"), running_stack(assembly, state):
        pass


def test_a_missing_assembly_is_reported(tmp_path: Path) -> None:
    missing = tmp_path / "cdk.out"
    problem = f"{missing} contains no cloud assembly. Run: make synth"
    with pytest.raises(LocalStackError, match=re.escape(problem)):
        read_assembly(missing)


def test_an_assembly_for_another_machine_is_rejected(assembly: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "cdk.out"
    shutil.copytree(assembly, foreign)
    template = foreign / "Local.template.json"
    template.write_text(re.sub(r"python3\.\d+", "python3.99", template.read_text()))
    with pytest.raises(LocalStackError, match=r"python3\.99"):
        read_assembly(foreign)


def test_a_resource_of_an_unsupported_type_is_reported(assembly: Path, tmp_path: Path) -> None:
    unknown = tmp_path / "cdk.out"
    shutil.copytree(assembly, unknown)
    template = unknown / "Local.template.json"
    content = json.loads(template.read_text())
    content["Resources"]["Odd"] = {"Type": "AWS::Odd::Thing"}
    template.write_text(json.dumps(content))
    with (
        pytest.raises(LocalStackError, match="Odd::Thing") as refused,
        running_stack(unknown, tmp_path),
    ):
        pass
    assert f"The logs are in {tmp_path / 'logs'}/" in str(refused.value)


def test_an_update_changes_resources_in_place(assembly: Path, tmp_path: Path) -> None:
    updated, state = tmp_path / "cdk.out", tmp_path / "state"
    shutil.copytree(assembly, updated)
    process = started(updated, state)
    stack = read_stack_file(state)
    assert stack is not None
    before = inventory(stack)
    item = {"pk": {"S": "kept"}, "sk": {"S": "kept"}}
    aws(stack, "dynamodb").put_item(TableName=stack.results_table, Item=item)

    synthesize(updated, greeting="good evening", route="later", layer="changed", hour="4")
    process.send_signal(signal.SIGUSR1)
    answer = wait_until(lambda: ask(stack, "/v1/later"))

    assert (answer["greeting"], answer["layer"]) == ("good evening", "changed")
    assert ask(stack, "/v1/echo")["greeting"] == "good evening"
    assert inventory(stack) == before
    update = aws(stack, "ssm").get_parameter(Name="/small/update")["Parameter"]
    assert update["Value"] == "hello, good evening"
    seed = aws(stack, "ssm").get_parameter(Name="/small/prompt/seed")["Parameter"]
    assert (seed["Value"], seed["Version"]) == ("good evening", 2)
    machine = aws(stack, "stepfunctions").describe_state_machine(
        stateMachineArn=stack.state_machine
    )
    assert json.loads(machine["definition"])["Comment"] == "good evening"
    (schedule,) = aws(stack, "scheduler").list_schedules()["Schedules"]
    names = {"GroupName": schedule["GroupName"], "Name": schedule["Name"]}
    schedule = aws(stack, "scheduler").get_schedule(**names)
    assert schedule["ScheduleExpression"] == "cron(0 4 ? * SUN *)"
    assert aws(stack, "dynamodb").scan(TableName=stack.results_table)["Items"] == [item]
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=20)[1] == b""


def ask(stack: StackInfo, path: str) -> Any:
    response = httpx.post(stack.endpoint + path, json={})
    return response.json() if response.status_code == 200 else None


def inventory(stack: StackInfo) -> dict[str, list[str]]:
    """Return the names of resources that must not be duplicated."""
    functions = aws(stack, "lambda").list_functions()["Functions"]
    parameters = aws(stack, "ssm").describe_parameters()["Parameters"]
    return {
        "functions": sorted(function["FunctionName"] for function in functions),
        "seeds": [each["Name"] for each in parameters if each["Name"].endswith("seed")],
        "tables": aws(stack, "dynamodb").list_tables()["TableNames"],
        "machines": [
            each["stateMachineArn"]
            for each in aws(stack, "stepfunctions").list_state_machines()["stateMachines"]
        ],
        "topics": [each["TopicArn"] for each in aws(stack, "sns").list_topics()["Topics"]],
        "subscriptions": [
            each["SubscriptionArn"]
            for each in aws(stack, "sns").list_subscriptions()["Subscriptions"]
        ],
        "schedules": [
            each["Arn"] for each in aws(stack, "scheduler").list_schedules()["Schedules"]
        ],
        "secrets": [
            each["ARN"] for each in aws(stack, "secretsmanager").list_secrets()["SecretList"]
        ],
    }
