"""Lambda's behavior, through its API."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws.client import STACK_NAME, StackInfo, aws_client
from local.aws.sandbox import landlock_version
from tests.support.processes import environments


def functions(stack: StackInfo) -> dict[str, str]:
    resources = aws_client(
        "cloudformation", stack.aws_endpoint, stack.region
    ).describe_stack_resources(StackName=STACK_NAME)["StackResources"]
    return {
        each["LogicalResourceId"][:6]: each["PhysicalResourceId"]
        for each in resources
        if each["ResourceType"] == "AWS::Lambda::Function"
    }


def invoke(stack: StackInfo, **order: Any) -> tuple[Any, str | None]:
    """Return the function's answer, and the kind of error if it failed."""
    result = aws_client("lambda", stack.aws_endpoint, stack.region).invoke(
        FunctionName=functions(stack)["Router"], Payload=json.dumps(order)
    )
    return json.loads(result["Payload"].read()), result.get("FunctionError")


def test_later_layers_override_earlier_ones(stack: StackInfo) -> None:
    answer, error = invoke(stack)
    assert error is None
    assert answer["layer"] == "override"


def test_a_function_cannot_import_packages_of_this_machine(stack: StackInfo) -> None:
    wanted = ["moto", "boto3", "pydantic", "samcli", "infra", "small", "awslambdaric", "json"]
    answer, _ = invoke(stack, find=wanted)
    assert answer["found"] == ["small", "awslambdaric", "json"]


@pytest.mark.skipif(landlock_version() <= 0, reason="this kernel has no Landlock")
def test_a_function_writes_to_its_temporary_folder_only(stack: StackInfo) -> None:
    answer, _ = invoke(stack, write=["$HOME", "$LAMBDA_TASK_ROOT", "$PYTHONPATH", "/opt/x"])
    assert answer["written"] == []
    assert answer["temporary"] is True


def test_only_the_services_of_the_stack_are_local(stack: StackInfo) -> None:
    environment = invoke(stack)[0]["environment"]
    assert environment["AWS_ENDPOINT_URL_DYNAMODB"] == stack.aws_endpoint
    assert "AWS_ENDPOINT_URL" not in environment
    assert not any("BEDROCK" in name for name in environment)
    assert environment["TABLE"] == stack.results_table


def test_an_exception_is_a_function_error(stack: StackInfo) -> None:
    answer, error = invoke(stack, **{"raise": "no"})
    assert error == "Unhandled"
    assert (answer["errorType"], answer["errorMessage"]) == ("ValueError", "no")


def test_a_timeout_is_a_function_error_and_the_next_event_is_served(stack: StackInfo) -> None:
    answer, error = invoke(stack, sleep=30)
    assert error == "Unhandled"
    assert "Task timed out after 6.00 seconds" in answer["errorMessage"]
    assert invoke(stack)[1] is None


def test_a_crash_is_a_function_error_and_the_next_event_is_served(stack: StackInfo) -> None:
    answer, error = invoke(stack, exit=1)
    assert (answer["errorType"], error) == ("Runtime.ExitError", "Unhandled")
    assert invoke(stack)[1] is None


def test_a_configuration_that_is_put_back_finds_its_environment_and_older_ones_end(
    stack: StackInfo,
) -> None:
    name = functions(stack)["Router"]
    client = aws_client("lambda", stack.aws_endpoint, stack.region)
    variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]

    def runtime(greeting: str) -> int:
        environment = {"Variables": {**variables, "GREETING": greeting}}
        client.update_function_configuration(FunctionName=name, Environment=environment)
        answer, _ = invoke(stack)
        assert answer["greeting"] == greeting
        return int(answer["pid"])

    first, second, again, third = map(runtime, ("a", "b", "a", "c"))
    left = {pid for pid, part in environments(stack, name) if part == "runtime"}
    assert again == first
    assert left & {first, second, third} == {first, third}
    runtime(variables["GREETING"])


def test_the_templates_memory_limit_is_enforced(stack: StackInfo) -> None:
    assert invoke(stack, allocate_mb=100)[1] is None
    answer, error = invoke(stack, allocate_mb=300)
    assert (answer["errorType"], error) == ("MemoryError", "Unhandled")


def test_an_answer_over_6_mb_is_rejected(stack: StackInfo) -> None:
    answer, error = invoke(stack, size=7_000_000)
    assert (answer["errorType"], error) == ("Function.ResponseSizeTooLarge", "Unhandled")


def test_an_event_over_6_mb_is_rejected(stack: StackInfo) -> None:
    with pytest.raises(ClientError, match="RequestTooLargeException"):
        invoke(stack, padding="x" * 7_000_000)


def test_a_parameter_over_4_kb_is_rejected(stack: StackInfo) -> None:
    ssm = aws_client("ssm", stack.aws_endpoint, stack.region)
    ssm.put_parameter(Name="/small/large", Type="String", Tier="Advanced", Value="x" * 8192)
    with pytest.raises(ClientError, match="maximum parameter value of 4096"):
        ssm.put_parameter(Name="/small/large", Type="String", Value="x" * 4097, Overwrite=True)


def test_an_asynchronous_invocation_runs(stack: StackInfo) -> None:
    result = aws_client("lambda", stack.aws_endpoint, stack.region).invoke(
        FunctionName=functions(stack)["Router"], InvocationType="Event", Payload=b"{}"
    )
    assert result["StatusCode"] == 202
