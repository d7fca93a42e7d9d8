"""The packaged sample of real queries matches docs/data.md."""

from collections import Counter
from pathlib import Path

import pytest

from route_switch.domain.pricing import Price, cost_usd
from route_switch.domain.usage import Usage
from route_switch_offline import (
    OFFLINE_MODELS,
    SAMPLE,
    USD_PER_MILLION_TOKENS,
    VOCABULARY,
    OfflineModel,
    RecordedAnswer,
    SampleRow,
    load_sample,
    tier_3_output_ratio,
)
from route_switch_offline.__main__ import tables

DOCUMENT = Path(__file__).parents[2] / "docs" / "data.md"


def row_writing(small: int, medium: int, large: int) -> SampleRow:
    def answer(tokens: int) -> RecordedAnswer:
        return RecordedAnswer(
            score=1.0,
            cost_usd=0.0,
            input_tokens=1,
            output_tokens=tokens,
            recorded_model="m",
            answer="a",
        )

    tokens = dict(zip(OFFLINE_MODELS, (small, medium, large), strict=True))
    return load_sample()[0].model_copy(
        update={"models": {name: answer(count) for name, count in tokens.items()}}
    )


def test_the_sample_has_four_workloads_and_some_queries_without_recordings() -> None:
    rows = load_sample()
    assert Counter(row.workload for row in rows) == {
        "research_qa": 264,
        "customer_support": 160,
        "code_generation": 150,
        "math": 36,
    }
    assert Counter(len(row.models) for row in rows) == {3: 550, 0: 60}


def test_ids_and_queries_are_unique() -> None:
    rows = load_sample()
    assert len({row.id for row in rows}) == len(rows)
    assert len({row.query.strip() for row in rows}) == len(rows)


def test_the_first_rows_already_mix_the_workloads() -> None:
    assert len({row.workload for row in load_sample()[:30]}) >= 3


@pytest.mark.parametrize("model", OFFLINE_MODELS)
def test_every_recorded_cost_is_what_the_product_would_charge(model: OfflineModel) -> None:
    input_price, output_price = USD_PER_MILLION_TOKENS[model]
    price = Price(input_usd_per_million=input_price, output_usd_per_million=output_price)
    for row in load_sample():
        if row.models:
            answer = row.models[model]
            usage = Usage(answer.input_tokens, answer.output_tokens)
            assert answer.cost_usd == pytest.approx(cost_usd(usage, price), rel=1e-12)


def test_every_row_has_a_license_that_allows_redistribution() -> None:
    assert {row.license for row in load_sample()} == {
        "Apache-2.0",
        "MIT AND CC-BY-4.0",
        "CC-BY-4.0",
    }


def test_files_are_small_and_contain_no_time() -> None:
    for file in (SAMPLE, VOCABULARY):
        content = file.read_bytes()
        assert len(content) <= 1_000_000
        assert content[4:8] == bytes(4)


def test_the_document_shows_the_tables_that_the_command_prints() -> None:
    assert tables() in DOCUMENT.read_text(encoding="utf-8")


def test_the_output_ratio_divides_sums_and_skips_rows_without_recordings() -> None:
    unrecorded = load_sample()[0].model_copy(update={"models": {}})
    rows = (row_writing(1, 10, 20), unrecorded, row_writing(3, 10, 40))
    assert tier_3_output_ratio(rows) == {1: 15.0, 2: 3.0, 3: 1.0}
