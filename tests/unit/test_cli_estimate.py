"""`route-switch estimate`."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from route_switch.cli.main import app
from route_switch.domain.errors import ConfigurationError
from tests.support.checkout import ROOT

SIZE = ("--requests", "1e6", "--input-tokens", "500", "--output-tokens", "300")
MAX_IDLE_USD = {"with_free_tier": 2, "without_free_tier": 8}


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["estimate", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def estimated(*arguments: str) -> dict[str, Any]:  # JSON is data, not a model
    result: dict[str, Any] = json.loads(run(*SIZE, "--json", *arguments))
    return result


def refusal(*arguments: str) -> str:
    with pytest.raises(ConfigurationError) as error:
        run(*arguments)
    return str(error.value)


def lines_of(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def test_the_costs_page_shows_what_the_command_prints() -> None:
    page = (ROOT / "docs/costs.md").read_text("utf-8")
    found = re.search(
        r"```bash\n\.venv/bin/route-switch estimate (.+)\n```\n+```\n(.+?)```", page, re.DOTALL
    )
    assert found, "the command, followed by its output"
    assert lines_of(found[2]) == lines_of(run(*found[1].split()))


@pytest.mark.parametrize("kind", MAX_IDLE_USD)
def test_an_idle_prod_stage_costs_little(kind: str) -> None:
    idle = estimated()["idle_usd"][kind]
    dearest = sorted(idle, key=idle.__getitem__, reverse=True)[1:4]
    assert idle["total"] <= MAX_IDLE_USD[kind], f"the largest rows are {', '.join(dearest)}: {idle}"


def test_totals_are_sums_of_their_rows() -> None:
    result = estimated()
    idle, per_1000 = result["idle_usd"], result["per_1000_requests_usd"]
    for rows in (*idle.values(), per_1000["models"], per_1000["aws"]):
        assert sum(rows.values()) == pytest.approx(2 * rows["total"])
    assert per_1000["total"] == pytest.approx(
        per_1000["models"]["total"] + per_1000["aws"]["total"]
    )


def test_waiting_for_models_is_charged_for_the_stated_seconds() -> None:
    waiting = estimated("--seconds", "1,2,2,2", "--bypass", "0")["per_1000_requests_usd"]["aws"]
    assert waiting["Lambda, waiting for models"] == pytest.approx(3_000 * 13.3334e-6)


def test_a_request_waits_no_longer_than_its_deadline() -> None:
    size = ("--requests", "1000", "--input-tokens", "500", "--output-tokens", "100000")
    waiting = json.loads(run(*size, "--json"))["per_1000_requests_usd"]["aws"]
    assert waiting["Lambda, waiting for models"] == pytest.approx(
        1000 * (27 + 0.9 * 0.5) * 13.3334e-6
    )


def test_sending_everything_to_tier_3_saves_nothing_and_costs_the_router() -> None:
    month = estimated("--mix", "0,0,100", "--bypass", "0")["month_usd"]
    assert month["Saved, net"] < 0
    assert month["Models"] > month["Total"] - month["Models"]


def test_another_region_prints_a_note_that_prices_differ_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = json.loads((ROOT / "cdk.json").read_text("utf-8"))
    context["context"]["stages"]["prod"]["region"] = "eu-central-1"
    (tmp_path / "cdk.json").write_text(json.dumps(context), "utf-8")
    monkeypatch.chdir(tmp_path)
    assert "eu-central-1, whose AWS prices differ" in " ".join(run(*SIZE).split())


def test_a_model_without_a_price_makes_totals_unknown_not_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = json.loads((ROOT / "cdk.json").read_text("utf-8"))
    profile = context["context"]["profiles"]["bedrock"]
    profile["models"]["tiers"]["2"]["model"] = "bedrock/nobody-knows"
    (tmp_path / "cdk.json").write_text(json.dumps(context), "utf-8")
    monkeypatch.chdir(tmp_path)
    result = estimated()
    assert result["per_1000_requests_usd"]["models"]["Tier 2  bedrock/nobody-knows"] is None
    assert result["per_1000_requests_usd"]["total"] is None
    assert result["month_usd"]["Total"] is None
    assert "unknown" in run(*SIZE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--requests", "0", *SIZE[2:]), "--requests is 0, but must be 1 or more"),
        (("--requests", "-5", *SIZE[2:]), "--requests is -5"),
        (("--requests", "nan", *SIZE[2:]), "--requests is nan"),
        ((*SIZE[:2], "--input-tokens", "0", *SIZE[4:]), "--input-tokens is 0"),
        ((*SIZE[:4], "--output-tokens", "-1"), "--output-tokens is -1"),
        ((*SIZE, "--mix", "60,25"), "--mix is 60,25, but must be 3 numbers"),
        ((*SIZE, "--mix", "60,25,25"), "adds up to 110"),
        ((*SIZE, "--mix", "a,b,c"), "--mix is a,b,c"),
        ((*SIZE, "--bypass", "60"), "between 0 and Tier 1's share, 50"),
        ((*SIZE, "--mix", "0,0,100"), "Use --bypass 0 or less"),
        ((*SIZE, "--seconds", "1,2,3,100"), "a request ends after 27 s"),
        ((*SIZE, "--seconds", "1,2,-3,4"), "--seconds is 1,2,-3,4"),
        ((*SIZE, "--stage", "nowhere"), "no object named 'nowhere'"),
    ],
)
def test_wrong_input_is_refused_by_option_name(arguments: tuple[str, ...], message: str) -> None:
    assert message in refusal(*arguments)


def test_outside_a_checkout_the_error_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    message = refusal(*SIZE)
    assert "no cdk.json" in message
    assert "clone the repository" in message


def test_without_the_cdk_app_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "infra.app", None)
    assert "clone the repository" in refusal(*SIZE)


def test_the_installed_command_reads_the_stage_without_starting_the_cdk() -> None:
    code = (
        "import sys; from route_switch.cli.estimate import read_deployment; "
        "read_deployment('prod'); print('aws_cdk' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
