"""`route-switch switch`: pin a tier, change routing, turn learning off, without a deployment."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from route_switch.adapters.ssm import SsmSwitchStore
from route_switch.cli.change_recorder import change_recorder
from route_switch.cli.options import JsonOption, StageOption, usage_examples
from route_switch.cli.stage import Deployed, aws_errors, find_deployed
from route_switch.cli.terminal import say
from route_switch.domain.switches import Switches
from route_switch.domain.tiers import Tier
from route_switch.services.operations.audited_switches import AuditedSwitches
from route_switch.services.operations.change_switches import ChangeSwitches

app = typer.Typer(
    help="Pin a tier, change routing, or turn learning off, without a deployment.",
    no_args_is_help=True,
)

IN_WARM_PROCESSES = "Warm processes read the switch again within a minute."
IN_RUNNING_RUN = "A learning run that is under way reads it at its next slice, within 15 minutes."


class OnOff(StrEnum):
    ON = "on"
    OFF = "off"


class RoutingState(StrEnum):
    ON = "on"
    SHADOW = "shadow"
    OFF = "off"


class Pin(StrEnum):
    SMALL = "1"
    MEDIUM = "2"
    LARGE = "3"
    OFF = "off"


StateArgument = Annotated[OnOff, typer.Argument(metavar="on|off", help="New state.")]


@app.command(epilog=usage_examples("switch show --stage prod"))
def show(as_json: JsonOption = False, stage: StageOption = None) -> None:
    """Print the state of each switch."""
    with aws_errors():
        switches = switch_store(find_deployed(stage)).read()
    if as_json:
        say(switches.model_dump_json())
        return
    for name, value in _states(switches).items():
        say(f"{name}: {value}")


@app.command(
    "pin-tier",
    epilog=usage_examples("switch pin-tier 3 --stage prod", "switch pin-tier off --stage prod"),
)
def pin_tier(
    tier: Annotated[Pin, typer.Argument(metavar="1|2|3|off", help="Tier, or off.")],
    stage: StageOption = None,
) -> None:
    """Send every routed request to one tier, within the tiers that its key allows."""
    pinned = None if tier is Pin.OFF else Tier(int(tier))
    _set(stage, "pin-tier", IN_WARM_PROCESSES, pin_tier=pinned)


@app.command(
    epilog=usage_examples(
        "switch routing shadow --stage prod",
        "switch routing on --stage prod",
        "switch routing off --stage prod",
    )
)
def routing(
    state: Annotated[RoutingState, typer.Argument(metavar="on|shadow|off", help="New state.")],
    stage: StageOption = None,
) -> None:
    """Turn routing on, put it in shadow, or turn it off.

    In shadow, one tier answers (router.shadow_answer_tier, 3 by default), and routing only decides:
    'route-switch savings' shows what it would save. When off, no router LLM is called,
    and longer queries go to the safe tier.
    """
    _set(stage, "routing", IN_WARM_PROCESSES, routing=state.value)


@app.command(hidden=True, deprecated=True, epilog=usage_examples("switch router off --stage prod"))
def router(state: StateArgument, stage: StageOption = None) -> None:
    """The former name of 'switch routing'."""
    _set(stage, "routing", IN_WARM_PROCESSES, routing=state.value)


@app.command(epilog=usage_examples("switch learning off --stage prod"))
def learning(state: StateArgument, stage: StageOption = None) -> None:
    """Turn learning on or off. When off, no run starts and the active run ends."""
    _set(stage, "learning", IN_RUNNING_RUN, learning=state.value)


def switch_store(deployed: Deployed) -> SsmSwitchStore:
    return SsmSwitchStore(deployed.connect("ssm"), deployed.settings.switches_parameter)


def _set(stage: str | None, name: str, when: str, **change: Tier | str | None) -> None:
    with aws_errors():
        deployed = find_deployed(stage)
        record = change_recorder(deployed.connect, deployed.settings.results_table)
        made = ChangeSwitches(AuditedSwitches(switch_store(deployed), record))(change)
    if made.unreadable is not None:
        say(f"note: {made.unreadable} The other switches are now at their defaults.", err=True)
    say(f"{name}: {_states(made.before)[name]} -> {_states(made.after)[name]}")
    say(when, err=True)


def _states(switches: Switches) -> dict[str, str]:
    values = json.loads(switches.model_dump_json())
    return {
        name.replace("_", "-"): "off" if value is None else str(value)
        for name, value in values.items()
    }
