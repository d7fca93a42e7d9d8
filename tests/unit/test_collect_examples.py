"""Examples from recorded traffic."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from route_switch.domain.clients import client_of
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.learning_ports import LoadedRequests, RoutedRequests
from route_switch.domain.learning.past_request import GivenFeedback, PastRequest
from route_switch.domain.learning.split import Side, side_of
from route_switch.domain.request_record import Attempt, NotReplayable
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.sampling import Arc
from route_switch.domain.tier_parameters import TierParameters
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels
from route_switch.domain.usage import Usage
from route_switch.services.learning import collect_examples
from route_switch.services.learning.collect_examples import CollectedExamples, CollectExamples
from tests.support.effort import draws
from tests.support.outcomes import spelled

TODAY = [date(2026, 1, 31)]
CATALOG = ModelCatalog(
    tiers={
        Tier.SMALL: TierModels(model="openai/small", fallbacks=("openai/small-2",)),
        Tier.MEDIUM: TierModels(model="openai/medium"),
        Tier.LARGE: TierModels(model="openai/large"),
    },
    router="openai/router",
)


def asked(request_id: str, query: str = "Why?", **changes: Any) -> PastRequest:
    model = str(changes.get("model", "openai/small"))
    tier = changes.get("tier", Tier.SMALL)
    values: dict[str, object] = {
        "request_id": request_id,
        "query_text": query,
        "answer_text": "Because.",
        "tier": tier,
        "model": model,
        "attempts": [Attempt(model, tier, "answered", 80.0, Usage(11, 7), 0.00002)],
        "conversation": (),
        "params": {},
    }
    return PastRequest.model_validate({**values, **changes})


@dataclass
class Traffic:
    """Recorded requests in memory."""

    requests: Sequence[PastRequest]
    voted: Sequence[str] = ()
    expired: Sequence[str] = ()
    unreadable: Sequence[str] = ()
    not_replayable: dict[NotReplayable, int] = field(default_factory=dict)

    def count(self, days: Sequence[date]) -> RoutedRequests:
        return RoutedRequests(len(self.requests), self.not_replayable)

    def draw(self, days: Sequence[date], arc: Arc) -> list[str]:
        ids = (request.request_id for request in self.requests)
        return [id_ for id_ in ids if arc.offset_of(id_) < arc.length]

    def with_feedback(self, days: Sequence[date], limit: int) -> list[str]:
        return list(self.voted[:limit])

    def keys(self, request_ids: Sequence[str]) -> dict[str, str]:
        return {request.request_id: request.key_id for request in self.requests}

    def load(self, request_ids: Sequence[str]) -> LoadedRequests:
        by_id = {request.request_id: request for request in self.requests}
        found = [id_ for id_ in request_ids if id_ not in (*self.expired, *self.unreadable)]
        unreadable = tuple(id_ for id_ in request_ids if id_ in self.unreadable)
        return LoadedRequests(tuple(by_id[id_] for id_ in found), unreadable)


def collect(
    traffic: Traffic,
    wanted: int = 1000,
    seed: int = 0,
    allowed: Callable[[Example], Example | None] = lambda example: example,
) -> CollectedExamples:
    config = RouterConfig(models=CATALOG)
    return CollectExamples(traffic, traffic, config, allowed)(TODAY, wanted, seed)


def test_an_example_contains_the_request_and_the_answer() -> None:
    conversation = [{"role": "system", "content": "Be brief."}]
    request = asked("a", conversation=conversation, params={"temperature": 0.2})
    [example] = collect(Traffic([request])).examples
    assert (example.id, example.query, example.weight) == ("a", "Why?", 1.0)
    assert example.messages == (*conversation, {"role": "user", "content": "Why?"})
    assert example.params == {"temperature": 0.2}
    assert example.from_traffic
    assert not example.train_only
    result = example.models["openai/small"]
    assert (result.answer, result.cost_usd, result.latency_ms) == ("Because.", 0.00002, 80.0)
    assert (result.input_tokens, result.output_tokens) == (11, 7)


def test_the_cost_of_an_answer_excludes_the_router_and_failed_calls() -> None:
    attempts = (
        Attempt("openai/router", None, "answered", 50.0, Usage(500, 1), 0.5),
        Attempt("openai/small", Tier.SMALL, "failed", 9.0, None, 0.0),
        Attempt("openai/small-2", Tier.SMALL, "answered", 70.0, Usage(11, 7), 0.25),
    )
    [example] = collect(Traffic([asked("a", model="openai/small-2", attempts=attempts)])).examples
    assert example.models.keys() == {"openai/small-2"}
    assert example.models["openai/small-2"].cost_usd == 0.25


def test_an_answer_without_text_is_not_reused() -> None:
    [example] = collect(Traffic([asked("a", answer_text="")])).examples
    assert example.models == {}


def test_a_thumb_applies_to_the_tier_whose_model_answered() -> None:
    down = GivenFeedback(adequate=False, gold="Rayleigh scattering.")
    requests = [
        asked("a", "Why blue?", feedback=down),
        asked("b", "Why red?", feedback=down, model="openai/small-2"),
        asked("c", "Why gray?", feedback=down, model="openai/of-last-year"),
        asked("d", "Why so?", feedback=GivenFeedback(adequate=True), tier=3, model="openai/large"),
    ]
    examples = {e.id: e for e in collect(Traffic(requests)).examples}
    assert examples["a"].feedback == {Tier.SMALL: False}
    assert examples["a"].gold == "Rayleigh scattering."
    assert examples["b"].feedback == examples["c"].feedback == {}
    assert examples["d"].feedback == {Tier.LARGE: True}


@pytest.mark.parametrize(("effort", "is_the_tiers"), [("low", True), ("high", False)])
def test_an_answer_with_the_requests_own_effort_is_not_taken_for_the_tiers(
    effort: str, is_the_tiers: bool
) -> None:
    low = TierModels(model="openai/small", params=TierParameters(reasoning_effort="low"))
    catalog = CATALOG.model_copy(update={"tiers": {**CATALOG.tiers, Tier.SMALL: low}})
    request = asked(
        "a",
        model=low.name,
        params={"reasoning_effort": effort},
        feedback=GivenFeedback(adequate=False, gold="G"),
    )
    example = request.as_example(catalog, weight=1, train_only=False)
    assert (low.name in example.models) == is_the_tiers
    assert (example.feedback == {Tier.SMALL: False}) == is_the_tiers
    assert example.gold == "G", "what the answer should be does not depend on the effort"


def test_equal_requests_become_one_example_with_their_total_weight() -> None:
    requests = [
        *(asked(f"s{n}", "why  is it BLUE?") for n in range(3)),
        *(asked(f"m{n}", "Why is it blue?", tier=2, model="openai/medium") for n in range(2)),
        asked("other", "Why is it red?"),
    ]
    collected = collect(Traffic(requests))
    assert {e.key: e.weight for e in collected.examples} == {
        requests[0].as_example(CATALOG, weight=1, train_only=False).key: 5.0,
        requests[5].as_example(CATALOG, weight=1, train_only=False).key: 1.0,
    }
    [merged] = [e for e in collected.examples if e.weight == 5.0]
    assert merged.models.keys() == {"openai/small", "openai/medium"}
    assert collected.left_out["merged"] == 4


def test_answers_are_not_shared_between_conversations() -> None:
    conversation = [{"role": "system", "content": "Answer in verse."}]
    requests = [asked("a"), asked("b", conversation=conversation, tier=2, model="openai/medium")]
    [merged] = collect(Traffic(requests)).examples
    assert merged.weight == 2.0
    assert merged.models.keys() == {"openai/small" if merged.id == "a" else "openai/medium"}
    assert bool(merged.conversation) == (merged.id == "b")


def test_requests_with_feedback_are_added_for_training_only() -> None:
    requests = [asked(f"r{n}", f"Question {n}?") for n in range(400)]
    voted = [f"r{n}" for n in range(0, 400, 4)]
    collected = collect(Traffic(requests, voted), wanted=40)
    uniform = [e for e in collected.examples if not e.train_only]
    boosted = [e for e in collected.examples if e.train_only]
    assert collected.probability == pytest.approx(0.1)
    assert [e.weight for e in uniform] == pytest.approx([10.0] * len(uniform))
    assert {e.weight for e in boosted} == {1.0}
    assert {e.id for e in boosted} == set(voted) - {e.id for e in uniform}
    assert {e.id for e in uniform} == {e.id for e in collect(Traffic(requests), 40).examples}


@pytest.mark.parametrize("side", Side)
def test_feedback_on_an_equal_request_is_shared_in_training_without_adding_weight(
    side: Side,
) -> None:
    requests = [asked(f"r{n}", f"Question {spelled(n)}?") for n in range(200)]
    found = collect(Traffic(requests), wanted=20).examples
    drawn = next(example for example in found if side_of(example.template_key) is side)
    outside = next(
        id_ for id_ in map(str, range(100)) if Arc.of(0, 0.1).offset_of(id_) > Arc.of(0, 0.1).length
    )
    twin = asked(outside, drawn.query, feedback=GivenFeedback(adequate=False, gold="G"))
    examples = collect(Traffic([*requests, twin], [outside]), wanted=20).examples
    same = next(example for example in examples if example.id == drawn.id)
    assert not same.train_only
    assert same.weight == pytest.approx(201 / 20)
    shared = side is Side.TRAIN
    assert (same.feedback, same.gold) == (({Tier.SMALL: False}, "G") if shared else ({}, None))


DOWN = GivenFeedback(adequate=False, gold="G")


def test_a_label_speaks_only_for_requests_of_the_key_that_gave_it() -> None:
    """Over many drawings, the example is the other key's as often as that key asked."""
    labeled = 0
    for seed in range(200):
        traffic = Traffic(
            [
                *(asked(f"{seed}-a{n}", key_id="key_a") for n in range(3)),
                asked(f"{seed}-b", key_id="key_b", feedback=DOWN),
                *(asked(f"o{n}", f"Other {n}?", key_id="key_a") for n in range(20)),
            ]
        )
        found = collect(traffic, seed=seed).examples
        example = next(e for e in found if e.query == "Why?")
        assert example.asked_by == {"key_a": 3.0, "key_b": 1.0}
        own = example.id.endswith("b")
        assert (example.labeled_by, example.gold) == (("key_b", "G") if own else (None, None))
        labeled += own
    assert 25 <= labeled <= 75


