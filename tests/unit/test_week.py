"""What `make weekly` reports about the queries it sent."""

import json
from pathlib import Path

import httpx
import pytest

from local.aws.errors import LocalStackError
from local.demos.traffic import Exchange
from local.demos.weekly import summary, weekly
from tests.support.get_server import serving

DOWN = Exchange("Why?", 502, httpx.Headers(), {"error": {"message": "nobody is there"}}, 1.0)


def answered(tier: int) -> Exchange:
    return Exchange("Why?", 200, httpx.Headers({"x-route-tier": str(tier)}), {}, 1.0)


def test_shares_cover_answered_requests_and_failures_are_shown() -> None:
    said = summary([answered(1), answered(1), DOWN, answered(3), answered(2)], 12.3)
    assert said.startswith("Sent 5 real queries in 12 s; 4 were answered: 50% / 25% / 25% on")
    assert "1 failed" in said
    assert "nobody is there" in said


def test_without_any_answer_there_is_no_summary() -> None:
    with pytest.raises(LocalStackError, match="nobody is there"):
        summary([DOWN, DOWN], 1.0)


def running(url: str, folder: Path) -> None:
    """Describe a stack at this address in the folder, as `make up` does."""
    names = ("api_key", "admin_key", "aws_endpoint", "region", "prompt_parameter", "results_table")
    about = {"endpoint": url.removesuffix("/v1"), **dict.fromkeys(names, "x")}
    (folder / ".local").mkdir()
    (folder / ".local/stack.json").write_text(json.dumps(about))


def test_a_week_leaves_a_running_stack_and_its_data_alone_unless_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with serving({}) as stack:
        running(stack.url, tmp_path)
        with pytest.raises(LocalStackError, match="make weekly RUNNING=1"):
            weekly(tmp_path / "cdk.out", 1, approved=False)
    assert stack.requests == []


def test_a_week_on_a_running_stack_needs_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LocalStackError, match="No stack is running"):
        weekly(tmp_path / "cdk.out", 1, approved=False, on_running=True)
