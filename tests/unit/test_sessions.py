"""The session rule: which model answers the next turn."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.needs import Capabilities
from route_switch.domain.pricing import Price
from route_switch.domain.sessions import (
    CACHE_S,
    CachedPart,
    Candidates,
    Ground,
    Move,
    SessionDecision,
    SessionRule,
    SessionState,
    SessionTurn,
    as_answered,
    state_after,
)
from route_switch.domain.signer import Signer, signer_after
from route_switch.domain.tier_parameters import TierParameters
from route_switch.domain.tiers import ALL_TIERS, ModelCatalog, Tier, TierModels
from route_switch.domain.usage import Usage

ON_REQUEST = Capabilities(cache_min_tokens=1024)
MODELS = ModelCatalog(
    tiers={
        Tier.SMALL: TierModels(model="a/small", fallbacks=("b/small",)),
        Tier.MEDIUM: TierModels(model="a/medium", fallbacks=("b/medium",)),
        Tier.LARGE: TierModels(model="a/large", fallbacks=("b/large",)),
    },
    router="p/router",
    prices={  # `a` caches on request, `b` by itself
        f"{provider}/{name}": Price(
            input_usd_per_million=usd,
            output_usd_per_million=5 * usd,
            cached_input_usd_per_million=usd / 10,
            cache_write_usd_per_million=1.25 * usd if provider == "a" else None,
        )
        for provider in "ab"
        for name, usd in (("small", 1.0), ("medium", 3.0), ("large", 5.0))
    },
    capabilities={f"a/{name}": ON_REQUEST for name in ("small", "medium", "large")},
)
EVERYBODY = Candidates(ALL_TIERS, frozenset(MODELS.names))
RULE = SessionRule(MODELS)
NOW = 1_800_000_000.0
LONG = SessionState(
    Tier.LARGE, "a/large", 20_000, 19_000, estimated_tokens=20_000, answers=3, used_at=NOW - 60
)
NEXT = SessionTurn(20_500, 300, cached=CachedPart())

TOKENS = st.integers(0, 200_000)
TIERS = st.sampled_from(Tier)
STATES = st.builds(
    SessionState,
    TIERS,
    st.sampled_from(MODELS.names),
    TOKENS,
    TOKENS,
    estimated_tokens=TOKENS,
    answers=st.integers(1, 50),
    used_at=st.floats(NOW - 7200, NOW),
    cache_s=st.sampled_from([300, 3600]),
)
TURNS = st.builds(
    SessionTurn,
    TOKENS,
    st.integers(1, 10_000),
    continues=st.booleans(),
    tool_loop=st.booleans(),
    provider_state=st.booleans(),
    cached=st.sampled_from([None, CachedPart(), CachedPart(3000), CachedPart(9000, by_stage=True)]),
)


def moved(
    wanted: Tier, turn: SessionTurn = NEXT, state: SessionState | None = LONG
) -> SessionDecision:
    return RULE.moved(turn, state, wanted, EVERYBODY, NOW)


@pytest.mark.parametrize(
    "turn", [replace(NEXT, tool_loop=True), replace(NEXT, provider_state=True)]
)
def test_a_model_that_the_messages_depend_on_stays(turn: SessionTurn) -> None:
    held = RULE.held(turn, LONG, EVERYBODY)

    assert held is not None
    assert (held.move, held.tier, held.model) == (Move.KEPT, Tier.LARGE, "a/large")


def test_a_model_that_did_not_sign_is_not_kept_for_the_reasoning_of_another() -> None:
    state = replace(LONG, signer=Signer("b/large"))

    assert RULE.held(replace(NEXT, provider_state=True), state, EVERYBODY) is None
    assert RULE.held(replace(NEXT, tool_loop=True), state, EVERYBODY) is not None


def test_only_an_answer_that_is_signed_changes_the_signer() -> None:
    first = Signer("p/a")

    assert signer_after(None, "p/a", signs=True, carried_answers=0) == first
    assert signer_after(None, "p/a", signs=False, carried_answers=0) is None
    assert signer_after(first, "p/b", signs=False, carried_answers=2) is first
    assert signer_after(first, "p/a (top_p=0.5)", signs=True, carried_answers=2) is first
    assert signer_after(first, "p/b", signs=True, carried_answers=2) == Signer("p/b", 2)
    assert signer_after(first, "p/b", signs=True, carried_answers=0) == Signer("p/b")


def test_a_fallback_that_answered_stays_as_well() -> None:
    held = RULE.held(replace(NEXT, tool_loop=True), replace(LONG, model="b/large"), EVERYBODY)

    assert held is not None
    assert held.model == "b/large"


def test_a_tool_may_take_longer_than_the_cache_lives() -> None:
    waited = replace(LONG, used_at=NOW - 12 * 3600)

    held = RULE.held(replace(NEXT, tool_loop=True), waited, EVERYBODY)

    assert held is not None
    assert held.ground is Ground.TOOL_LOOP


def test_a_turn_that_depends_on_no_model_is_routed() -> None:
    assert RULE.held(NEXT, LONG, EVERYBODY) is None


@pytest.mark.parametrize(
    "candidates",
    [
        Candidates(frozenset({Tier.SMALL, Tier.MEDIUM}), EVERYBODY.models),
        Candidates(ALL_TIERS, EVERYBODY.models - {"a/large"}),
    ],
)
def test_a_model_that_may_not_answer_is_not_kept(candidates: Candidates) -> None:
    assert RULE.held(replace(NEXT, tool_loop=True), LONG, candidates) is None
    again = RULE.moved(NEXT, LONG, Tier.SMALL, candidates, NOW)
    assert (again.move, again.ground) == (Move.NEW, Ground.NOT_ELIGIBLE)


def test_a_model_that_serves_another_tier_now_stays_there() -> None:
    medium = TierModels(model="a/large")
    tiers = {**MODELS.tiers, Tier.MEDIUM: medium, Tier.LARGE: TierModels(model="b/large")}
    rule = SessionRule(MODELS.model_copy(update={"tiers": tiers}))

    held = rule.held(replace(NEXT, tool_loop=True), LONG, EVERYBODY)

    assert held is not None
    assert (held.tier, held.model) == (Tier.MEDIUM, "a/large")


def test_the_same_tier_keeps_the_model_whose_cache_is_warm() -> None:
    kept = moved(Tier.LARGE, state=replace(LONG, model="b/large"))

    assert (kept.move, kept.ground, kept.model) == (Move.KEPT, Ground.SAME_TIER, "b/large")


def test_a_session_moves_up_at_any_price() -> None:
    state = replace(LONG, tier=Tier.SMALL, model="a/small", input_tokens=150_000)

    up = moved(Tier.MEDIUM, replace(NEXT, input_tokens=150_000), state)

    assert (up.move, up.tier, up.model) == (Move.UP, Tier.MEDIUM, None)


def test_a_long_conversation_stays_where_its_cache_is() -> None:
    """Two turns on the large model cost 0.0264 and 0.0228 USD. On the medium one, the first has to
    write 20,500 tokens at 3.75 USD a million: 0.0814 and 0.0137."""
    two_turns = SessionRule(MODELS, further_turns=1)
    kept = two_turns.moved(NEXT, LONG, Tier.MEDIUM, EVERYBODY, NOW)

    assert (kept.move, kept.ground, kept.model) == (Move.KEPT, Ground.MOVE_COSTS, "a/large")
    assert kept.saved_usd is not None
    assert kept.saved_usd == pytest.approx(0.0459)


def test_a_short_conversation_moves_down() -> None:
    short = replace(LONG, input_tokens=600, cached_tokens=0, estimated_tokens=600)

    down = moved(Tier.SMALL, SessionTurn(800, 300), short)

    assert (down.move, down.tier, down.model) == (Move.DOWN, Tier.SMALL, None)
    assert down.saved_usd is not None
    assert down.saved_usd > 0


def test_long_answers_pay_for_a_move_down() -> None:
    assert moved(Tier.MEDIUM, replace(NEXT, output_tokens=4000)).move is Move.DOWN


def test_a_much_cheaper_model_pays_for_its_cache_at_once() -> None:
    assert moved(Tier.SMALL).move is Move.DOWN


def test_further_turns_pay_for_a_move_down() -> None:
    patient = SessionRule(MODELS, further_turns=10)

    assert patient.moved(NEXT, LONG, Tier.MEDIUM, EVERYBODY, NOW).move is Move.DOWN


def test_what_is_not_kept_is_paid_for_in_each_turn() -> None:
    """By hand: 3,000 of 20,500 tokens are kept; 1.25 and 0.1 times the price of input."""
    turn = replace(NEXT, cached=CachedPart(3000))
    growth, turns = 300 + 500, 5
    sizes = [20_500 + n * growth for n in range(turns)]
    written_usd = 3000 * 3.75e-6
    read_usd = 3000 * 0.3e-6 * (turns - 1)
    others_usd = sum(size - 3000 for size in sizes) * 3e-6 + turns * 300 * 15e-6

    assert RULE.expected_usd("a/medium", turn, LONG, 0) == pytest.approx(
        written_usd + read_usd + others_usd
    )


def test_a_stage_sets_no_points_for_a_model_whose_shortest_prefix_is_unknown() -> None:
    rule = SessionRule(MODELS.model_copy(update={"capabilities": {}}))
    by_stage, nothing = (
        rule.expected_usd("a/medium", replace(NEXT, cached=cached), LONG, 0)
        for cached in (CachedPart(3000, by_stage=True), None)
    )

    assert by_stage == nothing


def test_an_unknown_price_keeps_the_session() -> None:
    rule = SessionRule(MODELS.model_copy(update={"prices": {}}))

    kept = rule.moved(NEXT, LONG, Tier.SMALL, EVERYBODY, NOW)

    assert (kept.move, kept.ground, kept.saved_usd) == (Move.KEPT, Ground.UNKNOWN_PRICE, None)


def test_a_move_to_the_same_model_costs_no_cache() -> None:
    down = moved_to(TierModels(model="a/large"))

    assert (down.move, down.ground) == (Move.DOWN, Ground.SAME_MODEL)
    assert down.model == "a/large"


def moved_to(medium: TierModels) -> SessionDecision:
    tiers = {**MODELS.tiers, Tier.MEDIUM: medium}
    rule = SessionRule(MODELS.model_copy(update={"tiers": tiers}))
    return rule.moved(NEXT, LONG, Tier.MEDIUM, EVERYBODY, NOW)


def test_a_move_to_a_lower_effort_of_the_same_model_saves_thoughts_and_costs_a_cache() -> None:
    high, low = (TierParameters(reasoning_effort=effort) for effort in ("medium", "low"))
    tiers = {
        **MODELS.tiers,
        Tier.LARGE: TierModels(model="a/large", params=high),
        Tier.MEDIUM: TierModels(model="a/large", params=low),
    }
    catalog = MODELS.model_copy(update={"tiers": tiers})
    everybody = Candidates(ALL_TIERS, frozenset(catalog.names))

    def moved_at(tokens: int) -> Ground:
        state = replace(
            LONG,
            model=catalog.tiers[Tier.LARGE].name,
            input_tokens=tokens,
            cached_tokens=tokens,
            estimated_tokens=tokens,
        )
        turn = replace(NEXT, input_tokens=tokens + 500)
        return SessionRule(catalog).moved(turn, state, Tier.MEDIUM, everybody, NOW).ground

    assert moved_at(20_000) is Ground.MOVE_SAVES
    assert moved_at(150_000) is Ground.MOVE_COSTS


@pytest.mark.parametrize(
    ("parameters", "ground"),
    [
        (TierParameters(reasoning_effort="low"), Ground.MOVE_COSTS),
        (TierParameters(thinking_budget_tokens=2048), Ground.MOVE_COSTS),
        (TierParameters(verbosity="low"), Ground.MOVE_COSTS),
        (TierParameters(temperature=0.5, top_p=0.9, max_tokens=300), Ground.SAME_MODEL),
    ],
)
def test_another_effort_of_the_same_model_starts_with_an_empty_cache(
    parameters: TierParameters, ground: Ground
) -> None:
    assert moved_to(TierModels(model="a/large", params=parameters)).ground is ground


@pytest.mark.parametrize(
    ("turn", "state", "ground"),
    [
        (NEXT, None, Ground.NO_STATE),
        (replace(NEXT, continues=False), LONG, Ground.FIRST_TURN),
        (replace(NEXT, input_tokens=3000), LONG, Ground.SHORTER),
        (NEXT, replace(LONG, used_at=NOW - CACHE_S - 1), Ground.COLD),
    ],
)
@pytest.mark.parametrize("wanted", Tier)
def test_another_task_or_a_cold_cache_starts_the_session_again(
    turn: SessionTurn, state: SessionState | None, ground: Ground, wanted: Tier
) -> None:
    again = moved(wanted, turn, state)

    assert again == SessionDecision(Move.NEW, ground, wanted)


def test_a_cache_of_an_hour_is_warm_for_an_hour() -> None:
    old = replace(LONG, used_at=NOW - 3000, cache_s=3600)

    assert moved(Tier.MEDIUM, state=old).move is Move.KEPT


@pytest.mark.parametrize(
    ("state", "warm_tokens"),
    [
        (LONG, 19_000),
        (replace(LONG, cached_tokens=0), 0),
        (replace(LONG, model="b/large", cached_tokens=0, answers=1), 20_000),
        (replace(LONG, model="b/large", cached_tokens=0, answers=2), 0),
        (replace(LONG, model="b/large", cached_tokens=18_944, answers=2), 20_000),
        (replace(LONG, model="b/large", input_tokens=900, answers=1), 0),
        (replace(LONG, model="p/unknown"), 0),
    ],
)
def test_warm_tokens_follow_from_what_the_provider_reported(
    state: SessionState, warm_tokens: int
) -> None:
    assert RULE.warm_tokens(state) == warm_tokens


def test_only_what_was_added_is_estimated() -> None:
    """The estimate for this conversation is half of what the provider counts."""
    dense = replace(LONG, estimated_tokens=10_000)

    expected = moved(Tier.MEDIUM)
    assert moved(Tier.MEDIUM, replace(NEXT, input_tokens=10_500), dense) == expected


@given(turn=TURNS, state=STATES)
def test_a_model_never_changes_in_an_open_tool_loop(turn: SessionTurn, state: SessionState) -> None:
    held = RULE.held(replace(turn, tool_loop=True), state, EVERYBODY)

    expected = None if state.model == MODELS.router else state.model
    assert (held.model if held else None) == expected


@given(turn=TURNS, state=st.none() | STATES, wanted=TIERS)
def test_no_turn_is_answered_below_what_the_router_asks_for(
    turn: SessionTurn, state: SessionState | None, wanted: Tier
) -> None:
    assert moved(wanted, turn, state).tier >= wanted


@given(turn=TURNS, state=STATES, wanted=TIERS)
def test_a_session_never_moves_down_at_a_loss(
    turn: SessionTurn, state: SessionState, wanted: Tier
) -> None:
    decision = moved(wanted, turn, state)
    if decision.ground in (Ground.MOVE_SAVES, Ground.MOVE_COSTS):
        other = MODELS.tiers[wanted].model
        stay = RULE.expected_usd(state.model, turn, state, RULE.warm_tokens(state))
        move = RULE.expected_usd(other, turn, state, 0)
        assert stay is not None
        assert move is not None
        assert (decision.move is Move.DOWN) == (stay > move)
        assert decision.saved_usd == abs(stay - move)


@given(turn=TURNS, state=STATES, wanted=TIERS)
def test_the_words_fit_the_tiers(turn: SessionTurn, state: SessionState, wanted: Tier) -> None:
    decision = moved(wanted, turn, state)

    before = next((t for t in Tier if state.model in MODELS.tiers[t].with_fallbacks), None)
    match decision.move:
        case Move.KEPT:
            assert (decision.tier, decision.model) == (before, state.model)
        case Move.UP:
            assert before is not None
            assert decision.tier > before
        case Move.DOWN:
            assert before is not None
            assert decision.tier < before
        case Move.NEW:
            assert decision.tier is wanted


@dataclass(frozen=True)
class Request:
    """A step of a conversation: `router` is what the router would say."""

    router: Tier
    tool_loop: bool
    added_tokens: int
    pause_s: float
    cached_share: float


REQUESTS = st.builds(
    Request,
    TIERS,
    st.booleans(),
    st.integers(1, 30_000),
    st.floats(0, 4000),
    st.floats(0, 1),
)


@given(requests=st.lists(REQUESTS, min_size=1, max_size=20))
def test_no_history_breaks_the_promises(requests: list[Request]) -> None:
    """No switch in a tool loop, and no answer below what the router asks for outside of one."""
    state: SessionState | None = None
    now, tokens = NOW, 0
    for each in requests:
        now, tokens = now + each.pause_s, tokens + each.added_tokens
        turn = SessionTurn(tokens, 300, state is not None, each.tool_loop, cached=CachedPart())
        decision = RULE.held(turn, state, EVERYBODY)
        if decision is None:
            assert state is None or not each.tool_loop
            decision = RULE.moved(turn, state, each.router, EVERYBODY, now)
            assert decision.tier >= each.router
        else:
            assert state is not None
            assert decision.model == state.model
        model = decision.model or MODELS.tiers[decision.tier].model
        usage = Usage(tokens, 300, round(each.cached_share * tokens))
        state = state_after(state, turn, decision.tier, model, usage, now)


def test_a_state_counts_the_answers_of_one_model_with_a_warm_cache() -> None:
    first = state_after(None, NEXT, Tier.SMALL, "b/small", Usage(9000, 1), NOW)
    second = state_after(first, NEXT, Tier.SMALL, "b/small", Usage(9500, 1, 9000), NOW + 10)
    other = state_after(second, NEXT, Tier.LARGE, "b/large", Usage(9500, 1), NOW + 20)
    cold = state_after(second, NEXT, Tier.SMALL, "b/small", Usage(9500, 1), NOW + 4000)

    assert [each.answers for each in (first, second, other, cold)] == [1, 2, 1, 1]
    assert (second.cached_tokens, second.input_tokens) == (9000, 9500)


def test_without_reported_tokens_the_estimate_stands_for_the_input() -> None:
    state = state_after(None, NEXT, Tier.SMALL, "b/small", None, NOW)

    assert (state.input_tokens, state.cached_tokens) == (NEXT.input_tokens, 0)


@pytest.mark.parametrize(
    ("tier", "model", "move"),
    [
        (Tier.LARGE, "a/large", Move.KEPT),
        (Tier.LARGE, None, Move.KEPT),
        (Tier.LARGE, "b/large", Move.NEW),
        (Tier.SMALL, "a/small", None),
    ],
)
def test_what_became_of_a_session_depends_on_who_answered(
    tier: Tier, model: str | None, move: Move | None
) -> None:
    kept = SessionDecision(Move.KEPT, Ground.SAME_TIER, Tier.LARGE, "a/large", 0.1)

    answered = as_answered(kept, tier, model)

    assert (answered.move if answered else None) is move
