"""Building blocks of the weekly workflow's states: tasks, notifications and retries."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

MARGIN = Duration.minutes(1)
"""A task lasts this much longer than its function, so that the function's own error is reported."""

TRANSIENT = (
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.TooManyRequestsException",
    "StoreError",
)
"""Errors after which running the task again loses nothing."""
KILLED = ("Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout", "States.Timeout")
"""Errors that are retried only twice: a task that runs out of memory does so every time, and each
time the money reserved for its calls in flight stays reserved."""


def invoke(
    scope: Construct,
    name: str,
    function: lambda_.Function,
    payload: Mapping[str, object],
    result_path: str,
) -> tasks.LambdaInvoke:
    """Return a task that invokes the function and stores its result at `result_path`."""
    timeout = function.timeout.plus(MARGIN) if function.timeout else MARGIN
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
        task_timeout=sfn.Timeout.duration(MARGIN),
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
    max_delay: Duration | None = None,
) -> None:
    """Retry with exponential backoff and jitter, so that tasks that failed together spread out."""
    task.add_retry(
        errors=list(errors),
        interval=interval or Duration.seconds(2),
        backoff_rate=2,
        max_attempts=attempts,
        max_delay=max_delay or Duration.minutes(2),
        jitter_strategy=sfn.JitterType.FULL,
    )
