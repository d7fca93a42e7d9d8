"""Errors of libraries in plain words."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from route_switch.adapters.learning.jsonl import open_unpacked
from route_switch.api.protocols.chat_completions.chat_request import parse_chat_request
from route_switch.cli.files import read_text
from route_switch.domain.errors import RequestRefusedError, RouteSwitchError
from route_switch.domain.reasons import why_invalid


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
def test_a_refused_request_is_told_in_plain_words(body: str, message: str) -> None:
    with pytest.raises(RequestRefusedError) as error:
        parse_chat_request(body.encode())
    assert str(error.value) == message
