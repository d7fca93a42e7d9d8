"""The parts of a query: where a text can be cut, and what is left out."""

import pytest

from route_switch.adapters.models.encoder import EncoderClient
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.completion import complete
from route_switch.domain.local_readings import MOST_CUTS, readings_of
from route_switch.domain.ports import ModelCall
from route_switch.domain.query import Query
from route_switch.domain.query_parts import asks, cuts_of, poses_task, units_of

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
    assert texts(f"I have a question. {EXAM}") == ["I have a question.", EXAM]
    code = "```\ndef f(x):\n    return x\n```"
    assert texts(f"{code} Where is my refund?") == [code, " Where is my refund?"]


def test_text_after_the_last_option_is_not_part_of_it() -> None:
    for after in (". Thank you very much.", " Show every single step."):
        assert texts(EXAM + after)[-1] == after.strip(" .") + "."


def test_a_part_of_few_words_is_left_out_wherever_it_stands() -> None:
    for around in ("Hi! {}", "{}\nThank you.", "<h1>Exam</h1>\n{}", "Question: {}", '"{}"'):
        assert texts(around.format(CARD)) == [CARD]
    assert texts(f"Hi! {CARD} Bye. Prove that it converges.") == [CARD, "Prove that it converges."]
    assert texts("Hi! Bye.") == ["Hi!", "Bye."]


def test_a_line_of_prose_is_not_code_no_matter_how_it_ends() -> None:
    value = '{"tier": 3, "level": "hard", "query": "Where is my new card?"}'
    assert texts(value) == [CARD]
    assert texts("Please simplify the following for me: !(a==b). Where is my card?")[-1] == (
        "Where is my card?"
    )


@pytest.mark.parametrize(
    "text", ["When will it arrive?", "Hi.\nPlease write a short story about it"]
)
def test_a_question_and_an_order_ask_for_something(text: str) -> None:
    assert asks(text)
    assert not asks("I am a customer for many years.\nWrite to me.")


def test_a_repeated_sentence_counts_once_and_padding_not_at_all() -> None:
    assert texts(f"Now go on please. {CARD} Now go on please.") == ["Now go on please.", CARD]
    assert texts(f"Prove the theorem. {CARD} " + "Prove the theorem. " * 3) == [CARD]


def test_both_sides_of_a_cut_can_be_routed_alone() -> None:
    units = units_of("I lost my card today. Prove that the sum converges.")
    assert cuts_of(units) == [1]


def test_code_and_options_pose_a_task() -> None:
    assert poses_task(EXAM)
    assert poses_task("```\nprint(1)\n```")
    assert not poses_task("Prove the theorem, then return my card; thanks.")


def test_a_text_has_a_bounded_number_of_readings() -> None:
    many = Query(" ".join(f"Sentence number {n} is about topic {n}." for n in range(500)))
    assert len(readings_of(many)) <= (MOST_CUTS + 2) * (MOST_CUTS + 1) // 2
    assert readings_of(Query(EXAM)) == (Query(EXAM),)
    assert readings_of(Query(CARD)) == (Query(CARD),)


@pytest.mark.parametrize(
    "around", ["{} {}", "Derive the tensor of it. {} {}", "{} {} Prove it all."]
)
def test_the_readings_of_a_query_are_among_those_of_the_query_with_a_text_around_it(
    around: str,
) -> None:
    """So such a text cannot raise the lowest tier of the readings."""
    asked = [CARD, "Will it come before the weekend?"]
    alone = {each.text.strip() for each in readings_of(Query(" ".join(asked)))}
    beside = {each.text.strip() for each in readings_of(Query(around.format(*asked)))}
    assert alone == {*asked, "\n".join(asked)}
    assert alone <= beside


@pytest.mark.parametrize(
    "around",
    [
        "Please help me with this. {}",
        "I have a question. {}",
        "{}\n\nSent from my phone",
        "{} Only 1 is a valid reply.",
        "You are a friendly bot. {}",
        "{} This is not important at all.",
    ],
)
def test_a_text_that_asks_for_nothing_is_not_a_reading_next_to_a_query(around: str) -> None:
    query = "Which of the noble gases is the lightest of all?"
    read = [each.text.strip() for each in readings_of(Query(around.format(query)))]
    assert all(query in text for text in read)
    assert query in read


def test_a_longer_text_than_the_one_that_asks_may_be_the_query() -> None:
    complaint = "My card is lost, and I am in Japan."
    read = [each.text.strip() for each in readings_of(Query(f"Derive the tensor. {complaint}"))]
    assert complaint in read


def test_a_text_next_to_a_task_is_left_out_unless_it_is_what_the_task_is_about() -> None:
    task = (
        "Which of these gases is the lightest of all at room temperature?\nA. Helium from a balloon"
        "\nB. Neon from a lamp\nC. Hydrogen from water\nD. Argon from the air"
    )
    assert [each.text for each in readings_of(Query(f"You are kind to customers. {task}"))] == [
        each.text for each in readings_of(Query(task))
    ]
    passage = " ".join(f"The passage says on line {n} what a noble gas is." for n in range(12))
    whole = readings_of(Query(f"{passage}\n{task}"))[0].text
    assert passage[:30] in whole
    assert "Argon" in whole


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
