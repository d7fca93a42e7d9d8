"""Grading against gold, by form, and against recorded scores."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.learning.grading import grade
from tests.support.sample import graded_rows

RIGHT = [
    ("The answer is (H).", "H"),
    ("I weighed (A) and (B).\n\n**(H)**", "H"),
    ("**Answer:** H", "(H)"),
    ("The answer is **(H) Uncorrelated**.", "H"),
    ("so \\boxed{0.3}. The answer is (H).", "H"),
    ("\\boxed{\\text{C}}", "C"),
    ("B) Paris", "B"),
    ("B", "B"),
    ("That makes $45.00.", "45"),
    ("It is 1,234 in all", "1234"),
    ("\\$1{,}234", "1,234"),
    ("about 50%", "0.5"),
    ("50 percent", "50"),
    ("\\boxed{\\frac{3}{4}}", "0.75"),
    ("3/4", "0.75"),
    ("1.5 \\times 10^{3}", "1500"),
    ("10^5", "1e5"),
    ("x = \u22123", "-3"),
    ("First 7, then 9. #### 18", "She sells 9 + 9 = 18. #### 18"),
    ('{"reasoning": "2 and 3", "answer": "[2, 10]"}', "[2,10]"),
    ('{"reasoning": "", "answer": ""}', "''"),
    ('{"answer": [1, 2]}', "[1, 2]"),
    ("It returns `{'a': 1}`", "{'a': 1}"),
    ("The intent is card_arrival.", "card_arrival"),
    ("Yes, there is no doubt.", "yes"),
    ("Let me think. It holds, so true", "True"),
    ("The capital is Paris.", "paris"),
    ("THE  Beatles!", "Beatles"),
]
WRONG = [
    ("The answer is (G).", "H"),
    ("A man walks in. Then (B), or [HA] = ", "B"),
    ("", "H"),
    ("46", "45"),
    ("45, or rather 46", "45"),
    ('{"reasoning": "1", "answer": "None"}', "1"),
    ("", "45"),
    ("1/0", "1"),
    ('{"answer": "[10, 2]"}', "[2, 10]"),
    ("(1, 2)", "[1, 2]"),
    ("card_arrival or lost_card", "card_arrival"),
    ("The answer is No", "Yes"),
    ("London", "Paris"),
    ("rewards_balance", "balance"),
]


@pytest.mark.parametrize(("answer", "gold"), RIGHT)
def test_right_answers_score_1(answer: str, gold: str) -> None:
    assert grade(answer, gold) == 1.0


@pytest.mark.parametrize(("answer", "gold"), WRONG)
def test_wrong_and_missing_answers_score_0(answer: str, gold: str) -> None:
    assert grade(answer, gold) == 0.0


@pytest.mark.parametrize("gold", ["He went home because it was late.", "", "?!"])
def test_a_free_text_gold_cannot_grade(gold: str) -> None:
    assert grade("He went home because it was late.", gold) is None


@given(st.text(), st.text(max_size=20))
def test_any_text_can_be_graded_and_only_the_gold_decides_whether(answer: str, gold: str) -> None:
    score = grade(answer, gold)
    assert score in (None, 0.0, 1.0)
    assert (score is None) == (grade("", gold) is None)


@given(st.decimals(-1e6, 1e6, allow_nan=False, places=3))
def test_a_number_equals_itself_in_any_notation(number: object) -> None:
    for text in (f"{number}", f"It is ${number:,}", f"\\boxed{{{number}}}", f"so **{number}**."):
        assert grade(text, str(number)) == 1.0


AGREEMENT = {
    "research_qa": 0.99,
    "math": 0.99,
    "code_generation": 0.99,
    "customer_support": 1.0,
}
"""Share of the sample's recorded answers whose grade agrees. The rest: a right letter in bold that
the source scored 0, a text cut off that it scored 1, and whitespace around CRUX strings."""


def test_grades_agree_with_recorded_scores() -> None:
    same: dict[str, list[bool]] = defaultdict(list)
    for row in graded_rows():
        for result in row.models.values():
            same[row.workload].append(grade(result.answer, row.gold or "") == result.score)
    for workload, least in AGREEMENT.items():
        assert sum(same[workload]) / len(same[workload]) >= least, workload
