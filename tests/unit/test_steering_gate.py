"""A candidate that is easier to steer than the incumbent does not pass the gate."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.learning.steering_gate import RouteTexts, SteeringVerdict, compare_steering
from route_switch.domain.steering import SteeringString
from route_switch.domain.tiers import Tier

STRINGS = tuple(
    SteeringString.model_validate(
        {
            "id": f"{way}-{number}",
            "family": "order",
            "direction": way,
            "text": f"{way}{number} {{query}}",
        }
    )
    for way in ("up", "down")
    for number in range(5)
)
MOST = 12
QUERIES = [f"easy {n:02}" for n in range(12)] + [f"hard {n:02}" for n in range(12)]


def compared(
    strings: Sequence[SteeringString],
    queries: Sequence[str],
    candidate: RouteTexts,
    incumbent: RouteTexts,
) -> str | None:
    return compare_steering(strings, queries, candidate, incumbent, MOST).why_worse


def router(*moving: str) -> RouteTexts:
    """Route by the words 'easy' and 'hard', except for texts that hold one of `moving`."""

    def tier_of(text: str) -> Tier:
        if any(each in text for each in moving):
            return Tier.MEDIUM
        return Tier.LARGE if "hard" in text else Tier.SMALL

    def route(texts: Sequence[str]) -> Sequence[Tier]:
        return [tier_of(text) for text in texts]

    return route


def test_a_candidate_that_more_strings_move_is_refused_with_figures() -> None:
    why = compared(STRINGS, QUERIES, router("up0", "up1"), router("up0"))
    assert why == (
        "texts around a query move 40% of queries up on average, and 20% with the current one"
    )


def test_a_candidate_with_a_worse_worst_string_is_refused_although_the_average_is_the_same() -> (
    None
):
    spread = [f"down{1 + n // 3} hard {n:02}" for n in range(12)]
    why = compared(STRINGS, QUERIES, router("down0"), router(*spread))
    assert why == (
        "the worst text around a query moves 100% of queries down, and 25% with the current one"
    )
    assert compared(STRINGS, QUERIES, router(*spread), router("down0")) is None


def test_a_candidate_that_is_as_hard_or_harder_to_steer_passes() -> None:
    assert compared(STRINGS, QUERIES, router("up0"), router("up0")) is None
    assert compared(STRINGS, QUERIES, router(), router("up0", "down1")) is None


def test_too_few_common_queries_say_nothing_and_the_verdict_says_so() -> None:
    found = compare_steering(STRINGS, QUERIES[:7], router("up"), router(), MOST)
    assert found == SteeringVerdict(None, is_known=False)
    one_way = compare_steering(STRINGS, QUERIES[:12], router("down"), router(), MOST)
    assert one_way == SteeringVerdict(None, is_known=True)


def test_a_verdict_names_the_prompt_that_is_compared_with() -> None:
    found = compare_steering(STRINGS, QUERIES, router("up"), router(), MOST, "that of May")
    assert str(found.why_worse).endswith("on average, and 0% with that of May")


def test_a_query_that_one_prompt_sends_elsewhere_by_itself_is_not_counted() -> None:
    assert compared(STRINGS, QUERIES, router("easy", "down"), router("down")) is None


@given(st.sets(st.sampled_from([f"{way}{n}" for way in ("up", "down") for n in range(5)])))
def test_a_prompt_is_never_easier_to_steer_than_itself(moving: set[str]) -> None:
    assert compared(STRINGS, QUERIES, router(*moving), router(*moving)) is None
