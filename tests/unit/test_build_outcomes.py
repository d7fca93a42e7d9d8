"""From examples to the outcome table: calls, grades, and early stops."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from route_switch.domain.errors import (
    BudgetReachedError,
    ConfigurationError,
    InvalidModelRequestError,
    RunStoppedError,
)
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.judging import Verdict
from route_switch.domain.learning.left_out import LeftOutReason
from route_switch.domain.learning.outcome import GradedBy, Outcome, tier_3_output_ratio
from route_switch.domain.learning.understanding import ReplyCount
from route_switch.domain.needs import Capabilities
from route_switch.domain.ports import JsonObject
from route_switch.domain.tiers import Tier
from route_switch.domain.usage import Usage
from route_switch.services.learning.build_outcomes import (
    BuildOutcomes,
    BuiltTable,
    Judge,
)
from route_switch.services.learning.map_ordered import map_ordered
from route_switch.services.learning.paid_calls import Purpose, Reply
from tests.support.sample import recorded_rows

MODELS = {Tier.SMALL: "fake/small", Tier.MEDIUM: "fake/medium", Tier.LARGE: "fake/large"}
BENCHMARK = {Tier.SMALL: "llama", Tier.LARGE: "gpt"}


@dataclass
class FakeCalls:
    """Answers 42, remembers calls like the real implementation, and stops after `cap` paid
    calls."""

    cap: int = 10**9
    refuses: str = "nothing"
    memo: dict[tuple[str, str], Reply] = field(default_factory=dict)
    asked: list[tuple[str, tuple[JsonObject, ...], dict[str, JsonValue], Purpose]] = field(
        default_factory=list
    )
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(
        self,
        name: str,
        messages: tuple[JsonObject, ...],
        params: Mapping[str, JsonValue],
        purpose: Purpose,
        *,
        about: str | None = None,
    ) -> Reply:
        key = name, str(messages)
        with self.lock:
            if key not in self.memo:
                if len(self.asked) >= self.cap:
                    raise BudgetReachedError("the cap is reached")
                self.asked.append((name, messages, dict(params), purpose))
                self.memo[key] = Reply(f"{name} says 42", Usage(10, 20), 0.001, 5.0)
        if self.refuses in key[1]:
            raise InvalidModelRequestError("too long", status=400)
        return self.memo[key]


@dataclass
class FakeJudge:
    verdict: Verdict | None = "worse"
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def __call__(self, example: Example, tier_3_answer: str, answer: str) -> Verdict | None:
        self.asked.append((example.id, tier_3_answer, answer))
        return self.verdict

    def check(self) -> None:
        pass


def build(
    *examples: Example,
    models: Mapping[Tier, str] = MODELS,
    calls: FakeCalls | None = None,
    judge: Judge | None = None,
    threads: int = 2,
) -> BuiltTable:
    builder = BuildOutcomes(calls or FakeCalls(), judge, threads)
    return builder(examples, models, {})


def row(
    example: Example,
    models: Mapping[Tier, str] = MODELS,
    calls: FakeCalls | None = None,
    judge: Judge | None = None,
) -> dict[Tier, Outcome]:
    return build(example, models=models, calls=calls, judge=judge).table.rows[0]


def example(query: str = "What is 6 times 7?", **fields: object) -> Example:
    return Example.model_validate({"query": query, **fields})


def graded(cells: dict[Tier, Outcome]) -> list[tuple[float, bool, GradedBy]]:
    return [(cell.score, cell.equivalent, cell.graded_by) for cell in cells.values()]


def test_each_tier_gets_the_users_request_once() -> None:
    calls = FakeCalls()
    asked = example(conversation=[{"role": "system", "content": "Be brief."}], params={"n": 1})
    cells = row(asked.model_copy(update={"gold": "42"}), calls=calls)
    assert sorted(name for name, *_ in calls.asked) == sorted(MODELS.values())
    assert all(call[1:] == (asked.messages, {"n": 1}, Purpose.ANSWER) for call in calls.asked)
    assert graded(cells) == [(1.0, True, GradedBy.GOLD)] * 3
    assert cells[Tier.SMALL].output_tokens == 20
    assert cells[Tier.SMALL].latency_ms == 5.0


def test_recorded_scores_and_texts_are_used_without_a_call() -> None:
    calls = FakeCalls()
    models = {"fake/small": {"score": 0.5}, "fake/medium": {"answer": "41"}}
    cells = row(example(gold="42", models=models), calls=calls)
    assert [name for name, *_ in calls.asked] == ["fake/large"]
    assert graded(cells) == [
        (0.5, False, GradedBy.RECORDED),
        (0.0, False, GradedBy.GOLD),
        (1.0, True, GradedBy.GOLD),
    ]


@pytest.mark.parametrize(
    ("margin", "no_worse"),
    [(0.0, [False, True, True]), (0.1, [False, True, True]), (0.2, [True, True, True])],
)
def test_a_score_within_the_margin_of_tier_3s_is_no_worse(
    margin: float, no_worse: list[bool]
) -> None:
    """0.8 − 0.6 is above 0.2 in floating point, but the margin includes it."""
    scores = {"a": 0.6, "b": 0.8, "c": 0.8}
    rated = example(models={name: {"score": score} for name, score in scores.items()})
    models = dict(zip(Tier, scores, strict=True))
    built = BuildOutcomes(FakeCalls(), None, 1, margin)([rated], models, {})
    assert [cell.equivalent for cell in built.table.rows[0].values()] == no_worse
    assert [cell.score for cell in built.table.rows[0].values()] == [0.6, 0.8, 0.8]


def test_a_margin_does_not_soften_a_verdict_of_the_judge() -> None:
    answered = example(models={name: {"answer": name} for name in "abc"})
    models = dict(zip(Tier, "abc", strict=True))
    built = BuildOutcomes(FakeCalls(), FakeJudge("worse"), 1, 0.9)([answered], models, {})
    assert [cell.equivalent for cell in built.table.rows[0].values()] == [False, False, True]


def test_a_recorded_score_takes_precedence_over_the_gold_answer() -> None:
    models = {"llama": {"score": 1, "answer": "wrong"}, "gpt": {"score": 0, "answer": "42"}}
    cells = row(example(gold="42", models=models), models=BENCHMARK)
    assert graded(cells) == [(1.0, True, GradedBy.RECORDED), (0.0, True, GradedBy.RECORDED)]


def test_feedback_overrides_the_test_of_its_own_tier_only() -> None:
    cells = row(example(gold="42", feedback={1: False, 3: False}))
    assert graded(cells) == [
        (0.0, False, GradedBy.FEEDBACK),
        (1.0, True, GradedBy.GOLD),
        (1.0, True, GradedBy.GOLD),
    ]
    models = {"fake/small": {"answer": "7"}}
    assert row(example(gold="42", models=models))[Tier.SMALL].score == 0.0
    assert row(example(gold="42", models=models, feedback={1: True}))[Tier.SMALL].score == 1.0


def test_without_gold_the_judge_compares_with_tier_3() -> None:
    judge = FakeJudge("worse")
    cells = row(example(id="q"), judge=judge)
    assert graded(cells) == [
        (0.0, False, GradedBy.JUDGE),
        (0.0, False, GradedBy.JUDGE),
        (1.0, True, GradedBy.JUDGE),
    ]
    assert judge.asked[0] == ("q", "fake/large says 42", "fake/small says 42")


@pytest.mark.parametrize("verdict", ["better", "equivalent"])
def test_no_worse_than_tier_3_is_equivalent(verdict: Verdict) -> None:
    cells = row(example(), judge=FakeJudge(verdict))
    assert graded(cells) == [(1.0, True, GradedBy.JUDGE)] * 3


def test_identical_answers_and_tiers_with_feedback_skip_the_judge() -> None:
    judge = FakeJudge()
    models = {"fake/large": {"answer": "Yes.\n"}, "fake/small": {"answer": "Yes."}}
    cells = row(example(models=models, feedback={2: False}), judge=judge)
    assert judge.asked == []
    assert [cell.equivalent for cell in cells.values()] == [True, False, True]


def test_an_example_is_not_graded_partly_by_tests_and_partly_by_the_judge() -> None:
    judge = FakeJudge("equivalent")
    models = {"fake/small": {"score": 0.3, "answer": "No."}}
    cells = row(example(models=models), judge=judge)
    assert {cell.graded_by for cell in cells.values()} == {GradedBy.JUDGE}


NO_RESULT = example("a", gold="1", models={"llama": {"score": 1}})
NO_TEXT = example("b", models={"fake/small": {"score": 1}})
REFUSED = example("refuse this", gold="1")
GOOD = example("c", gold="1", models={"gpt": {"score": 1}, "llama": {"score": 1}})


def test_examples_without_outcomes_are_left_out_and_counted() -> None:
    built = build(NO_RESULT, GOOD, models=BENCHMARK)
    assert (built.table.examples, built.left_out) == ((GOOD,), {LeftOutReason.NO_RESULT: 1})
    built = build(NO_TEXT, GOOD, judge=FakeJudge())
    assert (built.table.examples, built.left_out) == ((GOOD,), {LeftOutReason.NO_TEXT: 1})
    asked = example("c", gold="42")
    built = build(REFUSED, asked, calls=FakeCalls(refuses="refuse this"))
    assert (built.table.examples, built.left_out) == ((asked,), {LeftOutReason.REFUSED: 1})
    assert built.understanding.answers == ReplyCount(asked=2, not_understood=1)


def test_no_call_is_made_for_an_example_that_cannot_be_graded() -> None:
    calls = FakeCalls()
    with pytest.raises(ConfigurationError, match="or configure a judge"):
        build(example(), example("other", gold="A long text that no rule compares."), calls=calls)
    assert calls.asked == []


@pytest.mark.parametrize(
    ("examples", "models", "reason"),
    [
        ((), MODELS, "There are no examples"),
        (
            (NO_RESULT,),
            BENCHMARK,
            "have results of llama.*1 without a result from each tier's model",
        ),
        ((example(gold="1"),), BENCHMARK, "have no results of any model"),
        ((NO_TEXT,), MODELS, "1 with nothing to grade"),
        ((GOOD,), {Tier.LARGE: "gpt"}, "at least one more"),
    ],
)
def test_when_no_example_remains_the_error_says_what_to_add(
    examples: tuple[Example, ...], models: dict[Tier, str], reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        build(*examples, models=models)


def questions(count: int) -> list[Example]:
    return [example(f"question {n}", id=n, gold="42") for n in range(count)]


@pytest.mark.parametrize("threads", [1, 8])
def test_rows_keep_the_order_of_the_examples(threads: int) -> None:
    examples = questions(40)
    built = build(*examples, threads=threads)
    assert built.table.examples == tuple(examples)
    assert built.table == build(*examples).table


@given(st.lists(st.integers(0, 30), max_size=4), st.sampled_from([1, 3]))
def test_a_build_that_is_stopped_anywhere_and_repeated_pays_for_each_answer_once(
    caps: list[int], threads: int
) -> None:
    examples = questions(9)
    calls = FakeCalls()
    for cap in sorted(caps):
        calls.cap = cap
        try:
            build(*examples, calls=calls, threads=threads)
        except RunStoppedError:
            assert len(calls.asked) == cap
    calls.cap = 27
    assert build(*examples, calls=calls, threads=threads) == build(*examples)
    assert len(calls.asked) == 27


def test_the_answers_that_a_build_pays_for_are_known_in_advance() -> None:
    examples = [*questions(3), GOOD, example("no gold")]
    builder = BuildOutcomes(FakeCalls(), None, 1)
    missing = builder.missing(examples, MODELS)
    assert [(each.example.id, each.tier) for each in missing[:4]] == [
        ("0", Tier.SMALL),
        ("0", Tier.MEDIUM),
        ("0", Tier.LARGE),
        ("1", Tier.SMALL),
    ]
    assert len(missing) == 12


def test_the_first_stop_prevents_further_calls() -> None:
    begun: list[int] = []
    stopped = threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        if number == 3:
            stopped.set()
            raise BudgetReachedError("stop")
        if number == 0:
            stopped.wait(30)
        return number

    with pytest.raises(BudgetReachedError):
        map_ordered(work, range(10_000), threads=2)
    assert len(begun) < 20


def test_the_output_ratio_is_weighted_and_unknown_without_tokens() -> None:
    def writes(weight: float, small: int | None, large: int) -> Example:
        models = {
            "llama": {"score": 1, "output_tokens": small},
            "gpt": {"score": 1, "output_tokens": large},
        }
        return example(f"{small} {large}", weight=weight, models=models)

    table = build(writes(1, 10, 40), writes(3, 20, 20), writes(1, None, 99), models=BENCHMARK).table
    assert tier_3_output_ratio(table) == {Tier.SMALL: 100 / 70, Tier.LARGE: 1.0}
    unknown = build(writes(1, None, 9), models=BENCHMARK).table
    assert tier_3_output_ratio(unknown)[Tier.SMALL] is None


def test_the_recorded_sample_needs_no_call() -> None:
    sample = [Example.model_validate(each.model_dump()) for each in recorded_rows()]
    models = dict(zip(Tier, ("offline/small", "offline/medium", "offline/large"), strict=True))
    calls = FakeCalls()
    built = build(*sample, models=models, calls=calls)
    assert calls.asked == []
    assert len(built.table.rows) == len(sample) > 700
    assert {cell.graded_by for cells in built.table.rows for cell in cells.values()} == {
        GradedBy.RECORDED
    }


PICTURE: JsonObject = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
REMOTE: JsonObject = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
CALL: JsonObject = {"type": "function", "function": {"name": "find", "arguments": "{}"}}
STEPS: list[JsonObject] = [
    {"role": "user", "content": "Where is it?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c", "content": "In the cellar."},
]


def picture(part: JsonObject) -> Example:
    content = [{"type": "text", "text": "What is 6 times 7?"}, part]
    return Example.model_validate(
        {"messages": [{"role": "user", "content": content}], "gold": "42"}
    )


def test_every_tier_gets_the_turns_of_an_agent_exactly_as_they_were() -> None:
    calls = FakeCalls()
    agent = Example.model_validate({"messages": STEPS, "gold": "42"})
    build(agent, picture(PICTURE), calls=calls)
    sent = [[*messages] for _, messages, _, _ in calls.asked]
    assert sent.count(STEPS) == sent.count([*picture(PICTURE).messages]) == 3


@pytest.mark.parametrize(
    ("example", "lacks"),
    [
        (picture(PICTURE), Capabilities(vision=False)),
        (Example.model_validate({"messages": STEPS, "gold": "42"}), Capabilities(tools=False)),
        (example(gold="42", params={"tools": [{"type": "function"}]}), Capabilities(tools=False)),
        (example("word " * 3000, gold="42"), Capabilities(input_tokens=1000)),
    ],
)
def test_an_example_that_a_tiers_model_cannot_serve_is_left_out_before_it_is_called(
    example: Example, lacks: Capabilities
) -> None:
    calls = FakeCalls()
    capabilities = {"fake/small": lacks}
    builder = BuildOutcomes(
        calls, None, 1, capabilities=lambda name: capabilities.get(name, Capabilities())
    )
    built = builder([example, row_of_seven()], MODELS, {})
    assert built.left_out == {LeftOutReason.CANNOT_SERVE: 1}
    assert built.table.examples == (row_of_seven(),)
    assert all("6 times 7" in str(messages) for _, messages, _, _ in calls.asked)


def row_of_seven() -> Example:
    return example("What is 6 times 7, please?", gold="42")


def test_expired_urls_are_left_out_and_do_not_stop_the_run() -> None:
    rows = [picture(REMOTE), row_of_seven()]
    built = build(*rows, calls=FakeCalls(refuses="https://example.com"))
    assert built.left_out == {LeftOutReason.ATTACHMENT_GONE: 1}
    assert built.understanding.answers.not_understood == 0
