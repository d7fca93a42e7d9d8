"""Costs: an unknown price is not a free one."""

import pytest

from route_switch.domain.pricing import Price, add_known, cost_usd
from route_switch.domain.usage import Usage

PRICE = Price(input_usd_per_million=3, output_usd_per_million=15)


def test_cost_is_tokens_times_price() -> None:
    assert cost_usd(Usage(1_000_000, 100_000), PRICE) == pytest.approx(4.5)


def test_cached_input_uses_its_own_price_if_there_is_one() -> None:
    cheap = PRICE.model_copy(update={"cached_input_usd_per_million": 0.3})
    usage = Usage(1_000_000, 0, cached_input_tokens=400_000)
    assert cost_usd(usage, cheap) == pytest.approx(0.6 * 3 + 0.4 * 0.3)
    assert cost_usd(usage, PRICE) == pytest.approx(3)


def test_an_unknown_price_or_usage_gives_no_cost() -> None:
    assert cost_usd(Usage(1, 1), None) is None
    assert cost_usd(None, PRICE) is None
    assert add_known(0.5, None) is None
    assert add_known(0.5, 0.0) == 0.5
    assert add_known() == 0.0
