"""Answers are judged blind, and one order alone never condemns an answer."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from itertools import product

import pytest
from pydantic import JsonValue

from route_switch.adapters.models.offline import OfflineClient
from route_switch.domain.completion import complete
from route_switch.domain.errors import (
    BudgetReachedError,
    InvalidModelRequestError,
    NotUnderstoodError,
)
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.judging import ABSTAINED, STRICT, VERDICT_SCHEMA, Verdict
from route_switch.domain.ports import JsonObject, ModelCall
from route_switch.domain.query import text_of
from route_switch.domain.usage import Usage
from route_switch.services.learning.calibrate_judge import LabeledAnswer, measure_agreement
from route_switch.services.learning.judge_answers import JudgeAnswers, JudgeCounts, JudgeModel
from route_switch.services.learning.paid_calls import Purpose, Reply
from route_switch_offline import OFFLINE_MODELS
from tests.support.sample import recorded_rows

TIER_3 = "It is forty-two."
JUDGE = JudgeModel("openai/judge")
Script = Callable[[tuple[JsonObject, ...]], str]


class ScriptedCalls:
    """Replies as scripted, and records the calls."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.asked: list[tuple[str, Mapping[str, JsonValue], Purpose]] = []

    def __call__(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,
        *,
        about: str | None = None,
    ) -> Reply:
        self.asked.append((name, params, purpose))
        return Reply(self._script(messages), Usage(0, 0), 0.0, 1.0)


def example(number: int) -> Example:
    return Example(id=str(number), query=f"What is {number} times 7?")


def prefers(text: str) -> Script:
    """A judge without a position bias: it prefers the answer that contains this text."""

    def reply(messages: tuple[JsonObject, ...]) -> str:
        first = text_of(messages[-1]).split("<answer-a-")[1].split("<answer-b-")[0]
        return f"Verdict: {'A' if text in first else 'B'}"

    return reply


def replies(*texts: str) -> Script:
    left = iter(texts)
    return lambda _: next(left)


def judged(script: Script, number: int = 1) -> tuple[Verdict | None, JudgeCounts]:
    judge = JudgeAnswers(ScriptedCalls(script), JUDGE)
    return judge(example(number), TIER_3, "42"), judge.counts


@pytest.mark.parametrize("number", range(8))
def test_an_answer_is_worse_if_both_orders_say_so(number: int) -> None:
    assert judged(prefers(TIER_3), number) == ("worse", JudgeCounts(judged=1, confirmed=1))


@pytest.mark.parametrize("number", range(8))
def test_a_better_verdict_needs_one_call(number: int) -> None:
    calls = ScriptedCalls(prefers("42"))
    assert JudgeAnswers(calls, JUDGE)(example(number), TIER_3, "42") == "better"
    assert calls.asked == [("openai/judge", {"temperature": 0}, Purpose.JUDGE)]


def test_a_judge_that_always_says_a_never_condemns_and_its_flips_are_counted() -> None:
    judge = JudgeAnswers(ScriptedCalls(lambda _: "Verdict: A"), JUDGE)
    verdicts = [judge(example(number), TIER_3, "42") for number in range(100)]
    assert set(verdicts) == {"better", "equivalent"}
    assert judge.counts.flipped == verdicts.count("equivalent") > 30
    assert judge.counts.flip_rate == 1.0


def test_identical_answers_are_not_sent_to_the_judge() -> None:
    judge = JudgeAnswers(ScriptedCalls(replies()), JUDGE)
    assert judge(example(1), TIER_3, f" {TIER_3}\n") == "equivalent"
    assert judge.counts == JudgeCounts(identical=1)
    assert judge.counts.flip_rate is None


def test_an_unreadable_reply_is_asked_for_once_more_with_a_stricter_instruction() -> None:
    asked: list[str] = []

    def reply(messages: tuple[JsonObject, ...]) -> str:
        asked.append(text_of(messages[0]))
        return "Verdict: SAME" if asked[-1].endswith(STRICT) else "Well."

    assert judged(reply) == ("equivalent", JudgeCounts(judged=1, unread=1))
    assert [text.endswith(STRICT) for text in asked] == [False, True]


def test_if_a_reply_has_no_verdict_the_other_order_decides() -> None:
    assert judged(replies("Well.", "Hm.", "Verdict: SAME")) == (
        "equivalent",
        JudgeCounts(judged=1, unread=2),
    )


def test_an_answer_without_any_verdict_has_none_and_is_counted() -> None:
    assert judged(replies("Well.", "Hm.", "So.", "Yes.")) == (
        None,
        JudgeCounts(judged=1, unread=4, undecided=1),
    )


def test_a_worse_verdict_stands_if_the_other_order_has_no_verdict() -> None:
    script = prefers(TIER_3)
    first = [True]

    def once(messages: tuple[JsonObject, ...]) -> str:
        return script(messages) if first and first.pop() else "Hm."

    assert judged(once) == ("worse", JudgeCounts(judged=1, unread=2))


def test_a_refused_request_is_a_missing_reply() -> None:
    def refuse(_: tuple[JsonObject, ...]) -> str:
        raise InvalidModelRequestError("The request is too long.", status=400)

    assert judged(refuse) == (None, JudgeCounts(judged=1, unread=2, undecided=1))


