"""`route-switch switch`: pins a tier, turns the router LLM or learning off; nothing is deployed."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from route_switch.adapters.ssm import SsmSwitchStore
from route_switch.cli.deployed import Deployed, find_deployed
from route_switch.cli.stage import STACK_FILE, aws_errors
from route_switch.domain.errors import ConfigurationError
from route_switch.domain.switches import Switches
from route_switch.domain.tiers import Tier

app = typer.Typer(help="What can be turned off without a deployment.", no_args_is_help=True)

StageName = Annotated[
    str | None,
    typer.Option("--stage", help=f"Stage that is meant. Without it: the stack in {STACK_FILE}."),
]
WARM = "Processes that are warm read it again within a minute."
NEXT_SLICE = "A run that is under way reads it with its next slice, in 15 minutes at most."


class OnOff(StrEnum):
    ON = "on"
    OFF = "off"


class Pin(StrEnum):
    SMALL = "1"
    MEDIUM = "2"
    LARGE = "3"
    OFF = "off"


@app.command()
def show(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    stage: StageName = None,
) -> None:
    """Print how the switches are set."""
    with aws_errors():
        switches = switch_store(find_deployed(stage)).read()
    if as_json:
        typer.echo(switches.model_dump_json())
        return
    for name, value in _words(switches).items():
        typer.echo(f"{name}: {value}")


@app.command("pin-tier")
def pin_tier(tier: Pin, stage: StageName = None) -> None:
    """Send every routed request to one tier, as far as the key's tiers allow."""
    _set(stage, "pin-tier", WARM, pin_tier=None if tier is Pin.OFF else Tier(int(tier)))


@app.command()
def router(state: OnOff, stage: StageName = None) -> None:
    """Ask the router LLM, or send what is not bypassed to the safe tier."""
    _set(stage, "router", WARM, router=state.value)


@app.command()
def learning(state: OnOff, stage: StageName = None) -> None:
    """Let learning runs go, or start none and end the one that is under way."""
    _set(stage, "learning", NEXT_SLICE, learning=state.value)


def switch_store(deployed: Deployed) -> SsmSwitchStore:
    return SsmSwitchStore(deployed.connect("ssm"), deployed.settings.switches_parameter)


def _set(stage: str | None, name: str, when: str, **change: Tier | str | None) -> None:
    with aws_errors():
        store = switch_store(find_deployed(stage))
        before = _readable(store)
        after = Switches.model_validate({**before.model_dump(), **change})
        store.write(after)
    typer.echo(f"{name}: {_words(before)[name]} -> {_words(after)[name]}")
    typer.echo(when, err=True)


def _readable(store: SsmSwitchStore) -> Switches:
    """A switch must be set where nobody can read what was there, too."""
    try:
        return store.read()
    except ConfigurationError as error:
        typer.echo(f"note: {error} Now all others are at their defaults.", err=True)
        return Switches()


def _words(switches: Switches) -> dict[str, str]:
    values = json.loads(switches.model_dump_json())
    return {
        name.replace("_", "-"): "off" if value is None else str(value)
        for name, value in values.items()
    }
