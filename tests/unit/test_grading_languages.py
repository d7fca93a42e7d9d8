"""Gold answers are recognized in many languages, and what only looks like one is not."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.learning.grading import Reading, grade, read
from tests.support.gold_phrases import LABELED, Labeled

MEANING = {Reading.RIGHT: "right", Reading.WRONG: "wrong", Reading.UNREAD: "nothing"}


@pytest.mark.parametrize("labeled", LABELED, ids=lambda each: f"{each.language}: {each.answer}")
def test_each_labeled_answer_is_read_as_a_person_reads_it(labeled: Labeled) -> None:
    reading = read(labeled.answer, labeled.gold)
    assert reading is not None
    assert MEANING[reading] == labeled.says


def test_the_table_is_large_enough_for_its_precision_and_recall() -> None:
    """Both are 1 on this table by the test above; they say nothing about languages outside it."""
    assert len(LABELED) >= 200
    assert len({each.language for each in LABELED}) >= 20
    assert sum(each.says == "nothing" for each in LABELED) >= 50


WORDS = st.lists(
    st.sampled_from(["a", "man", "walks", "into", "the", "bar", "because", "rain", "falls"]),
    min_size=1,
    max_size=12,
)


@given(WORDS, st.sampled_from("ABCDE"))
def test_lower_case_prose_with_an_article_in_front_chooses_no_letter(
    prose: list[str], gold: str
) -> None:
    assert read(f"A {' '.join(prose)}.", gold) is Reading.UNREAD


FRAMES = st.sampled_from(
    [
        *("The answer is {}.", "Es muss {} sein.", "答案是{}", "La respuesta es {}", "I choose {}"),
        *(
            "Ответ: {}",
            "정답은 {}입니다.",
            "答えは{}です。",
            "La réponse est {}.",
            "**{}**",
            "({})",
            "{}",
        ),
    ]
)


@given(FRAMES, st.sampled_from("ABCDEFGH"), st.sampled_from("ABCDEFGH"))
def test_a_stated_letter_is_right_only_for_its_own_gold(frame: str, said: str, gold: str) -> None:
    assert grade(frame.format(said), gold) == float(said == gold)


@given(FRAMES, st.integers(0, 999), st.integers(0, 999))
def test_a_stated_number_is_right_only_for_its_own_gold(frame: str, said: int, gold: int) -> None:
    assert grade(frame.format(said), str(gold)) == float(said == gold)


@given(st.text(max_size=200), st.sampled_from(["B", "42", "5 km", "yes", "Paris", "北京", "[1]"]))
def test_only_what_is_in_the_answer_can_be_right(answer: str, gold: str) -> None:
    """No text without a sign of the gold, in any notation, agrees with it."""
    if read(answer, gold) is Reading.RIGHT and answer.isascii():
        assert re.search(r"[B4251]|yes|ye[ap]|ja|si|da|tak|paris", answer, re.IGNORECASE)


def test_any_of_several_golds_is_right() -> None:
    assert grade("It is NYC.", ("New York City", "NYC")) == 1.0
    assert grade("Boston", ("New York City", "NYC")) == 0.0
    assert grade("B", ("A long text that cannot grade anything.", "B")) == 1.0
    assert grade("B", ()) is None


@pytest.mark.parametrize(
    ("answer", "gold", "reading"),
    [
        ("1.234", "1234", Reading.RIGHT),
        ("1234", "1.234", Reading.WRONG),
        ("1.234.567,5", "1234567.5", Reading.RIGHT),
        ("1,00,000", "100000", Reading.RIGHT),
        ("the 2nd", "2", Reading.RIGHT),
        ("2, 3, 4", "4", Reading.RIGHT),
        ("1e999999", "7", Reading.WRONG),
        ("1/0", "7", Reading.UNREAD),
    ],
)
def test_numbers_are_read_with_their_separators(answer: str, gold: str, reading: Reading) -> None:
    assert read(answer, gold) is reading


@pytest.mark.parametrize("gold", ["19th", "5 km and more", "4 July 1776"])
def test_a_number_inside_other_words_is_not_a_numeric_gold(gold: str) -> None:
    assert read("7", gold) is Reading.WRONG
    assert read(f"It was on {gold}, as far as anybody can tell.", gold) is Reading.RIGHT
