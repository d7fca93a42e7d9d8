"""`route-switch switch` against Parameter Store."""

import json

import boto3
import pytest
from typer.testing import CliRunner, Result

from route_switch.adapters.ssm import SsmSwitchStore
from route_switch.cli import switch
from route_switch.cli.main import app
from route_switch.cli.stage import Deployed
from route_switch.domain.errors import ConfigurationError
from route_switch.domain.switches import Switches
from route_switch.domain.tiers import Tier
from route_switch.wiring.settings import read_settings
from tests.integration.conftest import Api

NAME = "/test/switches"


@pytest.fixture(autouse=True)
def _on_this_stage(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed = Deployed(boto3.client, read_settings(), {})
    monkeypatch.setattr(switch, "find_deployed", lambda stage: deployed)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["switch", *arguments])


def stored() -> Switches:
    return SsmSwitchStore(boto3.client("ssm"), NAME).read()


def put(value: str) -> None:
    boto3.client("ssm").put_parameter(Name=NAME, Value=value, Type="String", Overwrite=True)


def test_unset_switches_have_their_defaults() -> None:
    assert stored() == Switches()
    assert run("show").stdout == "pin-tier: off\nrouting: on\nlearning: on\n"


def test_each_switch_changes_only_itself_and_reports_the_old_and_new_state() -> None:
    assert run("pin-tier", "3").stdout == "pin-tier: off -> 3\n"
    assert run("learning", "off").stdout == "learning: on -> off\n"
    done = run("routing", "off")
    assert done.stdout == "routing: on -> off\n"
    assert "within a minute" in done.stderr
    assert stored() == Switches(pin_tier=Tier.LARGE, routing="off", learning="off")
    assert json.loads(run("show", "--json").stdout) == {
        "pin_tier": 3,
        "routing": "off",
        "learning": "off",
    }
    assert run("pin-tier", "off").stdout == "pin-tier: 3 -> off\n"
    assert stored() == Switches(routing="off", learning="off")


@pytest.mark.parametrize(
    "arguments", [("pin-tier", "4"), ("pin-tier", "0"), ("routing", "maybe"), ("learning",)]
)
def test_an_invalid_state_changes_nothing(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2
    assert stored() == Switches()


@pytest.mark.parametrize("value", ["off", '{"pin_tier": 4}', '{"learnin": "off"}'])
def test_a_broken_parameter_is_named_and_can_be_rewritten(value: str) -> None:
    put(value)
    with pytest.raises(
        ConfigurationError, match=f"The parameter {NAME} does not contain valid switches"
    ):
        stored()
    assert isinstance(run("show").exception, ConfigurationError)
    done = run("pin-tier", "1")
    assert f"The parameter {NAME} does not contain valid switches" in done.stderr
    assert "at their defaults" in done.stderr
    assert stored() == Switches(pin_tier=Tier.SMALL)


def test_routing_has_three_states(api: Api) -> None:
    assert run("routing", "shadow").stdout == "routing: on -> shadow\n"
    assert run("routing", "on").stdout == "routing: shadow -> on\n"
    assert stored() == Switches()


def test_the_former_name_of_routing_works_and_says_that_it_is_deprecated() -> None:
    done = run("router", "off")
    assert done.stdout == "routing: on -> off\n"
    assert "deprecated" in done.stderr
    assert "router" not in run("--help").stdout


def test_an_earlier_release_reads_every_state_but_shadow() -> None:
    """It knows `routing` as `router`, and takes all switches for on if it finds another field."""
    run("routing", "off")
    run("pin-tier", "3")
    kept = boto3.client("ssm").get_parameter(Name=NAME)["Parameter"]["Value"]
    assert json.loads(kept) == {"pin_tier": 3, "router": "off", "learning": "on"}
    put('{"pin_tier": null, "router": "off", "learning": "on"}')
    assert stored() == Switches(routing="off")
