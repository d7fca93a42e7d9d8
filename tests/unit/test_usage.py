"""Usage in every dialect that providers speak."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.pricing import LongContextRates, Price, cost_usd
from route_switch.domain.request_record import Attempt, record_as_json
from route_switch.domain.tiers import Tier
from route_switch.domain.usage import RARE_TOKENS, Usage, read_usage, reported_usage
from tests.support.records import RECORD

OPENAI = {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500}
TOKENS = (
    st.integers(-9, 2000)
    | st.none()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.booleans()
)
NAMES = [
    *("prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens"),
    *("cached_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"),
    *("prompt_cache_hit_tokens", "reasoning_tokens", "prompt_eval_count", "eval_count"),
]
REPORTS = st.dictionaries(st.sampled_from(NAMES), TOKENS).flatmap(
    lambda numbers: st.fixed_dictionaries(
        {name: st.just(number) for name, number in numbers.items()},
        optional={
            "prompt_tokens_details": st.dictionaries(
                st.sampled_from(
                    ["cached_tokens", "cache_write_tokens", "cache_creation_tokens", "audio_tokens"]
                ),
                TOKENS,
            ),
            "completion_tokens_details": st.dictionaries(
                st.sampled_from(["reasoning_tokens", "audio_tokens"]), TOKENS
            ),
            "cache_creation": st.dictionaries(st.just("ephemeral_1h_input_tokens"), TOKENS),
        },
    )
)


@pytest.mark.parametrize(
    ("reported", "usage"),
    [
        pytest.param(OPENAI, Usage(1000, 500), id="openai"),
        pytest.param(
            {
                **OPENAI,
                "prompt_tokens_details": {"cached_tokens": 800, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 300},
            },
            Usage(1000, 500, 800, 0, 300),
            id="openai-details",
        ),
        pytest.param(
            {**OPENAI, "prompt_tokens_details": {"cached_tokens": 600, "cache_write_tokens": 300}},
            Usage(1000, 500, 600, 300),
            id="openai-cache-write",
        ),
        pytest.param(
            {**OPENAI, "prompt_cache_hit_tokens": 900, "prompt_cache_miss_tokens": 100},
            Usage(1000, 500, 900),
            id="deepseek",
        ),
        pytest.param({**OPENAI, "cached_tokens": 700}, Usage(1000, 500, 700), id="moonshot"),
        pytest.param(
            {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 3100},
            Usage(1000, 2100),
            id="gemini-compatible",
        ),
        pytest.param(
            {
                "prompt_tokens": 1000,
                "completion_tokens": 10,
                "total_tokens": 1310,
                "completion_tokens_details": {"reasoning_tokens": 300},
            },
            Usage(1000, 310, reasoning_tokens=300),
            id="xai",
        ),
        pytest.param(
            {
                "prompt_tokens": 1000,
                "completion_tokens": 10,
                "completion_tokens_details": {"reasoning_tokens": 300},
            },
            Usage(1000, 310, reasoning_tokens=300),
            id="xai-no-total",
        ),
        pytest.param({**OPENAI, "queue_time": 0.1, "total_time": 0.4}, Usage(1000, 500), id="groq"),
        pytest.param(
            {"input_tokens": 10, "output_tokens": 500, "cache_read_input_tokens": 600},
            Usage(610, 500, 600),
            id="anthropic-reads",
        ),
        pytest.param(
            {
                "input_tokens": 10,
                "output_tokens": 500,
                "cache_read_input_tokens": 600,
                "cache_creation_input_tokens": 390,
            },
            Usage(1000, 500, 600, 390),
            id="anthropic-writes",
        ),
        pytest.param(
            {
                **OPENAI,
                "cache_read_input_tokens": 600,
                "cache_creation_input_tokens": 390,
                "prompt_tokens_details": {"cached_tokens": 600, "cache_creation_tokens": 390},
            },
            Usage(1000, 500, 600, 390),
            id="anthropic-through-litellm",
        ),
        pytest.param(
            {
                "input_tokens": 10,
                "output_tokens": 500,
                "cache_read_input_tokens": 600,
                "cache_creation_input_tokens": 390,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": 90,
                    "ephemeral_1h_input_tokens": 300,
                },
            },
            Usage(1000, 500, 600, 390, cache_write_1h_tokens=300),
            id="anthropic-writes-for-an-hour",
        ),
        pytest.param(
            {
                **OPENAI,
                "cache_creation_input_tokens": 390,
                "prompt_tokens_details": {
                    "cache_creation_tokens": 390,
                    "cache_creation_token_details": {
                        "ephemeral_5m_input_tokens": 0,
                        "ephemeral_1h_input_tokens": 390,
                    },
                },
            },
            Usage(1000, 500, 0, 390, cache_write_1h_tokens=390),
            id="an-hour-through-litellm",
        ),
        pytest.param(
            {
                **OPENAI,
                "prompt_tokens_details": {"cached_tokens": 100, "audio_tokens": 600},
                "completion_tokens_details": {"audio_tokens": 400, "text_tokens": 100},
            },
            Usage(1000, 500, 100, audio_input_tokens=600, audio_output_tokens=400),
            id="audio",
        ),
        pytest.param(
            {
                "input_tokens": 1000,
                "output_tokens": 500,
                "total_tokens": 1500,
                "input_tokens_details": {"cached_tokens": 600},
                "output_tokens_details": {"reasoning_tokens": 100},
            },
            Usage(1000, 500, 600, 0, 100),
            id="responses-api",
        ),
        pytest.param({"prompt_eval_count": 1000, "eval_count": 500}, Usage(1000, 500), id="ollama"),
        pytest.param({"prompt_tokens": 1000, "total_tokens": 3000}, Usage(1000, 2000), id="no-out"),
        pytest.param(
            {"completion_tokens": 500, "total_tokens": 1500}, Usage(1000, 500), id="no-in"
        ),
        pytest.param({"prompt_tokens": 1000, "completion_tokens": 500}, Usage(1000, 500), id="sum"),
        pytest.param(
            {"prompt_tokens": "1000", "completion_tokens": 500.0, "total_tokens": "1500.0"},
            Usage(1000, 500),
            id="text-and-floats",
        ),
        pytest.param(
            {**OPENAI, "prompt_tokens_details": None, "completion_tokens_details": None},
            Usage(1000, 500),
            id="null-details",
        ),
        pytest.param({**OPENAI, "prompt_tokens_details": "?"}, Usage(1000, 500), id="odd-details"),
        pytest.param(
            {**OPENAI, "prompt_tokens_details": {"cached_tokens": 9999}},
            Usage(1000, 500, 1000),
            id="cached-beyond-prompt",
        ),
        pytest.param(
            {**OPENAI, "prompt_tokens_details": {"cached_tokens": -9}},
            Usage(1000, 500),
            id="negative-cached",
        ),
        pytest.param(
            {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, Usage(0, 0), id="zero"
        ),
    ],
)
def test_every_dialect_is_read(reported: Any, usage: Usage) -> None:
    assert read_usage(reported) == usage


@pytest.mark.parametrize(
    "reported",
    [
        None,
        [],
        "1500",
        {},
        {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None},
        {"prompt_tokens": 1000},
        {"total_tokens": 1500},
        {**OPENAI, "prompt_tokens": -1},
        {**OPENAI, "total_tokens": -1},
        {**OPENAI, "completion_tokens": 10**30},
        {**OPENAI, "completion_tokens": float("nan")},
        {**OPENAI, "completion_tokens": float("inf")},
        {**OPENAI, "completion_tokens": "many"},
        {**OPENAI, "completion_tokens": True},
        {**OPENAI, "completion_tokens": {"text": 500}},
        {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 10**10},
    ],
)
def test_what_is_missing_or_absurd_is_unknown(reported: Any) -> None:
    assert read_usage(reported) is None
    assert reported_usage(reported, read_usage(reported)) is None


@given(REPORTS)
def test_a_reported_usage_is_never_negative_and_never_raises(reported: Any) -> None:
    usage = read_usage(reported)
    if usage is None:
        return
    assert 0 <= usage.cached_input_tokens + usage.cache_write_tokens <= usage.input_tokens
    assert min(usage.cached_input_tokens, usage.cache_write_tokens) >= 0
    assert 0 <= usage.reasoning_tokens <= usage.output_tokens
    shown = reported_usage(reported, usage)
    assert shown is not None
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert type(shown[name]) is int


@given(
    st.recursive(
        TOKENS, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner)
    )
)
def test_any_json_is_read_without_an_error(reported: Any) -> None:
    reported_usage(reported, read_usage(reported))


TOKEN_COUNTS = st.lists(st.integers(0, 10**6), min_size=8, max_size=8)
EVERY_RATE = Price(
    input_usd_per_million=1,
    output_usd_per_million=2,
    cached_input_usd_per_million=0.1,
    cache_write_usd_per_million=1.25,
    cache_write_1h_usd_per_million=2,
    audio_input_usd_per_million=4,
    reasoning_usd_per_million=3,
    audio_output_usd_per_million=8,
)


@given(TOKEN_COUNTS)
def test_a_cost_never_exceeds_the_highest_rate_and_is_never_negative(tokens: list[int]) -> None:
    cost = cost_usd(Usage(*tokens), EVERY_RATE)
    assert cost is not None
    most = (tokens[0] * 4 + tokens[1] * 8) / 1e6
    assert -1e-12 <= cost <= most + 1e-9


def test_each_kind_of_token_has_its_own_price() -> None:
    usage = Usage(1000, 500, 100, 300, 50, 200, 60, 70)
    expected = 540 * 1 + 100 * 0.1 + 100 * 1.25 + 200 * 2 + 60 * 4 + 380 * 2 + 50 * 3 + 70 * 8
    assert cost_usd(usage, EVERY_RATE) == pytest.approx(expected / 1e6)


def test_writes_for_an_hour_without_a_price_of_their_own_cost_as_much_as_other_writes() -> None:
    price = EVERY_RATE.model_copy(update={"cache_write_1h_usd_per_million": None})
    usage = Usage(1000, 0, 0, 300, cache_write_1h_tokens=200)
    assert cost_usd(usage, price) == pytest.approx((700 + 300 * 1.25) / 1e6)


def test_a_record_names_rare_kinds_of_tokens_only_where_there_are_any() -> None:
    shown = []
    for usage in (Usage(10, 5), Usage(10, 5, 0, 9, cache_write_1h_tokens=9)):
        attempt = Attempt("m", Tier.SMALL, "answered", 1.0, usage)
        record: Any = record_as_json(replace(RECORD, attempts=(attempt,)))
        (stored,) = record["attempts"]
        shown.append(set(RARE_TOKENS) & stored["usage"].keys())
    assert shown == [set(), {"cache_write_1h_tokens"}]


def test_long_requests_are_priced_by_their_own_rates() -> None:
    long = LongContextRates(input_usd_per_million=2, output_usd_per_million=3, above_tokens=200_000)
    price = Price(input_usd_per_million=1, output_usd_per_million=2, long_context=long)
    assert cost_usd(Usage(200_000, 1000), price) == pytest.approx(0.2 + 0.002)
    assert cost_usd(Usage(200_001, 1000), price) == pytest.approx(0.400002 + 0.003)