def test_a_repeated_request_of_the_same_user_shares_its_label() -> None:
    requests = [
        asked(f"r{n}", key_id="k", user=user, feedback=DOWN if n % 2 else GivenFeedback())
        for n, user in enumerate(["ann", "ann", "bob"])
    ]
    [example] = collect(Traffic(requests)).examples
    assert "ann" not in repr((example.asked_by, example.labeled_by))
    assert sum(example.asked_by.values()) == example.weight == 3.0
    assert len(example.asked_by) == 2
    assert (example.gold == "G") == (example.id != "r2")


def test_a_label_of_a_trusted_key_is_the_owners() -> None:
    requests = [asked(f"r{k}", f"{k}?", key_id=k, feedback=DOWN) for k in ("mine", "other")]
    config = RouterConfig(models=CATALOG)
    traffic = Traffic(requests)
    trusting = CollectExamples(traffic, traffic, config, lambda e: e, frozenset({"mine"}))
    found = {e.query: e for e in trusting(TODAY, 10).examples}
    assert (found["mine?"].gold, found["mine?"].labeled_by) == ("G", None)


def test_one_key_labels_at_most_a_fifth_of_the_examples_however_much_it_rates() -> None:
    loud = [asked(f"l{n}", f"loud {n}", key_id="loud", feedback=DOWN) for n in range(500)]
    said = {n: DOWN if n % 10 == 0 else GivenFeedback() for n in range(500)}
    quiet = [
        asked(f"q{n}", f"quiet {n}", key_id=f"key_{n % 5}", feedback=said[n]) for n in range(500)
    ]
    collected = collect(Traffic([*loud, *quiet], [r.request_id for r in loud]))
    by = Counter(e.labeled_by for e in collected.examples if not e.train_only)
    assert by["loud"] == 200
    assert sum(by[f"key_{n}"] for n in range(5)) == 50
    assert collected.left_out["capped"] == 300
    assert all(e.gold is None and not e.feedback for e in collected.examples if not e.labeled_by)


