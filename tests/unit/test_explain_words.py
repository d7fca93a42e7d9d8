"""The sentences that explain a routing decision."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.decision import Reason, RoutingDecision
from route_switch.domain.explain_evidence import MAX_QUOTED, evidence_changes
from route_switch.domain.explain_words import Facts, explain_in_words
from route_switch.domain.explanation import Compared, Evidence, TierCost, WeighedText, Weighing
from route_switch.domain.prompt_texts import PromptText
from route_switch.domain.query import Query
from route_switch.domain.sessions import Ground, Move, SessionDecision
from route_switch.domain.shadow import ShadowReason
from route_switch.domain.tiers import Tier

SECRET = "PLANTED words of a user"
tiers = st.sampled_from(Tier)
texts = st.builds(
    PromptText,
    st.sampled_from(["criterion", "demo"]),
    st.integers(1, 9),
    tiers,
    st.text(max_size=9),
)
costs = st.builds(
    lambda usd, allowed: tuple(
        TierCost(t, f"p/m{t.value}", u, a) for t, u, a in zip(Tier, usd, allowed, strict=True)
    ),
    st.tuples(*[st.none() | st.floats(0, 10)] * 3),
    st.tuples(*[st.booleans()] * 3),
)
weighings = st.builds(
    Weighing,
    tiers,
    st.lists(st.builds(WeighedText, texts, st.floats(-1, 1)), max_size=4).map(tuple),
    st.fixed_dictionaries({t: st.floats(-1, 1) for t in Tier}),
    st.sampled_from(Compared),
)
evidence = st.none() | st.builds(
    Evidence, tiers, st.none() | texts, st.none() | weighings, st.booleans(), st.none() | tiers
)
decisions = st.builds(
    RoutingDecision,
    tiers,
    st.sampled_from(Reason),
    st.just("live@1"),
    st.just(1),
    st.just(1.0),
    st.none() | tiers,
    st.sampled_from(["a reason", "no reply; kept: it is warm"]),
    st.none()
    | st.builds(
        SessionDecision,
        st.sampled_from(Move),
        st.sampled_from(Ground),
        tiers,
        st.just("p/m"),
        st.none() | st.floats(0, 1),
    ),
    st.booleans(),
)
facts = st.builds(
    Facts,
    st.just(Query(SECRET)),
    st.integers(0, 9),
    st.just("p/router"),
    st.sampled_from(["prompt", "length"]),
    decisions,
    st.none() | decisions,
    costs,
    st.just(300),
    st.none() | st.sampled_from(ShadowReason),
    st.booleans(),
    evidence,
)


@given(facts)
def test_every_decision_is_explained_in_whole_sentences_without_the_query(given: Facts) -> None:
    explanation = explain_in_words(given)
    for sentence in (*explanation.sentences, *explanation.changes):
        assert sentence[0].isupper() or sentence[0] == "“", sentence
        assert sentence.endswith((".", "”.")), sentence
        assert SECRET not in sentence
    assert explanation.as_json().keys() == {"sentences", "changes", "evidence", "local"}


def test_a_long_text_is_quoted_in_part() -> None:
    text = PromptText("criterion", 1, Tier.SMALL, "word " * 200)
    decision = RoutingDecision(
        Tier.SMALL, Reason.ROUTER, "live@1", 1, 1.0, Tier.SMALL, by_strategy=True
    )
    told = explain_in_words(
        Facts(
            query=Query("q"),
            bypass_tokens=0,
            router="p/m",
            strategy="prompt",
            answer=decision,
            routed=decision,
            costs=(),
            output_tokens=1,
            evidence=Evidence(Tier.SMALL, text, was_asked=True),
        )
    )
    [quote] = [s for s in told.sentences if "“" in s]
    assert len(quote) < MAX_QUOTED + 100
    assert quote.endswith("…”.")


def test_a_session_that_stays_is_reported_for_every_strategy() -> None:
    kept = SessionDecision(Move.KEPT, Ground.MOVE_COSTS, Tier.LARGE, "p/m", 0.001)
    why = "by length; kept: a new cache costs more than moving down saves"
    decision = RoutingDecision(
        Tier.LARGE, Reason.SESSION, "live@1", 0, 1.0, Tier.SMALL, why, kept, by_strategy=True
    )
    told = explain_in_words(
        Facts(
            query=Query("q"),
            bypass_tokens=0,
            router="p/m",
            strategy="length",
            answer=decision,
            routed=decision,
            costs=(),
            output_tokens=1,
        )
    )
    assert told.sentences == (
        "The strategy 'length' chose Tier 1: by length.",
        "The session stays on Tier 3: a new cache costs more than moving down saves. "
        "It expects to save $0.001000 by that.",
    )


@pytest.mark.parametrize(
    ("small", "words"),
    [
        (0.4999, "Tier 1 is almost equal: a slightly different wording may go there."),
        (0.25, "Tier 1 scores 0.250 less. A query that is more like its texts goes there."),
    ],
)
def test_a_narrow_choice_is_called_narrow(small: float, words: str) -> None:
    weighing = Weighing(Tier.MEDIUM, (), {Tier.SMALL: small, Tier.MEDIUM: 0.5})
    assert [*evidence_changes(Evidence(Tier.MEDIUM, weighing=weighing))] == [words]


def test_a_model_that_holds_its_reasoning_is_left_once_that_is_gone() -> None:
    kept = SessionDecision(Move.KEPT, Ground.PROVIDER_STATE, Tier.LARGE, "p/m", None)
    decision = RoutingDecision(Tier.LARGE, Reason.SESSION, "live@1", 0, 1.0, None, "", kept)
    told = explain_in_words(Facts(Query("q"), 0, "p/m", "prompt", decision, decision, (), 1))
    assert told.changes[0].startswith(
        "The router decides again once the messages carry no reasoning"
    )
