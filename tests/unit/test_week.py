"""What `make weekly` reports about the queries it sent."""

import httpx
import pytest

from local.aws.errors import LocalStackError
from local.demos.traffic import Exchange
from local.demos.weekly import summary

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
