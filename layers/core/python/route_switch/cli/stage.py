"""Find a stage, in AWS or on this machine, and connect to its services."""

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
)
from botocore.exceptions import ConnectionError as UnconnectedError

from route_switch.adapters.prompts.prompt_lock import DynamoDbPromptLock
from route_switch.adapters.prompts.ssm_output_ratios import SsmOutputRatios
from route_switch.adapters.s3_local_models import S3LocalModels
from route_switch.adapters.ssm import SsmPromptStore
from route_switch.cli.change_recorder import change_recorder
from route_switch.cli.stage_names import (
    STACK_PREFIX,
    UsageError,
    check_configured,
    configured_stages,
    not_deployed,
)
from route_switch.domain.errors import ConfigurationError, RouteSwitchError
from route_switch.domain.prompts.verdict_scope import Scope
from route_switch.services.prompts.audited_prompts import AuditedPrompts
from route_switch.services.prompts.publish_prompt import PublishPrompt
from route_switch.wiring.settings import Settings, parse_settings

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

STACK_FILE = Path(".local/stack.json")
"""Where 'make up' describes its stack."""
STACK_VARIABLE = "ROUTE_SWITCH_STACK"
"""The environment variable that names the file of another stack, such as that of 'make demo'."""

_LOCK_TIMEOUTS = Config(
    connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2}
)
"""Calls made under the prompt's lock must end before its lease does."""

Connect = Callable[[str], Any]  # boto3 creates its clients at run time


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a stage keeps its prompt. `prefix` starts the names of the prompt's parameters."""

    prefix: str
    session: boto3.Session
    endpoint: str | None = None

    @property
    def parameter(self) -> str:
        return f"{self.prefix}/live"

    def connect(self, service: str) -> Any:  # boto3 creates its clients at run time
        return self.session.client(service, endpoint_url=self.endpoint)

    def prompts(self) -> SsmPromptStore:
        return SsmPromptStore(self._ssm(), self.parameter, f"{self.prefix}/seed")

    def output_ratios(self) -> SsmOutputRatios:
        return SsmOutputRatios(self._ssm(), self.parameter)

    def publisher(self, action: str) -> PublishPrompt:
        """`action` is what the audit trail says of a change."""
        prompts, table = self.prompts(), self._lock_table()
        dynamodb = self.session.client(
            "dynamodb", endpoint_url=self.endpoint, config=_LOCK_TIMEOUTS
        )
        owner = f"{socket.gethostname()} (process {os.getpid()})"
        lock = DynamoDbPromptLock(dynamodb, table, owner)
        audited = AuditedPrompts(prompts, change_recorder(self.connect, table), action)
        return PublishPrompt(audited, prompts, lock, self.local_models())

    def local_models(self) -> S3LocalModels:
        """Read the name of the bucket when the first model is used: few prompts have one."""
        what = "names the bucket with the numbers of local models"
        return S3LocalModels(
            lambda: self.connect("s3"), lambda: self._deployed("models-bucket", what)
        )

    def _ssm(self) -> "SSMClient":
        client: SSMClient = self.session.client(
            "ssm", endpoint_url=self.endpoint, config=_LOCK_TIMEOUTS
        )
        return client

    def verdict_scope(self) -> Scope:
        """Return what a verdict must be about, to hold for this stage."""
        content = self._deployed("verdict-scope", "says which models, prices and λ the stage uses")
        scope: Scope = json.loads(content)
        return scope

    def _lock_table(self) -> str:
        return self._deployed("lock-table", "names the table that holds the prompt's lock")

    def _deployed(self, which: str, what: str) -> str:
        name = f"{self.prefix}/{which}"
        ssm = self._ssm()
        try:
            return ssm.get_parameter(Name=name)["Parameter"]["Value"]
        except ssm.exceptions.ParameterNotFound as error:
            raise ConfigurationError(
                f"Parameter '{name}' does not exist. It {what}. Deploy the stage with this "
                "release, or check --stage, AWS_REGION and the account."
            ) from error


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployed stack: clients by service name, its router's settings, and its outputs."""

    connect: Connect
    settings: Settings
    outputs: Mapping[str, str]

    def output(self, name: str) -> str:
        """Return an output of the stack. Raise `ConfigurationError` if it has none of this name."""
        if name not in self.outputs:
            raise ConfigurationError(
                f"The stack has no output {name}: it is older than this release. Deploy it again."
            )
        return self.outputs[name]


