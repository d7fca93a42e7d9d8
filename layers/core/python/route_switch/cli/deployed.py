"""The deployment that a command is about: a stage in AWS, or the stack that runs here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from route_switch.cli.stage import aws_errors, find_stage
from route_switch.domain.errors import ConfigurationError
from route_switch.wiring.settings import Settings, parse_settings

Connect = Callable[[str], Any]  # boto3 makes its clients at run time


@dataclass(frozen=True, slots=True)
class Deployed:
    """Clients of its services, by name, the settings that its router runs with, and the stack's
    outputs."""

    connect: Connect
    settings: Settings
    outputs: Mapping[str, str]


def find_deployed(stage: str | None) -> Deployed:
    """The stage, or without one the stack that runs here; raises `RouteSwitchError`."""
    name = f"route-switch-{stage or 'local'}"
    found = find_stage(stage)

    def connect(service: str) -> Any:  # boto3 makes its clients at run time
        return found.session.client(service, endpoint_url=found.endpoint)

    with aws_errors():
        [stack] = connect("cloudformation").describe_stacks(StackName=name)["Stacks"]
        outputs = {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", ())}
        if "RouterFunction" not in outputs:
            raise ConfigurationError(
                f"The stack {name} has no output RouterFunction: its deployment failed, or it is "
                "older than this release. Deploy it."
            )
        function = connect("lambda").get_function_configuration(
            FunctionName=outputs["RouterFunction"]
        )
    return Deployed(connect, parse_settings(function["Environment"]["Variables"]), outputs)
