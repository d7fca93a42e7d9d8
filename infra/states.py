"""What all states of the weekly workflow have in common: how they wait, try again, and tell."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

BEYOND = Duration.minutes(1)
"""A task outlasts its function, so that the function's own error is what is seen."""

TRANSIENT = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
    "StoreError",
)
"""Nothing is lost when such a task runs again."""
KILLED = ("Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout", "States.Timeout")
"""Tried again twice only: what runs out of memory does so each time, and each time what its calls
in flight may cost stays taken from the month's cap."""


def invoke(
    scope: Construct,
    name: str,
    function: lambda_.Function,
    payload: Mapping[str, object],
    result_path: str,
) -> tasks.LambdaInvoke:
    """A function on `payload`; its answer is at `result_path`."""
    timeout = function.timeout.plus(BEYOND) if function.timeout else BEYOND
    task = tasks.LambdaInvoke(
        scope,
        name,
        lambda_function=function,
        payload=sfn.TaskInput.from_object(dict(payload)),
        payload_response_only=True,
        retry_on_service_exceptions=False,
        task_timeout=sfn.Timeout.duration(timeout),
        result_path=result_path,
    )
    retry(task, TRANSIENT)
    retry(task, KILLED, attempts=2)
    return task


def publish(
    scope: Construct, name: str, topic: sns.ITopic, subject: str, message: sfn.TaskInput
) -> tasks.SnsPublish:
    task = tasks.SnsPublish(
        scope,
        name,
        topic=topic,
        subject=subject,
        message=message,
        task_timeout=sfn.Timeout.duration(BEYOND),
        result_path=sfn.JsonPath.DISCARD,
    )
    retry(task, ["States.TaskFailed", "States.Timeout"])
    return task


def at(path: str) -> str:
    return sfn.JsonPath.string_at(path)


def retry(
    task: sfn.TaskStateBase,
    errors: Sequence[str],
    *,
    interval: Duration | None = None,
    attempts: int = 5,
    longest: Duration | None = None,
) -> None:
    """Each pause twice as long, with jitter, so that what failed together is not tried together."""
    task.add_retry(
        errors=list(errors),
        interval=interval or Duration.seconds(2),
        backoff_rate=2,
        max_attempts=attempts,
        max_delay=longest or Duration.minutes(2),
        jitter_strategy=sfn.JitterType.FULL,
    )