def local_stack() -> dict[str, str] | None:
    """Return addresses, keys and names of the local stack; None if there is none."""
    file = Path(os.environ.get(STACK_VARIABLE) or STACK_FILE)
    if not file.exists():
        return None
    stack: dict[str, str] = json.loads(file.read_text("utf-8"))
    return stack


def _no_stack() -> UsageError:
    named = os.environ.get(STACK_VARIABLE)
    if named:
        return UsageError(
            f"Which stage? {named} does not exist: the stack that {STACK_VARIABLE} names has "
            "stopped. Unset the variable, or name a stage with --stage."
        )
    return UsageError(
        f"Which stage? {STACK_FILE} does not exist in this folder. Name a stage with --stage, "
        "or start the local stack with 'make up'."
    )


def find_stage(name: str | None) -> Stage:
    """Return the stage with this name, or the local stack."""
    if name is not None:
        check_configured(name)
        return Stage(f"/route-switch/{name}/prompt", boto3.Session(region_name=_region(name)))
    stack = local_stack()
    if stack is None:
        raise _no_stack()
    # The local stack listens on loopback, where no proxy leads, and does not check credentials.
    direct = botocore.session.get_session()
    direct.set_default_client_config(Config(proxies={}))
    session = boto3.Session("local", "local", region_name=stack["region"], botocore_session=direct)
    return Stage(stack["prompt_parameter"].removesuffix("/live"), session, stack["aws_endpoint"])


def find_deployed(stage: str | None) -> Deployed:
    """Return the stack of a stage, or the local stack; raise `RouteSwitchError` without one."""
    name = f"{STACK_PREFIX}{stage or 'local'}"
    connect = find_stage(stage).connect
    with aws_errors():
        outputs = _outputs(name, connect)
        if "RouterFunction" not in outputs:
            raise ConfigurationError(
                f"Stack {name} has no output RouterFunction: its deployment failed, or it is older "
                "than this release. Deploy it again."
            )
        function = connect("lambda").get_function_configuration(
            FunctionName=outputs["RouterFunction"]
        )
    return Deployed(connect, parse_settings(function["Environment"]["Variables"]), outputs)


def _outputs(name: str, connect: Connect) -> dict[str, str]:
    """Return the outputs of the stack with this name. Raise `UsageError` if there is none."""
    cloudformation = connect("cloudformation")
    try:
        [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            raise not_deployed(name.removeprefix(STACK_PREFIX), cloudformation) from error
        raise
    return {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", ())}


@contextlib.contextmanager
def aws_errors() -> Iterator[None]:
    """Turn errors of boto3 into `RouteSwitchError`."""
    try:
        yield
    except (UnconnectedError, HTTPClientError) as error:
        if not _is_local(error):
            raise _failed(error) from error
        raise RouteSwitchError(
            "The local stack does not answer. Start it with 'make up', or name a stage in AWS with "
            "--stage."
        ) from error
    except (BotoCoreError, ClientError) as error:
        raise _failed(error) from error


def _failed(error: BotoCoreError | ClientError) -> RouteSwitchError:
    return RouteSwitchError(
        f"The call to AWS failed: {str(error).rstrip('.')}. Check your credentials "
        "('aws sts get-caller-identity') and AWS_REGION."
    )


def _is_local(error: UnconnectedError | HTTPClientError) -> bool:
    """Whether the endpoint that was called is the local stack's."""
    stack = local_stack()
    if stack is None:
        return False
    called = str(error.kwargs.get("endpoint_url", ""))
    return called.startswith(stack["aws_endpoint"].rstrip("/"))


def _region(stage: str) -> str:
    """Return the region of the environment or profile, else the stage's region in cdk.json."""
    known = os.environ.get("AWS_REGION") or boto3.Session().region_name
    configured = configured_stages().get(stage)
    if known is None and isinstance(configured, dict):
        known = configured.get("region")
    if known is None:
        raise ConfigurationError(
            f"The region of stage {stage} is unknown. Set AWS_REGION, or run the command in the "
            "folder of its cdk.json."
        )
    return str(known)
