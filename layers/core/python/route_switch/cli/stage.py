"""Where a stage is, and its live prompt: in AWS, or in the stack that runs here."""

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from route_switch.adapters.prompts.prompt_lock import DynamoDbPromptLock
from route_switch.adapters.ssm import SsmPromptStore
from route_switch.domain.errors import ConfigurationError, RouteSwitchError
from route_switch.services.prompts.publish_prompt import PublishPrompt

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

STACK_FILE = Path(".local/stack.json")
CDK_FILE = Path("cdk.json")

_PATIENCE = Config(
    connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2}
)
"""Reading and writing under the lock end before its lease does."""


@dataclass(frozen=True, slots=True)
class Stage:
    """`prefix` is what the names of the prompt's parameters begin with."""

    prefix: str
    session: boto3.Session
    endpoint: str | None = None

    @property
    def parameter(self) -> str:
        return f"{self.prefix}/live"

    def prompts(self) -> SsmPromptStore:
        return SsmPromptStore(self._ssm(), self.parameter, f"{self.prefix}/seed")

    def publisher(self) -> PublishPrompt:
        prompts = self.prompts()
        dynamodb = self.session.client("dynamodb", endpoint_url=self.endpoint, config=_PATIENCE)
        owner = f"{socket.gethostname()} (process {os.getpid()})"
        lock = DynamoDbPromptLock(dynamodb, self._lock_table(), owner)
        return PublishPrompt(prompts, prompts, lock)

    def _ssm(self) -> "SSMClient":
        client: SSMClient = self.session.client("ssm", endpoint_url=self.endpoint, config=_PATIENCE)
        return client

    def _lock_table(self) -> str:
        name = f"{self.prefix}/lock-table"
        ssm = self._ssm()
        try:
            return ssm.get_parameter(Name=name)["Parameter"]["Value"]
        except ssm.exceptions.ParameterNotFound as error:
            raise ConfigurationError(
                f"There is no parameter '{name}', which names the table that the prompt's lock "
                "lies in. Deploy the stage with this release, or check --stage, AWS_REGION and the "
                "account."
            ) from error


def find_stage(name: str | None) -> Stage:
    """The stage of this name, else the local stack whose file lies here."""
    if name is not None:
        return Stage(f"/route-switch/{name}/prompt", boto3.Session(region_name=_region(name)))
    if not STACK_FILE.exists():
        raise ConfigurationError(
            f"Which stage? There is no {STACK_FILE} here. Name a stage with --stage, or start the "
            "local stack with 'make up'."
        )
    stack = json.loads(STACK_FILE.read_text("utf-8"))
    # A loopback server that checks no credentials.
    session = boto3.Session("local", "local", region_name=stack["region"])
    return Stage(stack["prompt_parameter"].removesuffix("/live"), session, stack["aws_endpoint"])


def _region(stage: str) -> str:
    """As the caller's environment or profile says it, else as the stage in cdk.json does."""
    known = os.environ.get("AWS_REGION") or boto3.Session().region_name
    if known is None and CDK_FILE.exists():
        stages = json.loads(CDK_FILE.read_text("utf-8"))["context"]["stages"]
        known = stages.get(stage, {}).get("region")
    if known is None:
        raise ConfigurationError(
            f"In which region is stage {stage}? Set AWS_REGION, or run this where its cdk.json is."
        )
    return str(known)


@contextlib.contextmanager
def aws_errors() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise RouteSwitchError(
            f"AWS refused or could not be reached: {str(error).rstrip('.')}. Check the credentials "
            "('aws sts get-caller-identity') and AWS_REGION."
        ) from error
