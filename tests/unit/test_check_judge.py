"""The judge is trusted only if it agrees with labels also without those of any one client."""

from collections.abc import Mapping
from typing import cast

from route_switch.domain.clients import client_of
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.judging import Verdict
from route_switch.domain.learning.outcome import GradedBy, Outcome, OutcomeTable
from route_switch.domain.tiers import Tier
from route_switch.services.learning.check_judge import check_judge
from route_switch.services.learning.judge_answers import JudgeAnswers, JudgeModel
from route_switch.services.learning.paid_calls import PaidCalls

MODELS = {Tier.SMALL: "fake/small", Tier.LARGE: "fake/large"}
NO_CALLS = cast("PaidCalls", None)


class FakeJudge(JudgeAnswers):
    """Finds every answer worse that says so."""

    def __call__(self, example: Example, tier_3_answer: str, answer: str) -> Verdict:
        return "worse" if "bad" in answer else "equivalent"


def labels(client: str | None, count: int, right: float = 1.0) -> OutcomeTable:
    """Return labels of a client, of which the judge agrees with this share."""
    examples, rows = [], []
    for number in range(count):
        is_bad, agrees = number % 2 == 0, number < count * right
        models = {"fake/small": {"answer": "bad" if is_bad else "good"}}
        example = Example.model_validate(
            {
                "query": f"{client} {number}",
                "models": {**models, "fake/large": {"answer": "the best"}},
                "labeled_by": client,
            }
        )
        equivalent = is_bad != agrees
        examples.append(example)
        cells = {Tier.SMALL: equivalent, Tier.LARGE: True}
        rows.append({tier: _cell(known) for tier, known in cells.items()})
    return OutcomeTable(MODELS, {}, tuple(examples), tuple(rows))


def _cell(equivalent: bool) -> Outcome:
    return Outcome(score=float(equivalent), equivalent=equivalent, graded_by=GradedBy.FEEDBACK)


def why(*tables: OutcomeTable) -> str | None:
    examples = tuple(example for table in tables for example in table.examples)
    rows: tuple[Mapping[Tier, Outcome], ...] = tuple(row for table in tables for row in table.rows)
    together = OutcomeTable(MODELS, {}, examples, tuple(dict(row) for row in rows))
    return check_judge(FakeJudge(NO_CALLS, JudgeModel("fake/judge")), NO_CALLS, together, 2, 0.6)[1]


def test_a_judge_that_agrees_with_several_clients_is_trusted() -> None:
    assert why(*(labels(f"key_{n}", 30) for n in range(3))) is None


def test_the_labels_of_one_client_do_not_make_a_judge_trusted() -> None:
    found = why(labels("key_loud", 100), labels("key_a", 30, 0.6), labels("key_b", 30, 0.6))
    assert found is not None
    assert found.startswith("without the labels of client key_loud, the judge's agreement")
    assert "without the labels of client key_a, uncalibrated: no labels" in str(
        why(labels("key_a", 100))
    )


def test_with_one_key_its_users_are_the_clients() -> None:
    users = [client_of("key_a", f"user {n}") for n in range(4)]
    assert why(*(labels(user, 20) for user in users)) is None


def test_labels_of_the_owner_suffice() -> None:
    assert why(labels(None, 60)) is None
    assert why(labels(None, 60), labels("key_a", 20)) is None


def test_too_few_labels_without_a_client_are_too_few() -> None:
    found = why(labels("key_a", 30), labels("key_b", 30))
    assert "without the labels of client key_a, uncalibrated: only 30 labels" in str(found)