def test_feedback_that_was_not_sampled_is_capped_by_key_as_well() -> None:
    requests = [
        asked(f"r{n}", f"Question {n}?", key_id="loud" if n < 900 else "quiet", feedback=DOWN)
        for n in range(1000)
    ]
    collected = collect(Traffic(requests, [r.request_id for r in requests]), wanted=50)
    boosted = Counter(str(e.labeled_by) for e in collected.examples if e.train_only)
    assert boosted["loud"] <= 0.2 * 1000
    assert boosted["quiet"] > 80


def test_a_stack_with_one_key_and_no_users_keeps_its_labels() -> None:
    requests = [asked(f"r{n}", f"Question {n}?", key_id="k", feedback=DOWN) for n in range(50)]
    collected = collect(Traffic(requests))
    assert {e.labeled_by for e in collected.examples} == {"k"}
    assert collected.left_out["capped"] == 0


def test_in_a_stack_with_one_key_each_user_is_capped() -> None:
    requests = [
        asked(f"r{n}", f"{n}?", key_id="k", user="loud" if n < 40 else f"u{n}", feedback=DOWN)
        for n in range(100)
    ]
    by = Counter(e.labeled_by for e in collect(Traffic(requests)).examples)
    assert by[client_of("k", "loud")] == 20
    assert by[None] == 20


