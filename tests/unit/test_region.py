"""Which region the command line uses for a stage."""

from pathlib import Path

import pytest

from route_switch.cli.stage import find_stage
from route_switch.domain.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


def test_the_environments_region_overrides_the_stages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cdk = '{"context": {"stages": {"prod": {"region": "eu-west-1"}}}}'
    (tmp_path / "cdk.json").write_text(cdk)
    assert find_stage("prod").session.region_name == "eu-west-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    assert find_stage("prod").session.region_name == "eu-west-2"
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    assert find_stage("prod").session.region_name == "eu-west-3"


def test_a_stage_without_a_region_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="Set AWS_REGION"):
        find_stage("prod")
