"""`route-switch estimate`."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from route_switch.cli import estimate
from route_switch.cli.main import app
from route_switch.cost_estimate.deployment import Deployment
from route_switch.domain.errors import ConfigurationError
from tests.support.checkout import ROOT

SIZE = ("--requests", "1e6", "--input-tokens", "500", "--output-tokens", "300")
SECOND_USD = 13.3334e-6 / 2  # of the router's 512 MB on arm64
MAX_IDLE_USD = {"with_free_tier": 2, "without_free_tier": 8}


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["estimate", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def estimated(*arguments: str) -> dict[str, Any]:  # JSON is data, not a model
    result: dict[str, Any] = json.loads(run(*SIZE, "--json", *arguments))
    return result


def refused(*arguments: str) -> str:
    with pytest.raises(ConfigurationError) as error:
        run(*arguments)
    return str(error.value)


@pytest.fixture(scope="module")
def deployment() -> Deployment:
    """Stage prod, read once: it takes a process of its own."""
    return estimate.read_deployment("prod")


@pytest.fixture
def prod(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "read_deployment", {"prod": deployment}.__getitem__)


def lines_of(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


@pytest.mark.usefixtures("prod")
def test_router_calls_cost_only_where_the_router_llm_is_asked() -> None:
    always, hybrid, local = (estimated("--asked", share) for share in ("100", "30", "0"))
    usd = [each["month_usd"]["Models"] for each in (always, hybrid, local)]
    assert usd[0] > usd[1] > usd[2]
    assert usd[1] - usd[2] == pytest.approx(0.3 * (usd[0] - usd[2]))
    assert "The router LLM is asked about 30% of the others (--asked)." in str(hybrid)
    assert "--asked" not in str(always)


@pytest.mark.usefixtures("prod")
def test_the_costs_page_shows_what_the_command_prints() -> None:
    page = (ROOT / "docs/costs.md").read_text("utf-8")
    found = re.search(
        r"```bash\n\.venv/bin/route-switch estimate (.+)\n```\n+```\n(.+?)```", page, re.DOTALL
    )
    assert found, "docs/costs.md must show the command and its output"
    assert lines_of(found[2]) == lines_of(run(*found[1].split()))


@pytest.mark.usefixtures("prod")
@pytest.mark.parametrize("kind", MAX_IDLE_USD)
def test_an_idle_prod_stage_costs_little(kind: str) -> None:
    idle = estimated()["idle_usd"][kind]
    dearest = sorted(idle, key=idle.__getitem__, reverse=True)[1:4]
    assert idle["total"] <= MAX_IDLE_USD[kind], f"most expensive: {', '.join(dearest)}: {idle}"


@pytest.mark.usefixtures("prod")
def test_totals_are_the_sums_of_their_rows() -> None:
    result = estimated()
    idle, per_1000 = result["idle_usd"], result["per_1000_requests_usd"]
    for rows in (*idle.values(), per_1000["models"], per_1000["aws"]):
        assert sum(rows.values()) == pytest.approx(2 * rows["total"])
    assert per_1000["total"] == pytest.approx(
        per_1000["models"]["total"] + per_1000["aws"]["total"]
    )


@pytest.mark.usefixtures("prod")
def test_waiting_for_models_is_a_separate_row_and_takes_the_stated_seconds() -> None:
    waiting = estimated("--seconds", "1,2,2,2", "--bypass", "0")["per_1000_requests_usd"]["aws"]
    assert waiting["Lambda, waiting for models"] == pytest.approx(3_000 * SECOND_USD)


@pytest.mark.usefixtures("prod")
def test_waiting_ends_at_the_request_deadline() -> None:
    size = ("--requests", "1000", "--input-tokens", "500", "--output-tokens", "100000")
    waiting = json.loads(run(*size, "--json"))["per_1000_requests_usd"]["aws"]
    assert waiting["Lambda, waiting for models"] == pytest.approx(
        1000 * (300 + 0.9 * 0.5) * SECOND_USD
    )


@pytest.mark.usefixtures("prod")
def test_sending_everything_to_tier_3_loses_the_cost_of_the_router() -> None:
    month = estimated("--mix", "0,0,100", "--bypass", "0")["month_usd"]
    assert month["Saved, net"] < 0
    assert month["Models"] > month["Total"] - month["Models"]


def test_a_stage_in_another_region_gets_a_warning_that_prices_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = json.loads((ROOT / "cdk.json").read_text("utf-8"))
    context["context"]["stages"]["prod"]["region"] = "eu-central-1"
    (tmp_path / "cdk.json").write_text(json.dumps(context), "utf-8")
    monkeypatch.chdir(tmp_path)
    assert "eu-central-1, whose AWS prices differ" in " ".join(run(*SIZE).split())


def test_a_model_without_a_price_costs_unknown_not_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = json.loads((ROOT / "cdk.json").read_text("utf-8"))
    profile = context["context"]["profiles"]["bedrock"]
    profile["models"]["tiers"]["2"]["model"] = "bedrock/nobody-knows"
    (tmp_path / "cdk.json").write_text(json.dumps(context), "utf-8")
    monkeypatch.chdir(tmp_path)
    unpriced = estimate.read_deployment("prod")
    monkeypatch.setattr(estimate, "read_deployment", {"prod": unpriced}.__getitem__)
    result = estimated()
    assert result["per_1000_requests_usd"]["models"]["Tier 2  bedrock/nobody-knows"] is None
    assert result["per_1000_requests_usd"]["total"] is None
    assert result["month_usd"]["Total"] is None
    assert "unknown" in run(*SIZE)


@pytest.mark.usefixtures("prod")
@pytest.mark.parametrize(
    ("arguments", "says"),
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
        ((*SIZE, "--seconds", "1,2,3,400"), "a request ends after 300 s"),
        ((*SIZE, "--seconds", "1,2,-3,4"), "--seconds is 1,2,-3,4"),
    ],
)
def test_an_invalid_option_is_rejected_by_name(arguments: tuple[str, ...], says: str) -> None:
    assert says in refused(*arguments)


def test_a_stage_that_the_app_refuses_is_rejected_with_the_apps_error() -> None:
    assert refused(*SIZE, "--stage", "nowhere").startswith(
        "cdk.json, stages: no object named 'nowhere'; there are: local"
    )


def test_outside_a_checkout_the_error_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = refused(*SIZE)
    assert "no cdk.json" in said
    assert "clone the repository" in said


def test_in_the_folder_of_another_cdk_app_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / "cdk.json", tmp_path)
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra/__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    said = refused(*SIZE)
    assert "No module named infra.billable" in said
    assert "clone the repository" in said


def test_a_checkout_of_another_release_is_rejected_with_the_field(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / "cdk.json", tmp_path)
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra/__init__.py").touch()
    (tmp_path / "infra/billable.py").write_text('print(\'{"stage": "prod"}\')', "utf-8")
    monkeypatch.chdir(tmp_path)
    said = refused(*SIZE)
    assert "different releases" in said
    assert "owned: missing" in said
    assert "make install" in said


def test_a_deployment_survives_its_json(deployment: Deployment) -> None:
    text = deployment.model_dump_json(by_alias=True)
    assert Deployment.model_validate_json(text) == deployment


def test_the_app_prints_its_deployment_without_loading_the_cdk() -> None:
    code = (
        "import sys; from infra.billable import main; main(['--stage', 'prod']); "
        "print('aws_cdk' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    document, loaded = done.stdout.splitlines()
    assert Deployment.model_validate_json(document).stage == "prod"
    assert loaded == "False"


def test_the_app_prints_an_error_on_one_line_and_exits_1() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra.billable", "--stage", "nowhere"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1


@pytest.mark.usefixtures("prod")
def test_a_loss_has_the_minus_sign_of_the_other_tables() -> None:
    said = run(*SIZE, "--mix", "0,0,100", "--bypass", "0")
    [saved] = [line for line in said.splitlines() if line.startswith("Saved, net")]
    assert saved.split()[-1].startswith("−")
    assert float(saved.split()[-1].replace("−", "-").replace(",", "")) < 0
