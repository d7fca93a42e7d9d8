"""The deployment that a command is about: a stage in AWS, or the stack that runs here."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from route_switch.cli.prompt import STACK_FILE
from route_switch.domain.errors import ConfigurationError, RouteSwitchError
from route_switch.settings import Settings, parse_settings

Connect = Callable[[str], Any]  # boto3 makes its clients at run time


@dataclass(frozen=True, slots=True)
class Deployed:
    """Clients of its services, by name, and the settings that its router runs with."""

    connect: Connect
    settings: Settings


def find_deployed(stage: str | None) -> Deployed:
    """The stage, or without one the stack of `STACK_FILE`; raises `RouteSwitchError`."""
    name = f"route-switch-{stage or 'local'}"
    connect = _local() if stage is None else boto3.client
    with _aws_errors(name):
        [stack] = connect("cloudformation").describe_stacks(StackName=name)["Stacks"]
        outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
        function = connect("lambda").get_function_configuration(
            FunctionName=outputs["RouterFunction"]
        )
    return Deployed(connect, parse_settings(function["Environment"]["Variables"]))


def _local() -> Connect:
    if not STACK_FILE.exists():
        raise ConfigurationError(
            f"Which stage? There is no {STACK_FILE} here. Name one with --stage, or start the "
            "local stack with 'make up'."
        )
    stack = json.loads(STACK_FILE.read_text("utf-8"))
    # A loopback server, which checks no credentials.
    session = boto3.Session("local", "local", region_name=stack["region"])
    return lambda service: session.client(service, endpoint_url=stack["aws_endpoint"])


@contextlib.contextmanager
def _aws_errors(stack: str) -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise RouteSwitchError(
            f"The stack {stack} cannot be read: {error}. Check the stage's name, AWS_REGION and "
            "the credentials."
        ) from error
