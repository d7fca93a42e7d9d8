"""The strings of the steering score, packaged or of a file, and the packaged prompt's score."""

from collections.abc import Collection
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from route_switch import data
from route_switch.domain.errors import ConfigurationError
from route_switch.domain.prompts.steering_figures import SteeringFigures
from route_switch.domain.reasons import why_invalid
from route_switch.domain.steering import SteeringString

PACKAGED = Path(data.__path__[0]) / "steering.json"
SCORE = Path(data.__path__[0]) / "hand_written.steering.json"
"""Written by `python -m tests.reliability steering`."""


def packaged_strings() -> tuple[SteeringString, ...]:
    return read_strings(PACKAGED)


def packaged_score() -> SteeringFigures:
    """Return the steering score of the packaged prompt."""
    return SteeringFigures.model_validate_json(SCORE.read_bytes())


def read_strings(path: Path, others: Collection[str] = ()) -> tuple[SteeringString, ...]:
    """Raise `ConfigurationError` if the file is not a list of strings with different ids. `others`
    are ids that are in use."""
    needs = (
        'It has to be a JSON list of {"id", "family", "direction": "up" | "down" | "control", '
        '"text"}, where text holds {query} once.'
    )
    try:
        strings = TypeAdapter(tuple[SteeringString, ...]).validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"Cannot read {path}: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ConfigurationError(f"{path}: {where} {why_invalid(first)}. {needs}") from error
    seen = set(others)
    for each in strings:
        if each.id in seen:
            raise ConfigurationError(
                f"{path}: two strings have the same id, {each.id!r}, in this file or in it and the "
                "packaged ones. Rename yours: results are listed by id."
            )
        seen.add(each.id)
    return strings
