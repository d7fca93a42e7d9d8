"""Answers are judged blind, and one order alone never condemns an answer."""

from collections.abc import Callable, Mapping
from itertools import product

import pytest
from pydantic import JsonValue

from route_switch.adapters.models.offline import OfflineClient
from route_switch.domain.completion import complete
from route_switch.domain.errors import BudgetReachedError, InvalidModelRequestError
from route_switch.domain.learning.example import Example
from route_switch.domain.ports import JsonObject, ModelCall
from route_switch.domain.pricing import Usage
from route_switch.domain.query import text_of
from route_switch.services.learning.judge_answers import (
    JudgeAnswers,
    JudgeCounts,
    LabeledAnswer,
    measure_agreement,
)
from route_switch.services.learning.paid_calls import Purpose, Reply
from route_switch_offline import OFFLINE_MODELS, load_sample

TIER_3 = "It is forty-two."
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


def judged(script: Script, number: int = 1) -> tuple[str, JudgeCounts]:
    judge = JudgeAnswers(ScriptedCalls(script), "openai/judge")
    return judge(example(number), TIER_3, "42"), judge.counts


@pytest.mark.parametrize("number", range(8))
def test_an_answer_is_worse_if_both_orders_say_so(number: int) -> None:
    assert judged(prefers(TIER_3), number) == ("worse", JudgeCounts(judged=1, confirmed=1))


@pytest.mark.parametrize("number", range(8))
def test_a_better_verdict_needs_one_call(number: int) -> None:
    calls = ScriptedCalls(prefers("42"))
    assert JudgeAnswers(calls, "openai/judge")(example(number), TIER_3, "42") == "better"
    assert calls.asked == [("openai/judge", {"temperature": 0}, Purpose.JUDGE)]


def test_a_judge_that_always_says_a_never_condemns_and_its_flips_are_counted() -> None:
    judge = JudgeAnswers(ScriptedCalls(lambda _: "Verdict: A"), "openai/judge")
    verdicts = [judge(example(number), TIER_3, "42") for number in range(100)]
    assert set(verdicts) == {"better", "equivalent"}
    assert judge.counts.flipped == verdicts.count("equivalent") > 30
    assert judge.counts.flip_rate == 1.0


def test_identical_answers_are_not_sent_to_the_judge() -> None:
    judge = JudgeAnswers(ScriptedCalls(replies()), "openai/judge")
    assert judge(example(1), TIER_3, f" {TIER_3}\n") == "equivalent"
    assert judge.counts == JudgeCounts(identical=1)
    assert judge.counts.flip_rate is None


def test_if_a_reply_has_no_verdict_the_other_order_decides() -> None:
    assert judged(replies("Well.", "Verdict: SAME")) == (
        "equivalent",
        JudgeCounts(judged=1, unread=1),
    )


def test_an_answer_without_any_verdict_is_graded_worse_and_counted() -> None:
    assert judged(replies("Well.", "Hm.")) == (
        "worse",
        JudgeCounts(judged=1, unread=2, undecided=1),
    )


def test_a_worse_verdict_stands_if_the_other_order_has_no_verdict() -> None:
    script = prefers(TIER_3)
    first = [True]

    def once(messages: tuple[JsonObject, ...]) -> str:
        return script(messages) if first and first.pop() else "Hm."

    assert judged(once) == ("worse", JudgeCounts(judged=1, unread=1))


def test_a_refused_request_is_a_missing_reply() -> None:
    def refuse(_: tuple[JsonObject, ...]) -> str:
        raise InvalidModelRequestError("The request is too long.", status=400)

    assert judged(refuse) == ("worse", JudgeCounts(judged=1, unread=2, undecided=1))


def test_a_reached_budget_ends_the_run() -> None:
    def broke(_: tuple[JsonObject, ...]) -> str:
        raise BudgetReachedError("stop")

    with pytest.raises(BudgetReachedError):
        judged(broke)


def test_agreement_leaves_out_identical_answers() -> None:
    labeled = [LabeledAnswer(example(n), TIER_3, "42", equivalent=n % 4 > 0) for n in range(40)]
    labeled += [LabeledAnswer(example(n), TIER_3, TIER_3, equivalent=True) for n in range(40)]
    judge = JudgeAnswers(ScriptedCalls(prefers(TIER_3)), "openai/judge")
    agreement = measure_agreement(judge, labeled)
    assert (agreement.n, agreement.share, agreement.flip_rate) == (40, 0.25, 0.0)
    assert agreement.kappa == 0


def test_the_simulated_judge_repeats_the_recorded_scores() -> None:
    """It does nothing else: this shows that the machinery works, and says nothing about judges."""

    def ask(messages: tuple[JsonObject, ...]) -> str:
        return complete(OfflineClient().stream(ModelCall("judge", messages))).text

    judge = JudgeAnswers(ScriptedCalls(ask), "offline/judge")
    labeled = [
        LabeledAnswer(
            Example(id=row.id, query=row.query),
            row.models["offline/large"].answer,
            row.models[size].answer,
            row.models[size].score >= row.models["offline/large"].score,
        )
        for row, size in product(load_sample(), OFFLINE_MODELS[:2])
        if row.models
    ]
    agreement = measure_agreement(judge, labeled, threads=1)
    assert agreement.n > 700
    assert agreement.kappa is not None
    assert agreement.kappa > 0.99
    assert agreement.flip_rate == 0
    assert judge.counts.unread == 0