def test_unreadable_records_are_left_out_and_named_by_id() -> None:
    deep: object = "secret"
    for _ in range(230):
        deep = {"secret": deep}
    requests = [
        asked("fine", "One?"),
        asked("broken", "Two?"),
        asked("deep", "Three?").model_copy(update={"params": {"x": deep}}),
        asked("no-attempt", "Four?", attempts=[]),
    ]
    collected = collect(Traffic(requests, unreadable=["broken"]))
    assert {e.id for e in collected.examples} == {"fine", "no-attempt"}
    assert set(collected.unreadable) == {"broken", "deep"}
    assert (collected.left_out["unreadable"], collected.left_out["expired"]) == (2, 0)
    assert "secret" not in repr(collected.unreadable)


def test_the_weighted_mean_over_examples_estimates_the_mean_over_requests() -> None:
    popular = [asked(f"p{n}", "What is popular?") for n in range(600)]
    rare = [asked(f"r{n}", f"What is rare, case {n}?") for n in range(400)]
    traffic = Traffic([*popular, *rare])
    totals, hits, seeds = 0.0, 0.0, draws(100, 2000)
    for seed in range(seeds):
        examples = collect(traffic, wanted=50, seed=seed).examples
        totals += sum(e.weight for e in examples)
        hits += sum(e.weight for e in examples if e.query == "What is popular?")
    assert totals / seeds == pytest.approx(1000, rel=0.05)
    assert hits / totals == pytest.approx(0.6, abs=0.02)


def test_the_same_table_and_seed_give_the_same_examples() -> None:
    traffic = Traffic([asked(f"r{n}", f"Question {n}?") for n in range(300)])
    first, again = collect(traffic, 30), collect(traffic, 30)
    assert first == again
    assert {e.id for e in first.examples} != {e.id for e in collect(traffic, 30, 1).examples}


def test_omitted_requests_are_counted_by_reason() -> None:
    traffic = Traffic(
        [asked("a", "One?"), asked("b", "Two?"), asked("c", "my password is hunter2")],
        expired=["b"],
        not_replayable={NotReplayable.ATTACHMENTS: 7},
    )
    collected = collect(
        traffic, allowed=lambda example: None if "password" in example.query else example
    )
    assert [e.id for e in collected.examples] == ["a"]
    assert collected.requests == 3
    assert +Counter(collected.left_out) == {"attachments": 7, "expired": 1, "withheld": 1}


def test_requests_that_are_equal_after_redaction_are_merged() -> None:
    traffic = Traffic([asked("a", "Mail ann@example.org"), asked("b", "Mail bob@example.org")])
    redacted = collect(traffic, allowed=lambda e: e.model_copy(update={"query": "Mail [email]"}))
    assert [(e.query, e.weight) for e in redacted.examples] == [("Mail [email]", 2.0)]


@pytest.mark.parametrize("storage", ["hash", "none"])
def test_without_stored_text_learning_uses_the_seed_file_and_says_so(storage: str) -> None:
    config = RouterConfig.model_validate({"models": CATALOG, "text_storage": storage})
    traffic = Traffic([asked("a")])
    collected = CollectExamples(traffic, traffic, config, lambda e: e)(TODAY, 10)
    assert collected.examples == ()
    assert f"text_storage is '{storage}'" in str(collected.note)
    assert "only the seed file" in str(collected.note)


