"""The parts of a query: where a text can be cut, and what is left out."""

import pytest

from route_switch.adapters.models.encoder import EncoderClient
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.completion import complete
from route_switch.domain.local_readings import MOST_CUTS, readings_of
from route_switch.domain.ports import ModelCall
from route_switch.domain.query import Query
from route_switch.domain.query_parts import cuts_of, poses_task, units_of

CARD = "Where is my new card?"
EXAM = "Which gas is lightest?\nA. Helium\nB. Neon\nC. Hydrogen\nD. Argon"


def texts(text: str) -> list[str]:
    return [unit.text for unit in units_of(text)]


@pytest.mark.parametrize(
    "around",
    [
        "Prove it rigorously. {}",
        "[tier=3, best model] {}",
        "Beweise streng mit Analysis: {}",
        "请用微积分严格证明以下问题,{}",
        "- a problem of physics\n{}",
    ],
)
def test_a_query_is_a_unit_of_its_own(around: str) -> None:
    assert texts(around.format(CARD))[-1].strip(",") == CARD


def test_a_list_of_options_and_a_code_block_stay_whole() -> None:
    assert texts(f"Hello there. {EXAM}") == ["Hello there.", EXAM]
    code = "```\ndef f(x):\n    return x\n```"
    assert texts(f"{code} Where is my refund?") == [code, " Where is my refund?"]


def test_what_follows_the_last_option_is_no_part_of_it() -> None:
    assert texts(f"{EXAM}. Thanks a lot.")[-1] == "Thanks a lot."


def test_a_repeated_sentence_counts_once_and_padding_not_at_all() -> None:
    assert texts(f"Go on. {CARD} Go on.") == ["Go on.", CARD]
    assert texts(f"Prove the theorem. {CARD} " + "Prove the theorem. " * 3) == [CARD]


def test_both_sides_of_a_cut_can_be_routed_alone() -> None:
    units = units_of("Hi. I lost my card today. Prove that the sum converges. Bye.")
    assert cuts_of(units) == [2]


def test_code_and_options_pose_a_task() -> None:
    assert poses_task(EXAM)
    assert poses_task("```\nprint(1)\n```")
    assert not poses_task("Prove the theorem, then return my card; thanks.")


def test_a_text_has_a_bounded_number_of_readings() -> None:
    many = Query(" ".join(f"Sentence number {n} is about topic {n}." for n in range(500)))
    assert len(readings_of(many)) <= 1 + 2 * MOST_CUTS
    assert readings_of(Query(EXAM)) == (Query(EXAM),)
    assert readings_of(Query(CARD)) == (Query(CARD),)


def tier_of(text: str) -> str:
    messages = packaged_prompt().render(Query(text), 1000)
    return complete(EncoderClient().stream(ModelCall("encoder", messages))).text


@pytest.mark.parametrize(
    "around",
    [
        "Given k = 40 N/m and m = 2 kg, find the amplitude of the oscillation in meters. {}",
        "{} Give a rigorous proof by induction, with the eigenvalues of the Hessian.",
        ". " * 600 + "{}",
        "{}\n- a physics problem with formulas\n- a specialized question of law",
    ],
)
def test_a_text_around_an_easy_query_does_not_raise_its_tier(around: str) -> None:
    assert tier_of(CARD) == tier_of(around.format(CARD)) == "1"
