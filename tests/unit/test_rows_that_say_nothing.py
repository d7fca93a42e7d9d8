"""A row says something only if Tier 3's own answer is known to be adequate or is compared."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from pydantic import JsonValue

from route_switch.domain.errors import (
    ConfigurationError,
    InvalidModelRequestError,
    NotUnderstoodError,
)
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.judging import Verdict
from route_switch.domain.learning.left_out import LeftOutReason
from route_switch.domain.learning.outcome import NO_RECORDING, GradedBy, Outcome
from route_switch.domain.learning.understanding import ReplyCount
from route_switch.domain.ports import JsonObject
from route_switch.domain.tiers import Tier
from route_switch.domain.usage import Usage
from route_switch.services.learning.build_outcomes import BuildOutcomes, BuiltTable, Judge
from route_switch.services.learning.paid_calls import Purpose, Reply

SMALL, LARGE = Tier.SMALL, Tier.LARGE
RECORDED = {SMALL: "s", LARGE: "l"}
CALLED = {SMALL: "openai/s", LARGE: "openai/l"}
LETTERS = "ABCD"


def asks(number: int, **models: object) -> Example:
    fields = {"query": f"question {number}", "gold": "B", "models": models}
    return Example.model_validate(fields)


def answers(text: str) -> dict[str, object]:
    return {"answer": text, "cost_usd": 0.01}


@dataclass
class Knows:
    """A judge with one verdict for every pair."""

    verdict: Verdict | None = "worse"
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __call__(self, example: Example, tier_3_answer: str, answer: str) -> Verdict | None:
        self.asked.append((tier_3_answer, answer))
        return self.verdict

    def check(self) -> None:
        pass


@dataclass
class Models:
    """Each model answers with its message, or refuses with its words."""

    messages: Mapping[str, JsonObject | str]
    asked: list[dict[str, JsonValue]] = field(default_factory=list)

    def __call__(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,
        *,
        about: str | None = None,
    ) -> Reply:
        self.asked.append(dict(params))
        message = self.messages[name]
        if isinstance(message, str):
            raise InvalidModelRequestError(message, status=400)
        calls = message.get("tool_calls")
        return Reply(
            str(message.get("content") or ""),
            Usage(1, 1),
            0.0,
            1.0,
            tool_calls=tuple(c for c in calls if isinstance(c, dict))
            if isinstance(calls, list)
            else (),
        )


def build(
    *examples: Example,
    judge: Judge | None = None,
    calls: Models | None = None,
    limit: float = 0.05,
) -> BuiltTable:
    models = RECORDED if calls is None else CALLED
    builder = BuildOutcomes(calls or Models({}), judge, 1, max_not_understood=limit)
    return builder(examples, models, {})


def only(built: BuiltTable) -> dict[Tier, Outcome]:
    [row] = built.table.rows
    return row


RIGHT = asks(0, s=answers("Die Antwort ist A."), l=answers("Es muss B sein."))


def test_gold_in_another_language_grades_both_tiers() -> None:
    row = only(build(RIGHT))
    assert [row[tier].equivalent for tier in (SMALL, LARGE)] == [False, True]
    assert row[LARGE].score == 1.0


MISSED = asks(1, s=answers("A"), l=answers("C"))
UNREAD = asks(2, s=answers("A"), l=answers("Nobody can tell this for certain."))


def test_a_gold_that_tier_3_misses_says_nothing_without_a_judge() -> None:
    built = build(RIGHT, MISSED, UNREAD, limit=0.5)
    assert built.table.examples == (RIGHT,)
    assert built.left_out == {LeftOutReason.GOLD_MISSED: 1, LeftOutReason.GOLD_UNREAD: 1}
    assert built.understanding.gold == ReplyCount(asked=3, not_understood=1)
    assert built.understanding.gold_missed == 1


@pytest.mark.parametrize("example", [MISSED, UNREAD])
def test_the_judge_grades_what_gold_cannot(example: Example) -> None:
    judge = Knows("worse")
    row = only(build(example, judge=judge))
    assert len(judge.asked) == 1
    assert row[SMALL].graded_by is GradedBy.JUDGE
    assert not row[SMALL].equivalent


def test_an_unread_answer_of_another_tier_goes_to_the_judge_and_without_one_counts_as_wrong() -> (
    None
):
    example = asks(3, s=answers("Das zweite, glaube ich."), l=answers("B"))
    assert only(build(example))[SMALL].score == 0.0
    judged = only(build(example, judge=Knows("equivalent")))
    assert {cell.graded_by for cell in judged.values()} == {GradedBy.JUDGE}
    assert judged[SMALL].equivalent


def test_golds_that_are_not_recognized_stop_the_run_above_the_share() -> None:
    rows = [RIGHT.model_copy(update={"query": f"right {n}"}) for n in range(57)]
    unread = [UNREAD.model_copy(update={"query": f"unread {n}"}) for n in range(4)]
    assert build(*rows, *unread[:3]).left_out == {LeftOutReason.GOLD_UNREAD: 3}
    message = r"In 4 of 61 rows with a gold answer, it was not recognized.*6\.6%; 5\.0% is allowed"
    with pytest.raises(NotUnderstoodError, match=message):
        build(*rows, *unread)
    assert build(*rows, *unread, judge=Knows()).left_out == {}
    assert len(build(*rows, *unread, limit=0.1).table.rows) == 57


def test_junk_gold_of_clients_is_left_out_but_stops_nothing() -> None:
    junk = [
        asks(n, s=answers("Paris."), l=answers("It is Paris, of course.")).model_copy(
            update={"from_traffic": True, "gold": "zzzz banana"}
        )
        for n in range(50)
    ]
    built = build(RIGHT, *junk)
    assert built.table.examples == (RIGHT,)
    assert built.left_out == {LeftOutReason.GOLD_UNREAD: 50}


def call(name: str, arguments: str) -> JsonObject:
    return {"content": None, "tool_calls": [{"function": {"name": name, "arguments": arguments}}]}


def talks(number: int = 0, params: JsonObject | None = None) -> Example:
    return Example.model_validate({"query": f"Cancel my order {number}.", "params": params or {}})


def test_answers_with_different_tool_calls_are_shown_to_the_judge() -> None:
    judge = Knows("worse")
    models = {"openai/s": call("delete", '{"id": 7}'), "openai/l": call("cancel", '{"id": 7}')}
    row = only(build(talks(), judge=judge, calls=Models(models)))
    assert judge.asked == [
        ('[calls the tool cancel with {"id": 7}]', '[calls the tool delete with {"id": 7}]')
    ]
    assert not row[SMALL].equivalent


def test_equal_tool_calls_need_no_judge() -> None:
    judge = Knows("worse")
    models = {
        "openai/s": call("cancel", '{"b": 1.0, "id": 7}'),
        "openai/l": {**call("cancel", '{ "id": 7, "b": 1}'), "content": "I will cancel it."},
    }
    assert only(build(talks(), judge=judge, calls=Models(models)))[SMALL].equivalent
    assert judge.asked == []


def test_recorded_tool_calls_are_compared_too() -> None:
    recorded = {
        name: {"tool_calls": call(tool, "{}")["tool_calls"], "cost_usd": 0.1}
        for name, tool in {"s": "delete", "l": "cancel"}.items()
    }
    example = Example.model_validate({"query": "Cancel it.", "models": recorded})
    assert not only(build(example, judge=Knows("worse")))[SMALL].equivalent


def test_a_row_to_which_tier_3_wrote_nothing_is_left_out() -> None:
    silent: dict[str, JsonObject | str] = {
        "openai/s": {"content": "Hi."},
        "openai/l": {"content": " "},
    }
    with pytest.raises(ConfigurationError, match="1 for which Tier 3 wrote nothing"):
        build(talks(), judge=Knows(), calls=Models(silent), limit=1.0)
    with pytest.raises(NotUnderstoodError, match="In 4 of 4 examples, Tier 3 wrote nothing"):
        build(*map(talks, range(4)), judge=Knows(), calls=Models(silent))


def test_refusals_above_the_share_stop_the_run_with_the_providers_words() -> None:
    refusing: dict[str, JsonObject | str] = {
        "openai/s": "openai/s: 'penalty' is unknown.",
        "openai/l": {"content": "Hi."},
    }
    with pytest.raises(NotUnderstoodError, match="In 5 of 5 examples that tiers were") as raised:
        build(*map(talks, range(5)), judge=Knows(), calls=Models(refusing))
    assert "'penalty' is unknown." in raised.value.detail
    assert "penalty" not in str(raised.value), "a log must not show it: it may quote a query"


def test_a_missing_recording_of_a_simulated_tier_is_not_a_refusal() -> None:
    models: dict[str, JsonObject | str] = {
        "openai/s": {"content": NO_RECORDING},
        "openai/l": {"content": "B"},
    }
    with pytest.raises(ConfigurationError, match="5 whose answers are simulated"):
        build(*map(talks, range(5)), judge=Knows(), calls=Models(models))


def test_fields_that_say_how_a_call_was_sent_are_not_replayed() -> None:
    calls = Models({"openai/s": {"content": "a"}, "openai/l": {"content": "b"}})
    sent: JsonObject = {
        "stream": True,
        "stream_options": {},
        "model": "x",
        "timeout": 3,
        "temperature": 0.5,
    }
    build(talks(params=sent), judge=Knows(), calls=calls)
    assert calls.asked == [{"temperature": 0.5}] * 2


RATED = Example.model_validate(
    {
        "query": "q",
        "models": {"s": answers("Paris"), "l": answers("Rome")},
        "feedback": {1: False},
    }
)


def test_feedback_on_the_other_tiers_alone_says_nothing_about_tier_3() -> None:
    with pytest.raises(ConfigurationError, match="feedback on other tiers only"):
        build(RATED)
    assert only(build(RATED, judge=Knows("equivalent")))[SMALL].graded_by is GradedBy.JUDGE
    known = RATED.model_copy(update={"feedback": {SMALL: False, LARGE: True}})
    row = only(build(known))
    assert [row[tier].graded_by for tier in (SMALL, LARGE)] == [GradedBy.FEEDBACK] * 2
    assert not row[SMALL].equivalent


def test_a_pair_without_a_verdict_is_left_out() -> None:
    with pytest.raises(ConfigurationError, match="1 without a readable verdict of the judge"):
        build(RATED, judge=Knows(None))