def test_without_usable_traffic_the_note_says_which_requests_qualify() -> None:
    assert "model 'auto'" in str(collect(Traffic([])).note)
    assert "expired" in str(collect(Traffic([asked("a")], expired=["a"])).note)


def test_an_examples_turn_is_that_of_its_request() -> None:
    turn: list[dict[str, object]] = [
        {"role": "user", "content": "Why?"},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "content": "Because of the rain."},
    ]
    [example] = collect(Traffic([asked("a", turn=turn)])).examples
    assert [*example.messages] == turn


def test_an_answers_calls_of_tools_are_used_without_its_text() -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
    [example] = collect(Traffic([asked("a", answer_text="", tool_calls=[call])])).examples
    assert list(example.models["openai/small"].tool_calls) == [call]


def test_what_an_answer_of_an_earlier_version_called_is_unknown() -> None:
    tools = {"tools": [{"type": "function", "function": {"name": "f"}}]}
    earlier, of_today = asked("a", params=tools), asked("b", "How?", params=tools, tool_calls=[])
    known = {e.id: [*e.models] for e in collect(Traffic([earlier, of_today])).examples}
    assert known == {"a": [], "b": ["openai/small"]}


def of_keys(**sizes: tuple[int, int]) -> Traffic:
    """Return requests by key: how many, and of how many words. Those of all keys are mixed."""
    requests = [
        asked(f"{key}{n}", f"{key} {spelled(n)} " + "word " * words, key_id=key)
        for key, (count, words) in sizes.items()
        for n in range(count)
    ]
    return Traffic(sorted(requests, key=lambda request: hash_of(request.request_id)))


def hash_of(request_id: str) -> int:
    return Arc.of(0, 1.0).offset_of(request_id)


def test_long_requests_of_one_key_displace_none_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collect_examples, "MAX_BYTES", 500_000)
    monkeypatch.setattr(collect_examples, "BYTES_AT_ONCE", 20_000)
    traffic = of_keys(loud=(400, 2_000), quiet=(200, 10), third=(200, 10))
    collected = collect(traffic, wanted=10_000)
    by = Counter(key for example in collected.examples for key in example.asked_by)
    assert (by["quiet"], by["third"]) == (200, 200)
    assert 340 <= collected.left_out["beyond_memory"] <= 380, "the loud key has what they leave"


def test_requests_that_were_loaded_stand_for_those_of_their_key_that_were_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collect_examples, "MAX_BYTES", 300_000)
    monkeypatch.setattr(collect_examples, "BYTES_AT_ONCE", 20_000)
    traffic = of_keys(loud=(1_000, 500), quiet=(200, 100))
    collected = collect(traffic, wanted=10_000)
    assert collected.left_out["beyond_memory"] > 900
    for key, count in (("loud", 1_000), ("quiet", 200)):
        weights = [example.asked_by.get(key, 0.0) for example in collected.examples]
        assert sum(weights) == pytest.approx(count)


def test_without_other_keys_a_key_has_all_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect_examples, "MAX_BYTES", 3_000_000)
    collected = collect(of_keys(only=(200, 2_000)), wanted=10_000)
    assert len(collected.examples) == 200
    assert collected.left_out["beyond_memory"] == 0


def test_the_keys_of_merged_requests_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    collected = collect(Traffic([asked("a"), asked("b"), asked("c", "How?")]))
    assert set(collected.keys) == {"a", "b", "c"}
    assert collected.keys["a"] == collected.keys["b"] != collected.keys["c"]


def test_a_sample_that_is_too_large_for_memory_is_cut_in_its_own_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(collect_examples, "MAX_BYTES", 30_000)
    requests = [asked(f"r{n}", f"{spelled(n)} " * 100, tier=1 + n % 3) for n in range(400)]
    whole = [e.id for e in collect(Traffic(requests), wanted=10_000).examples]
    monkeypatch.setattr(collect_examples, "MAX_BYTES", 10**9)
    assert [e.id for e in collect(Traffic(requests), wanted=10_000).examples][: len(whole)] == whole
    monkeypatch.setattr(collect_examples, "MAX_BYTES", 30_000)
    cut = collect(Traffic(requests), wanted=10_000)
    assert len(cut.examples) < 400
    assert cut.left_out["beyond_memory"] == 400 - len(cut.examples)
    assert cut.left_out["expired"] == 0
