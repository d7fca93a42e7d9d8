"""The `offline/…` models replay recorded answers, and never make one up."""

import unicodedata

import pytest

from route_switch.adapters.models.offline import OfflineClient
from route_switch.domain.completion import Completion, complete
from route_switch.domain.errors import ModelError
from route_switch.domain.learning.outcome import NO_RECORDING
from route_switch.domain.ports import JsonObject, ModelCall
from route_switch.domain.tokens import estimate_tokens
from route_switch.domain.usage import Usage
from route_switch_offline import SampleRow, load_results, load_sample

RECORDED = tuple(row for row in load_sample() if row.models)
UNRECORDED = tuple(row for row in load_sample() if not row.models)


def user(text: str) -> JsonObject:
    return {"role": "user", "content": text}


def ask(*messages: JsonObject, model: str = "small") -> Completion:
    return complete(OfflineClient().stream(ModelCall(model, messages)))


def expect_recorded(answer: Completion, row: SampleRow) -> None:
    recorded = row.models["offline/small"]
    assert answer.text == recorded.answer
    assert answer.usage == Usage(recorded.input_tokens, recorded.output_tokens)
    assert answer.provider_model == recorded.recorded_model
    assert answer.choices[0].finish_reason == "stop"


def test_every_recorded_query_gets_its_models_answer() -> None:
    for row in RECORDED:
        for name, recorded in row.models.items():
            answer = ask(user(row.query), model=name.removeprefix("offline/"))
            assert (answer.text, answer.provider_model) == (
                recorded.answer,
                recorded.recorded_model,
            )


def test_only_the_last_user_message_counts() -> None:
    first, last = RECORDED[:2]
    system: JsonObject = {"role": "system", "content": "Be brief."}
    earlier: JsonObject = {"role": "assistant", "content": "An answer."}
    expect_recorded(ask(system, user(first.query), earlier, user(last.query)), last)


def test_blanks_around_a_query_and_its_unicode_form_do_not_matter() -> None:
    row = next(row for row in RECORDED if not unicodedata.is_normalized("NFD", row.query))
    expect_recorded(ask(user(f"\n {unicodedata.normalize('NFD', row.query)} ")), row)


def test_a_query_in_text_parts_is_found() -> None:
    row = RECORDED[0]
    expect_recorded(ask({"role": "user", "content": [{"type": "text", "text": row.query}]}), row)


@pytest.mark.parametrize("query", [UNRECORDED[0].query, "A query of nobody", ""])
def test_a_query_without_a_recording_says_what_to_do_and_has_no_cost(query: str) -> None:
    answer = ask(user("Hello!!!"), user(query))
    assert answer.text == NO_RECORDING
    assert answer.text.startswith("[simulated: no recorded answer]")
    assert "OPENAI_API_KEY" in answer.text
    assert "make up" in answer.text
    assert (answer.usage, answer.provider_model) == (None, None)


def test_a_query_with_results_but_no_texts_has_no_recording() -> None:
    row = load_results()[-1]
    assert row.models
    assert ask(user(row.query)).text == NO_RECORDING


def test_a_query_that_merely_contains_a_recorded_one_has_no_recording() -> None:
    assert ask(user(f"{RECORDED[0].query} Why?")).text == NO_RECORDING


def test_an_unknown_model_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"offline/huge.*offline/small"):
        ask(user("Hi"), model="huge")


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("é€", 2)]
)
def test_a_token_is_estimated_as_four_bytes(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


def test_an_answer_of_a_tier_takes_the_time_that_is_asked_for() -> None:
    slept: list[float] = []
    client = OfflineClient(0.5, slept.append)
    complete(client.stream(ModelCall("large", (user("Why?"),))))
    assert slept == [0.5]