def test_a_judge_that_takes_a_schema_is_asked_for_json() -> None:
    calls = ScriptedCalls(lambda _: '{"reason": "Both are right.", "verdict": "SAME"}')
    judge = JudgeAnswers(calls, JudgeModel("openai/judge", takes_schema=True))
    assert judge(example(1), TIER_3, "42") == "equivalent"
    assert [params for _, params, _ in calls.asked] == [
        {"temperature": 0, "response_format": VERDICT_SCHEMA}
    ]


def test_a_judge_that_refuses_the_schema_is_asked_without_it_from_then_on() -> None:
    class Refusing(ScriptedCalls):
        def __call__(
            self,
            name: str,
            messages: tuple[JsonObject, ...],
            params: Mapping[str, JsonValue],
            purpose: Purpose,
            *,
            about: str | None = None,
        ) -> Reply:
            reply = super().__call__(name, messages, params, purpose)
            if "response_format" in params:
                raise InvalidModelRequestError("response_format is not supported.", status=400)
            return reply

    calls = Refusing(lambda _: "Verdict: SAME")
    judge = JudgeAnswers(calls, JudgeModel("openai/judge", takes_schema=True))
    assert [judge(example(n), TIER_3, "42") for n in range(3)] == ["equivalent"] * 3
    assert ["response_format" in params for _, params, _ in calls.asked] == [True, *[False] * 3]


def test_a_judge_without_verdicts_stops_the_run_before_its_end() -> None:
    judge = JudgeAnswers(ScriptedCalls(lambda _: "I like both."), JUDGE)
    with pytest.raises(NotUnderstoodError, match=r"In 20 of 20 pairs of answers, openai/judge"):
        for number in range(1000):
            judge(example(number), TIER_3, "42")


@pytest.mark.parametrize(("silent", "stops"), [(5, False), (6, True)])
def test_more_than_the_allowed_share_without_a_verdict_stops_the_run(
    silent: int, stops: bool
) -> None:
    hard = tuple(f"What is {number} times 7?" for number in range(silent))

    def reply(messages: tuple[JsonObject, ...]) -> str:
        return "Hm." if any(query in text_of(messages[-1]) for query in hard) else "Verdict: SAME"

    judge = JudgeAnswers(ScriptedCalls(reply), JUDGE, 0.05)
    verdicts = [judge(example(number), TIER_3, "42") for number in range(100)]
    assert verdicts.count(None) == silent
    with pytest.raises(NotUnderstoodError, match="6 of 100") if stops else nullcontext():
        judge.check()


def test_a_simulated_judge_that_knows_nothing_is_asked_once_and_stops_nothing() -> None:
    calls = ScriptedCalls(lambda _: ABSTAINED)
    judge = JudgeAnswers(calls, JUDGE)
    assert {judge(example(number), TIER_3, "42") for number in range(50)} == {None}
    assert judge.counts == JudgeCounts(judged=50, abstained=50)
    assert len(calls.asked) == 50
    judge.check()


def test_agreement_leaves_out_pairs_without_a_verdict() -> None:
    labeled = [LabeledAnswer(example(1), TIER_3, "42", equivalent=True)]
    judge = JudgeAnswers(ScriptedCalls(lambda _: "Hm."), JUDGE)
    agreement = measure_agreement(judge, labeled)
    assert (agreement.n, agreement.share, agreement.kappa) == (0, None, None)


def test_a_reached_budget_ends_the_run() -> None:
    def broke(_: tuple[JsonObject, ...]) -> str:
        raise BudgetReachedError("stop")

    with pytest.raises(BudgetReachedError):
        judged(broke)


def test_agreement_leaves_out_identical_answers() -> None:
    labeled = [LabeledAnswer(example(n), TIER_3, "42", equivalent=n % 4 > 0) for n in range(40)]
    labeled += [LabeledAnswer(example(n), TIER_3, TIER_3, equivalent=True) for n in range(40)]
    judge = JudgeAnswers(ScriptedCalls(prefers(TIER_3)), JUDGE)
    agreement = measure_agreement(judge, labeled)
    assert (agreement.n, agreement.share, agreement.flip_rate) == (40, 0.25, 0.0)
    assert agreement.kappa == 0


def test_the_simulated_judge_repeats_the_recorded_scores() -> None:
    """It does nothing else: this shows that the machinery works, and says nothing about judges."""

    def ask(messages: tuple[JsonObject, ...]) -> str:
        return complete(OfflineClient().stream(ModelCall("judge", messages))).text

    judge = JudgeAnswers(ScriptedCalls(ask), JudgeModel("offline/judge"))
    labeled = [
        LabeledAnswer(
            Example(id=row.id, query=row.query),
            row.models["offline/large"].answer,
            row.models[size].answer,
            row.models[size].score >= row.models["offline/large"].score,
        )
        for row, size in product(recorded_rows(), OFFLINE_MODELS[:2])
    ]
    agreement = measure_agreement(judge, labeled, threads=1)
    assert agreement.n > 700
    assert agreement.kappa is not None
    assert agreement.kappa > 0.99
    assert agreement.flip_rate == 0
    assert judge.counts.unread == 0
