"""The answers that calibrate the judge."""

from collections.abc import Mapping

import pytest
from pydantic import JsonValue

from route_switch.domain.errors import InvalidModelRequestError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome import GradedBy, Outcome, OutcomeTable
from route_switch.domain.ports import JsonObject
from route_switch.domain.tiers import Tier
from route_switch.domain.usage import Usage
from route_switch.services.learning import calibrate_judge as module
from route_switch.services.learning.calibrate_judge import calibrate_judge
from route_switch.services.learning.judge_answers import JudgeAnswers, JudgeModel
from route_switch.services.learning.paid_calls import Purpose, Reply

SMALL, LARGE = Tier.SMALL, Tier.LARGE
MODELS = {SMALL: "fake/small", LARGE: "fake/large"}


class Calls:
    """The judge finds every answer equivalent. The tiers answer with `answers`."""

    def __init__(self, **answers: str) -> None:
        self._answers = answers
        self.judged: list[str] = []

    def __call__(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,
        *,
        about: str | None = None,
    ) -> Reply:
        if purpose is Purpose.JUDGE:
            self.judged.append(str(messages[-1]["content"]))
            return Reply("Verdict: SAME", Usage(1, 1), 0.0, 1.0)
        if name not in self._answers:
            raise InvalidModelRequestError("too long")
        return Reply(self._answers[name], Usage(1, 1), 0.0, 1.0)


def cell(by: GradedBy = GradedBy.GOLD, equivalent: bool = True) -> Outcome:
    return Outcome(score=float(equivalent), equivalent=equivalent, graded_by=by)


def table(*rows: tuple[Example, dict[Tier, Outcome]]) -> OutcomeTable:
    examples, cells = zip(*rows, strict=True)
    return OutcomeTable(MODELS, {}, examples, cells)


def example(number: int, **answers: str) -> Example:
    models = {f"fake/{name}": {"answer": text} for name, text in answers.items()}
    return Example.model_validate({"query": f"question {number}", "models": models})


def agreement(calls: Calls, *rows: tuple[Example, dict[Tier, Outcome]]) -> tuple[int, float | None]:
    found = calibrate_judge(JudgeAnswers(calls, JudgeModel("fake/judge")), calls, table(*rows), 2)
    return found.n, found.share


@pytest.mark.parametrize("by", [GradedBy.GOLD, GradedBy.RECORDED, GradedBy.FEEDBACK])
def test_answers_graded_by_a_test_or_a_person_are_labels(by: GradedBy) -> None:
    rows = [
        (example(1, small="a", large="b"), {SMALL: cell(by), LARGE: cell()}),
        (example(2, small="a", large="b"), {SMALL: cell(by, False), LARGE: cell()}),
    ]
    assert agreement(Calls(), *rows) == (2, 0.5)


def test_the_judges_own_verdicts_are_not_labels() -> None:
    row = {SMALL: cell(GradedBy.JUDGE), LARGE: cell(GradedBy.JUDGE)}
    assert agreement(Calls(), (example(1, small="a", large="b"), row)) == (0, None)


@pytest.mark.parametrize(
    ("rating", "share"), [({"score": 0.9}, 1.0), ({"score": 0.2}, 0.0), ({}, None)]
)
def test_a_rating_of_the_one_answer_that_was_given_checks_the_judge(
    rating: dict[str, float], share: float | None
) -> None:
    models = {"fake/small": {"answer": "a", **rating}, "fake/large": {"answer": "b"}}
    rated = Example.model_validate({"query": "q", "models": models})
    row = {SMALL: cell(GradedBy.JUDGE), LARGE: cell(GradedBy.JUDGE)}
    assert agreement(Calls(), (rated, row)) == (0 if share is None else 1, share)


def test_a_rating_of_tier_3_alone_checks_nothing() -> None:
    models = {"fake/small": {"answer": "a"}, "fake/large": {"answer": "b", "score": 1}}
    rated = Example.model_validate({"query": "q", "models": models})
    row = {SMALL: cell(GradedBy.JUDGE), LARGE: cell(GradedBy.JUDGE)}
    assert agreement(Calls(), (rated, row)) == (0, None)


def test_feedback_that_the_judge_outranked_checks_the_judge() -> None:
    rated = example(1, small="a", large="b").model_copy(update={"feedback": {SMALL: False}})
    row = {SMALL: cell(GradedBy.JUDGE), LARGE: cell(GradedBy.JUDGE)}
    assert agreement(Calls(), (rated, row)) == (1, 0.0)


def test_answers_from_calls_are_used_too() -> None:
    calls = Calls(**{"fake/small": "from small", "fake/large": "from large"})
    assert agreement(calls, (example(1), {SMALL: cell(), LARGE: cell()}))[0] == 1
    assert "from small" in calls.judged[0]
    assert "from large" in calls.judged[0]


def test_an_answer_of_unknown_text_is_skipped() -> None:
    scored = Example.model_validate({"query": "q", "models": {"fake/small": {"score": 1}}})
    calls = Calls(**{"fake/large": "b"})
    row = {SMALL: cell(GradedBy.RECORDED), LARGE: cell(GradedBy.RECORDED)}
    assert agreement(calls, (scored, row), (example(2), row)) == (0, None)


def test_identical_answers_do_not_count_toward_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LABELS", 2)
    row = {SMALL: cell(), LARGE: cell()}
    alike = [(example(n, small="same", large="same\n"), row) for n in range(5)]
    others = [(example(n, small="a", large="b"), row) for n in range(5, 9)]
    calls = Calls()
    assert agreement(calls, *alike, *others) == (2, 1.0)
    assert len(calls.judged) == 2
