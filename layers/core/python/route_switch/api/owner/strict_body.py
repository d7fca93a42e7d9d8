"""A JSON body in which every field is known and valid, or a refusal that names each one that is
not."""

from collections.abc import Mapping
from functools import reduce
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from route_switch.api.json_body import parse_object
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.operations.refused_changes import SettingProblem
from route_switch.domain.reasons import path_within, why_invalid

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

STRICT = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def _of_changes(schema: dict[str, JsonValue]) -> None:
    """What is not sent stays as it is, so no field has a default; at least one must be sent."""
    schema["minProperties"] = 1
    properties = schema["properties"]
    for each in properties.values() if isinstance(properties, dict) else ():
        if isinstance(each, dict):
            each.pop("default", None)


CHANGES = ConfigDict(**STRICT, json_schema_extra=_of_changes)
"""The configuration of a body that changes some fields."""
MAX_SMALL_BYTES = 20_000
"""The most bytes of a body without a document."""
MAX_NAMED = 20
"""The most problems that an error names."""
NAME_ITSELF = "[key]"
"""Ends the path of an error about a name, in the validator's words."""
MAX_PATH = 100
"""The most characters of a field's path: an unknown field may have any name."""

TierNumber = Annotated[int, Field(ge=1, le=3)]
"""A literal of 1, 2 and 3 would also take true."""

Body = TypeVar("Body", bound=BaseModel)


def read_strict(model: type[Body], body: bytes, *, may_be_empty: bool = False) -> Body:
    """Raise `RequestRefusedError` (400) that names every invalid field."""
    found, problems = read_fields(model, body, may_be_empty=may_be_empty)
    if problems:
        raise refusal(problems, unknown=_unknown(model, problems))
    return model.model_validate(dict(found))


def read_fields(
    model: type[BaseModel], body: bytes, *, may_be_empty: bool = False
) -> tuple[Mapping[str, object], tuple[SettingProblem, ...]]:
    """Return the valid fields of the body that were sent, and what is wrong with the others."""
    needed = next((n for n, each in model.model_fields.items() if each.is_required()), "")
    content = {} if may_be_empty and not body.strip() else parse_object(body, needed)
    try:
        model.model_validate(content)
    except ValidationError as error:
        problems = tuple(
            _problem(each, model) for each in error.errors(include_url=False, include_input=False)
        )
        wrong = {each.setting for each in problems}
        return {name: value for name, value in content.items() if name not in wrong}, problems
    return content, ()


def refusal(problems: tuple[SettingProblem, ...], *, unknown: bool = False) -> RequestRefusedError:
    """Return a refusal (400) with all problems. `param` is the first one's field."""
    said = dict.fromkeys(problem.message for problem in problems)
    left = len(said) - MAX_NAMED
    more = f" {left} more field{' is' if left == 1 else 's are'} invalid." if left > 0 else ""
    return RequestRefusedError(
        " ".join([*said][:MAX_NAMED]) + more,
        status=HTTPStatus.BAD_REQUEST,
        code="unknown_parameter" if unknown else "invalid_value",
        param=problems[0].setting[:MAX_PATH],
    )


def _unknown(model: type[BaseModel], problems: tuple[SettingProblem, ...]) -> bool:
    return all(problem.setting not in model.model_fields for problem in problems)


def _problem(error: "ErrorDetails", model: type[BaseModel]) -> SettingProblem:
    location = [*map(str, error["loc"])]
    field, of_name = "".join(location[:1]), len(location) > 2 and location[-1] == NAME_ITSELF
    path = reduce(path_within, location[: -2 if of_name else None], "")[:MAX_PATH]
    if error["type"] == "extra_forbidden":
        return SettingProblem(field, f"'{path}' is not a known field. {_known(model)}")
    if not path:  # a rule about the whole body
        return SettingProblem("", f"The body {why_invalid(error)}.")
    subject = f"A name in '{path}'" if of_name else f"'{path}'"
    return SettingProblem(field, f"{subject} {why_invalid(error)}.")


def _known(model: type[BaseModel]) -> str:
    names = ", ".join(model.model_fields)
    return f"Fields: {names}." if names else "This route takes none: send {} or no body."
