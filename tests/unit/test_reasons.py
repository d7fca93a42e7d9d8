"""Errors of libraries in plain words."""

from functools import reduce
from pathlib import Path
from typing import Annotated, Literal, Self

import pytest
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from route_switch.adapters.learning.jsonl import open_unpacked
from route_switch.api.protocols.chat_completions.chat_request import parse_chat_request
from route_switch.cli.files import read_text
from route_switch.domain.errors import RequestRefusedError, RouteSwitchError
from route_switch.domain.pricing import in_usd
from route_switch.domain.reasons import path_within, why_invalid


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: int
    name: str = "a"

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        if name != "a":
            raise ValueError(f"'{name}' is not one of a")
        return name


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{}", "is missing"),
        ('{"size": "x"}', "must be a valid integer, unable to parse string as an integer"),
        ('{"size": 1, "name": "4"}', "is invalid: '4' is not one of a"),
        ('{"size": 1, "sise": 2}', "is not a known field"),
        ("{", "is invalid JSON (EOF while parsing an object at column 1)"),
        ("[]", "must be an object"),
    ],
)
def test_a_validation_error_is_a_predicate_without_the_validators_words(
    text: str, reason: str
) -> None:
    with pytest.raises(ValidationError) as error:
        Settings.model_validate_json(text)
    assert why_invalid(error.value.errors()[0]) == reason


def test_a_missing_file_is_named_once(tmp_path: Path) -> None:
    path = tmp_path / "absent.jsonl"
    for read in (lambda: read_text(path, "file"), lambda: open_unpacked(path).__enter__()):
        with pytest.raises(RouteSwitchError) as error:
            read()
        assert str(error.value).endswith(f"{path} cannot be read: No such file or directory")
        assert str(error.value).count(str(path)) == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{}", "'messages' is missing."),
        (
            '{"messages": [{"role": "user", "content": "x"}], "route_switch": {"min_teer": 2}}',
            "'route_switch.min_teer' is not an option. Options: min_tier, max_tier, profile, "
            "dry_run, explain.",
        ),
        (
            '{"messages": []}',
            "'messages' is empty. Send at least one message.",
        ),
        (
            '{"messages": [3]}',
            "'messages[0]' must be a JSON object with 'role' and 'content'.",
        ),
        (
            '{"messages": [{"role": "user", "content": "x"}], "route_switch": 3}',
            "'route_switch' must be a JSON object. GET /openapi.json describes the options of "
            "'route_switch'.",
        ),
        (
            '{"messages": [{"role": "user", "content": "x"}], "route_switch": {"profile": "x"}}',
            "'route_switch.profile' must be 'quality', 'balanced' or 'cost'. GET /openapi.json "
            "describes the options of 'route_switch'.",
        ),
        ('{"seed": 1e400}', "A number in the body is too large. Send a smaller one."),
        (f'{{"seed": {"9" * 5000}}}', "A number in the body is too large. Send a smaller one."),
        ('{"seed": NaN}', "The request body is not valid JSON. Send one JSON object."),
        ('{"seed": ', "The request body is not valid JSON. Send one JSON object."),
        (
            '{"messages": ' + "[" * 150 + "]" * 150 + "}",
            "'messages' is nested more than 100 levels deep. Send a flatter value.",
        ),
        (
            '{"messages": ' + "[" * 5000 + "]" * 5000 + "}",
            "The request body is nested more than 100 levels deep. Send flatter values.",
        ),
        (
            '{"messages": [{"role": "x", "content": "x"}]}',
            "'messages[0].role' must be 'system', 'developer', 'user', 'assistant', 'tool' or "
            "'function'. See the OpenAI chat completion API for its format.",
        ),
    ],
)
def test_a_refused_request_is_described_in_plain_words(body: str, message: str) -> None:
    with pytest.raises(RequestRefusedError) as error:
        parse_chat_request(body.encode())
    assert str(error.value) == message


class Everything(BaseModel):
    """A field for each type of error that bodies of the API can have."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    text: Annotated[str, Field(min_length=2, max_length=3)] = "ab"
    whole: Annotated[int, Field(ge=1, le=3)] = 1
    money: Annotated[float, Field(gt=0, le=0.5)] = 0.1
    yes: bool = True
    word: Literal["one", "two"] = "one"
    few: Annotated[list[int], Field(min_length=1, max_length=2)] = [1]
    tags: Annotated[dict[str, str], Field(max_length=1)] = {}
    inner: Settings | None = None
    digest: Annotated[str, Field(pattern="^[0-9]+$")] = "1"

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.whole == 3:
            raise ValueError("whole is 3, but the others are not")
        return self


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"text": 1}, "must be a string"),
        ({"text": "a"}, "must have at least 2 characters"),
        ({"text": "abcd"}, "must have at most 3 characters"),
        ({"whole": "1"}, "must be a whole number"),
        ({"whole": 1.5}, "must be a whole number"),
        ({"whole": True}, "must be a whole number"),
        ({"whole": 0}, "must be greater than or equal to 1"),
        ({"whole": 9}, "must be less than or equal to 3"),
        ({"money": "1"}, "must be a number"),
        ({"money": 0}, "must be greater than 0"),
        ({"money": float("inf")}, "must be a finite number"),
        ({"yes": 1}, "must be true or false"),
        ({"word": "three"}, "must be 'one' or 'two'"),
        ({"few": {}}, "must be a list"),
        ({"few": []}, "must not be empty"),
        ({"few": [1, 2, 3]}, "must have at most 2 entries"),
        ({"tags": []}, "must be an object"),
        ({"tags": {"a": "", "b": ""}}, "must have at most 1 entry"),
        ({"tags": {"a": None}}, "must be a string"),
        ({"inner": 1}, "must be an object"),
        ({"inner": {}}, "is missing"),
        ({"inner": {"size": 1, "x": 1}}, "is not a known field"),
        ({"digest": "x"}, "must match pattern '^[0-9]+$'"),
        ({"whole": 3}, "is invalid: whole is 3, but the others are not"),
        ({"new": 1}, "is not a known field"),
    ],
    ids=str,
)
def test_each_type_of_error_has_plain_words(fields: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError) as error:
        Everything.model_validate(fields)
    [problem] = error.value.errors()
    assert why_invalid(problem) == reason


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        (["tags", "team"], "tags.team"),
        (["tags", ""], 'tags[""]'),
        (["tags", "a b"], 'tags["a b"]'),
        (["tags", 'a"]'], 'tags["a\\"]"]'),
        (["tags", "a.b"], 'tags["a.b"]'),
        (["tags", "\0"], 'tags["\\u0000"]'),
        (["größe", "größe"], "größe.größe"),
        (["tags", "x" * 99], f'tags["{"x" * 59}…"]'),
        (["x" * 99], f"{'x' * 59}…"),
    ],
)
def test_the_path_of_a_field_can_be_read_in_one_way(parts: list[str], path: str) -> None:
    assert reduce(path_within, parts, "") == path


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0.25, "0.25 USD"),
        (1e-05, "0.00001 USD"),
        (1e-12, "0.000000000001 USD"),
        (0.1 + 0.2, "0.3 USD"),
        (5.0, "5 USD"),
        (12_345_678.9, "12345678.9 USD"),
        (1e9, "1000000000 USD"),
        (0.0, "0 USD"),
    ],
)
def test_an_amount_has_no_exponent(amount: float, text: str) -> None:
    assert in_usd(amount) == text
