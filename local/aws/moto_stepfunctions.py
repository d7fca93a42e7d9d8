"""Correct moto's state machine interpreter where Step Functions differs: see `install`."""

import json
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from botocore.exceptions import ClientError
from moto.core.responses import EmptyResult
from moto.stepfunctions.exceptions import ValidationException
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import (
    CustomErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import (
    ErrorEqualsDecl,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import iteration_worker
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branches_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_lambda
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_lambda import (
    StateTaskLambda,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackEndpoint,
    HeartbeatTimeoutError,
)
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend
from moto.stepfunctions.responses import StepFunctionResponse

from local.aws.client import client_in_role
from local.aws.cloud import Cloud

MAX_DATA_BYTES = 256 * 1024
TERMINAL = ("States.DataLimitExceeded", "States.Runtime")
"""Errors that `States.ALL` does not match."""
CLIENT_MAKER = "boto_client_for"
MISSED_HEARTBEAT = "States.HeartbeatTimeout"


def install(cloud: Cloud) -> None:
    call_in_roles(cloud)
    limit_data()
    exclude_terminal_errors_from_catch_all()
    keep_names_of_states_errors()
    name_lambda_errors()
    name_missed_heartbeats()
    accept_early_task_results()
    keep_failure_causes()
    stop_at_once()
    stop_before_the_first_state()
    format_start_times()


def call_in_roles(cloud: Cloud) -> None:
    """Make tasks call with their machine's role.

    moto calls without a role, and creates a new client for each call.
    """

    @lru_cache
    def client_for(region: str, service: str, role_arn: str) -> Any:
        return client_in_role(service, cloud.endpoint, region, role_arn)

    def call_in_role(region: str, service: str, state_credentials: Any) -> Any:
        return client_for(region, service, state_credentials.role_arn)

    for name, module in tuple(sys.modules.items()):
        if name.startswith("moto.stepfunctions.parser.") and CLIENT_MAKER in vars(module):
            vars(module)[CLIENT_MAKER] = call_in_role


def limit_data() -> None:
    """Limit inputs of executions, parameters of tasks and results of states to 256 KB.

    moto checks only results.
    """
    for module in (state, state_task_lambda, state_task_service):
        module.is_within_size_quota = fits
    for kind in (StateTask, StateTaskLambda):
        limit_parameters(kind)
    start_execution = StepFunctionsParserBackend.start_execution

    def start_limited(
        backend: Any, arn: str, name: str, execution_input: str | None, *more: Any
    ) -> Any:
        if not fits(execution_input or ""):
            raise ValidationException(
                "1 validation error detected: Value at 'input' failed to satisfy constraint: "
                f"Member must have length less than or equal to {MAX_DATA_BYTES}"
            )
        return start_execution(backend, arn, name, execution_input, *more)

    StepFunctionsParserBackend.start_execution = start_limited


def limit_parameters(kind: Any) -> None:
    eval_parameters = kind._eval_parameters

    def eval_limited(task: Any, env: Any) -> Any:
        parameters = eval_parameters(task, env)
        task._verify_size_quota(env, parameters)
        return parameters

    kind._eval_parameters = eval_limited


def fits(value: Any) -> bool:
    """Whether the value has at most 256 KB as JSON in UTF-8."""
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(value.encode()) <= MAX_DATA_BYTES


def exclude_terminal_errors_from_catch_all() -> None:
    evaluate = ErrorEqualsDecl._eval_body

    def evaluate_by_name(declaration: Any, env: Any) -> None:
        error = env.stack[-1]
        evaluate(declaration, env)
        if error is not None and error.error_name in TERMINAL:
            env.stack[-1] = error in declaration.error_names

    ErrorEqualsDecl._eval_body = evaluate_by_name


def keep_names_of_states_errors() -> None:
    """Keep the name of a `States.…` error that leaves a Map or a Parallel. moto crashes on it."""

    def name_error(error_name: str | None) -> Any:
        own = error_name is not None and error_name.startswith("States.")
        return StatesErrorName.from_name(error_name) if own else CustomErrorName(error_name)

    iteration_worker.CustomErrorName = branches_decl.CustomErrorName = name_error


def name_lambda_errors() -> None:
    """Name Lambda's own errors `Lambda.…`.

    moto names them "Exception" if the task's resource is the function itself.
    """
    from_error = StateTaskLambda._from_error

    def from_error_by_code(task: Any, env: Any, ex: Exception) -> Any:
        failure = from_error(task, env, ex)
        if isinstance(ex, ClientError):
            name = f"Lambda.{ex.response['Error']['Code']}"
            failure.error_name = CustomErrorName(name)
            failure.event_details["lambdaFunctionFailedEventDetails"]["error"] = name
        return failure

    StateTaskLambda._from_error = from_error_by_code


def name_missed_heartbeats() -> None:
    """Name missed heartbeats `States.HeartbeatTimeout`. moto names them `States.Timeout`."""
    from_error = StateTask._from_error

    def from_error_by_name(task: Any, env: Any, ex: Exception) -> Any:
        failure = from_error(task, env, ex)
        if isinstance(ex, HeartbeatTimeoutError):
            failure.error_name = StatesErrorName.from_name(MISSED_HEARTBEAT)
            failure.event_details["taskTimedOutEventDetails"]["error"] = MISSED_HEARTBEAT
        return failure

    StateTask._from_error = from_error_by_name


def accept_early_task_results() -> None:
    """Accept an answer to a task token before the task's function has ended. moto ignores it."""
    setup_heartbeat_endpoint = CallbackEndpoint.setup_heartbeat_endpoint

    def setup_answered(endpoint: Any, heartbeat_seconds: int) -> Any:
        heartbeat = setup_heartbeat_endpoint(endpoint, heartbeat_seconds)
        if endpoint.get_outcome() is not None:
            heartbeat.notify()
        return heartbeat

    CallbackEndpoint.setup_heartbeat_endpoint = setup_answered


def keep_failure_causes() -> None:
    """Keep the cause of SendTaskFailure. moto drops it."""

    def send_task_failure(response: Any) -> Any:
        token, error, cause = map(response._get_param, ("taskToken", "error", "cause"))
        response.stepfunction_backend.send_task_failure(token, error=error, cause=cause)
        return EmptyResult()

    StepFunctionResponse.send_task_failure = send_task_failure


def stop_at_once() -> None:
    """Stop executions at once. moto waits for the running task."""
    stop = Execution.stop

    def stop_now(execution: Any, *arguments: Any, **options: Any) -> None:
        stop(execution, *arguments, **options)
        if execution.exec_status == ExecutionStatus.RUNNING:
            execution.exec_status = ExecutionStatus.ABORTED
            execution.stop_date = datetime.now(UTC)

    Execution.stop = stop_now


def stop_before_the_first_state() -> None:
    """Stop executions that have just started. moto answers 500 while it parses the definition."""
    get_environment = ExecutionWorker._get_evaluation_environment
    start = ExecutionWorker.start

    def get_prepared(worker: Any) -> Any:
        return get_environment(worker) if worker.env is None else worker.env

    def start_prepared(worker: Any) -> None:
        worker.env = get_environment(worker)
        start(worker)

    ExecutionWorker._get_evaluation_environment = get_prepared
    ExecutionWorker.start = start_prepared


def format_start_times() -> None:
    """Make `$$.Execution.StartTime` a string. moto has a date, which is not valid JSON."""
    get_details = Execution.get_start_execution_details

    def get_written(execution: Any) -> Any:
        details = get_details(execution)
        start = details.start_time.isoformat(timespec="milliseconds")
        details.start_time = start.replace("+00:00", "Z")
        return details

    Execution.get_start_execution_details = get_written
