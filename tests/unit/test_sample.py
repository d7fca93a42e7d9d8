"""The packaged sample of real queries matches docs/data.md."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from route_switch.domain.pricing import Price, cost_usd
from route_switch.domain.usage import Usage
from route_switch_offline import (
    ASSUMED_OUTPUT_TOKENS,
    OFFLINE_MODELS,
    RESULTS,
    SAMPLE,
    USD_PER_MILLION_TOKENS,
    VOCABULARY,
    OfflineModel,
    RecordedAnswer,
    ResultRow,
    SampleRow,
    load_results,
    load_sample,
    tier_3_output_ratio,
)
from route_switch_offline.__main__ import tables
from tests.support.sample import chat_rows

MOST_BYTES = 3_000_000
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


def every_row() -> Iterator[ResultRow]:
    """Yield the rows of both files."""
    yield from load_results()
    yield from (row for row in load_sample() if not row.models)


def test_the_sample_has_five_workloads_and_some_queries_without_recordings() -> None:
    rows = load_sample()
    assert Counter(row.workload for row in rows) == {
        "research_qa": 264,
        "general": 187,
        "customer_support": 160,
        "code_generation": 150,
        "math": 36,
    }
    assert Counter(len(row.models) for row in rows) == {3: 737, 0: 60}


def test_every_row_with_results_has_those_of_three_models_and_can_be_learned_from() -> None:
    rows = load_results()
    assert {tuple(row.models) for row in rows} == {OFFLINE_MODELS}
    assert rows[:737] == tuple(row for row in load_sample() if row.models)
    assert len(rows) == 3432


def test_chats_have_marks_instead_of_a_gold_and_the_answers_of_three_models() -> None:
    assert len(chat_rows()) == 187
    assert {row.gold for row in chat_rows()} == {None}
    answers = [answer for row in chat_rows() for answer in row.models.values()]
    assert {round(10 * answer.score, 6) for answer in answers} <= {*range(1, 11)}
    assert [answer.score for answer in answers if not answer.answer] == [0.1]


def test_ids_and_queries_are_unique() -> None:
    rows = list(every_row())
    assert len({row.id for row in rows}) == len(rows)
    assert len({row.query.strip() for row in rows}) == len(rows)


def test_the_first_rows_already_mix_the_workloads() -> None:
    assert len({row.workload for row in load_sample()[:30]}) >= 3


@pytest.mark.parametrize("model", OFFLINE_MODELS)
def test_every_recorded_cost_is_what_the_product_would_charge(model: OfflineModel) -> None:
    input_price, output_price = USD_PER_MILLION_TOKENS[model]
    price = Price(input_usd_per_million=input_price, output_usd_per_million=output_price)
    for row in load_results():
        result = row.models[model]
        written = result.output_tokens
        usage = Usage(result.input_tokens, ASSUMED_OUTPUT_TOKENS if written is None else written)
        assert result.cost_usd == pytest.approx(cost_usd(usage, price), rel=1e-12)


def test_every_row_has_a_license_that_allows_redistribution() -> None:
    assert {row.license for row in every_row()} == {
        "Apache-2.0",
        "MIT",
        "MIT AND Apache-2.0",
        "MIT AND CC-BY-4.0",
        "CC-BY-4.0",
    }


def test_files_are_small_and_contain_no_time() -> None:
    contents = [file.read_bytes() for file in (SAMPLE, RESULTS, VOCABULARY)]
    assert sum(map(len, contents)) <= MOST_BYTES
    assert {content[4:8] for content in contents} == {bytes(4)}


def test_the_document_shows_the_tables_that_the_command_prints() -> None:
    assert tables() in DOCUMENT.read_text(encoding="utf-8")


def test_the_output_ratio_divides_sums_and_skips_rows_without_recordings() -> None:
    unrecorded = load_sample()[0].model_copy(update={"models": {}})
    rows = (row_writing(1, 10, 20), unrecorded, row_writing(3, 10, 40))
    assert tier_3_output_ratio(rows) == {1: 15.0, 2: 3.0, 3: 1.0}
