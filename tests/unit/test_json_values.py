"""What providers send becomes JSON that every reader accepts."""

import json
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.json_values import (
    LOWEST_LOGPROB,
    MAX_DEPTH,
    InvalidJsonError,
    parse_json,
    valid_json,
    valid_text,
)

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()))
"""Also half surrogate pairs."""
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner),
    max_leaves=20,
)


def strictly(value: Any) -> Any:
    """Encode as UTF-8 and parse as strict parsers do."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False).encode().decode()
    return json.loads(text, parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise AssertionError(constant)


@given(VALUES)
def test_any_value_becomes_strict_json(value: Any) -> None:
    assert strictly(valid_json(value)) == valid_json(value)


@given(VALUES)
def test_anything_that_parses_becomes_strict_json(value: Any) -> None:
    assert strictly(valid_json(parse_json(json.dumps(value)))) is not NotImplemented


@given(VALUES)
def test_a_valid_value_stays_as_it_is(value: Any) -> None:
    valid = valid_json(value)
    assert valid_json(valid) == valid


@given(st.binary())
def test_any_bytes_parse_or_are_refused(data: bytes) -> None:
    try:
        value = parse_json(data)
    except InvalidJsonError:
        return
    strictly(valid_json(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"half \\ud83d"', "half \ufffd"),
        ('"\\ude00 half"', "\ufffd half"),
        ('"whole \\ud83d\\ude00"', "whole \U0001f600"),
        ('{"\\ud83d": 1}', {"\ufffd": 1}),
        ("NaN", None),
        ("Infinity", None),
        ("-Infinity", LOWEST_LOGPROB),
        ("1e999", None),
        ("-1e999", LOWEST_LOGPROB),
        ("123456789012345678901234567890", 1.2345678901234568e29),
        ("-9223372036854775809", -9.223372036854775809e18),
        ("9223372036854775807", 9223372036854775807),
        ("1" * 400, None),
        ('"line\nend"', "line\nend"),
        ("\ufeff 1 \n", 1),
    ],
)
def test_what_others_refuse_is_replaced(text: str, value: Any) -> None:
    assert valid_json(parse_json(text.encode())) == value


def test_bytes_that_are_not_utf_8_become_replacement_characters() -> None:
    assert parse_json(b'"caf\xe9"') == "caf\ufffd"


def test_halves_that_belong_together_become_their_character() -> None:
    assert valid_text("\ud83d\ude00") == "\U0001f600"


@pytest.mark.parametrize("text", ["", "<html>", "{", "[1,]", "nope", "[" * 100_000])
def test_text_that_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(InvalidJsonError):
        parse_json(text)


def test_what_is_nested_too_deeply_is_refused() -> None:
    def nested(depth: int) -> Any:
        value: Any = 1
        for _ in range(depth):
            value = [value]
        return value

    valid_json(nested(MAX_DEPTH))
    with pytest.raises(InvalidJsonError, match="nested"):
        valid_json(nested(MAX_DEPTH + 2))
