"""What models take of a request's parameters."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from route_switch.domain.needs import Capabilities
from route_switch.domain.parameters import (
    LONGEST_CHOICE,
    MAX_CHOICES,
    OPTIONAL,
    Refused,
    fit_parameters,
    note_refusal,
    with_provider_rules,
)

ANY = Capabilities()
THINKS = with_provider_rules("openai", "o9", Capabilities(reasoning=True))
CLAUDE = with_provider_rules("bedrock", "anthropic.claude-x", ANY)
NOVA = with_provider_rules("bedrock", "amazon.nova-x", ANY)
SHORT = Capabilities(output_tokens=100)
PARAMS: dict[str, JsonValue] = {
    "max_tokens": 9,
    "temperature": 1.5,
    "top_p": 0.5,
    "user": "u",
    "tools": [],
}


@pytest.mark.parametrize(
    ("model", "given_", "sent", "notes"),
    [
        (ANY, PARAMS, PARAMS, ()),
        (
            SHORT,
            {"max_tokens": 101, "max_completion_tokens": None},
            {"max_tokens": 100, "max_completion_tokens": None},
            1,
        ),
        (SHORT, {"max_completion_tokens": 100}, {"max_completion_tokens": 100}, 0),
        (SHORT, {"max_tokens": "a lot"}, {"max_tokens": "a lot"}, 0),
        (THINKS, {"max_tokens": 9}, {"max_completion_tokens": 9}, 1),
        (THINKS, {"max_completion_tokens": 9}, {"max_completion_tokens": 9}, 0),
        (THINKS, {"max_tokens": 9, "max_completion_tokens": 7}, {"max_completion_tokens": 7}, 1),
        (THINKS, {"temperature": 0, "top_p": 1, "seed": 7}, {"seed": 7}, 2),
        (THINKS, {"presence_penalty": 1, "frequency_penalty": 1}, {}, 2),
        (CLAUDE, {"temperature": 0.2, "top_p": 0.5}, {"temperature": 0.2}, 1),
        (CLAUDE, {"top_p": 0.5}, {"top_p": 0.5}, 0),
        (CLAUDE, {"temperature": None, "top_p": 0.5}, {"temperature": None, "top_p": 0.5}, 0),
        (CLAUDE, {"temperature": 1.5}, {"temperature": 1.0}, 1),
        (NOVA, {"temperature": 1.5, "top_p": 0.5}, {"temperature": 1.0, "top_p": 0.5}, 1),
        (NOVA, {"temperature": 1}, {"temperature": 1}, 0),
    ],
)
def test_parameters_are_fitted_by_what_is_known(
    model: Capabilities, given_: dict[str, JsonValue], sent: dict[str, JsonValue], notes: Any
) -> None:
    before = dict(given_)
    fitted, told = fit_parameters(given_, model, Refused())
    assert fitted == sent
    assert len(told) == (notes if isinstance(notes, int) else len(notes))
    assert given_ == before, "a request keeps its parameters for other models"


@pytest.mark.parametrize(
    ("message", "param", "changed"),
    [
        ("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'.", "max_tokens", 1),
        ("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'.", None, 1),
        ("Unknown field: max_tokens", None, 1),
        ("'temperature' does not support 1.5 with this model", "temperature", 1),
        ("`temperature` is deprecated for this model.", None, 1),
        ("temperature: Extra inputs are not permitted", "temperature", 1),
        ("`user` is not available for this org", None, 1),
        ("Unrecognized request argument supplied: user", None, 1),
        ("temperature and top_p cannot both be specified for this model", None, 1),
        ("`top_p` and `temperature` cannot both be set", None, 1),
        ("topP is not supported by this model", None, 1),
        ("Unknown parameter: user_location", None, 0),
        ("Unsupported: the username", None, 0),
        ("Only one of temperature, top_p may be set: not both", None, 1),
        ("Invalid 'temperature': above the maximum of 1", "temperature", 0),
        ("temperature must be between 0 and 1", "temperature", 0),
        ("Unsupported parameter: 'tools'", "tools", 0),
        ("Unsupported value: 'messages[0].role'", "messages[0].role", 0),
        ("This model does not support images.", None, 0),
        ("The conversation is too long.", "messages", 0),
        ("Unknown model", None, 0),
    ],
)
def test_a_refusal_is_noted_once_if_a_repeat_can_help(
    message: str, param: str | None, changed: int
) -> None:
    refused = Refused()
    assert note_refusal(message, param, PARAMS, refused) is bool(changed)
    fitted, notes = fit_parameters(PARAMS, ANY, refused)
    assert (fitted != PARAMS) is bool(changed)
    assert len(notes) == changed
    assert fitted["tools"] == [], "only what tunes an answer is left out"
    if changed:
        assert note_refusal(message, param, fitted, refused) is False, "not twice"


def test_a_model_that_refuses_both_names_of_a_limit_is_not_asked_in_circles() -> None:
    refused, params = Refused(), {"max_tokens": 9}
    assert note_refusal("Unsupported parameter: max_tokens", "max_tokens", params, refused)
    fitted, _ = fit_parameters(params, ANY, refused)
    assert fitted == {"max_completion_tokens": 9}
    said = "Unsupported parameter: max_completion_tokens"
    assert not note_refusal(said, "max_completion_tokens", fitted, refused)


@given(
    st.text(),
    st.none() | st.sampled_from([*PARAMS, "messages"]),
    st.lists(st.sampled_from(sorted(OPTIONAL)), unique=True),
)
def test_only_optional_parameters_are_dropped_after_any_refusal(
    message: str, param: str | None, names: list[str]
) -> None:
    refused = Refused()
    params: dict[str, JsonValue] = {**PARAMS, **dict.fromkeys(names, 1), "n": 2, "stop": ["x"]}
    note_refusal(f"not supported: {message}", param, params, refused)
    fitted, _ = fit_parameters(params, ANY, refused)
    assert params.keys() - fitted.keys() <= OPTIONAL | {"max_tokens"}
    assert (fitted["n"], fitted["stop"], fitted["tools"]) == (2, ["x"], [])
    assert 9 in (fitted.get("max_tokens"), fitted.get("max_completion_tokens"))


def test_a_refused_choice_is_left_out_and_no_other_value() -> None:
    refused, asked = Refused(), {"reasoning_effort": "xhigh", "verbosity": "low"}
    said = "Unsupported value: 'reasoning_effort' does not support 'xhigh' with this model."
    assert note_refusal(said, "reasoning_effort", asked, refused)
    assert fit_parameters(asked, ANY, refused)[0] == {"verbosity": "low"}
    assert not note_refusal(said, "reasoning_effort", asked, refused), "not twice"
    other: dict[str, JsonValue] = {"reasoning_effort": "low"}
    assert fit_parameters(other, ANY, refused) == (other, ())


@pytest.mark.parametrize("value", ["x" * (LONGEST_CHOICE + 1), 7, None, {}])
def test_a_value_that_no_model_takes_is_not_remembered(value: JsonValue) -> None:
    refused = Refused()
    asked = {"reasoning_effort": value}
    assert not note_refusal("Unsupported value", "reasoning_effort", asked, refused)
    assert refused == Refused()


def test_a_client_cannot_make_a_process_remember_without_limit() -> None:
    refused = Refused()
    for number in range(99):
        note_refusal("Unsupported", "verbosity", {"verbosity": str(number)}, refused)
    assert len(refused.choices) == MAX_CHOICES


def test_only_known_fields_reach_a_provider() -> None:
    asked: dict[str, JsonValue] = {"seed": 7, "provider": {"order": ["x"]}, "store": False}
    fitted, notes = fit_parameters(asked, ANY, Refused())
    assert fitted == {"seed": 7, "store": False}
    assert notes == ("unknown fields left out",), "a field's name may be a user's text"
