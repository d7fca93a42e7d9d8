"""The packaged strings of the steering score, and strings of a file."""

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from route_switch import data
from route_switch.domain.errors import ConfigurationError
from route_switch.domain.steering import SteeringString

PACKAGED = Path(data.__path__[0]) / "steering.json"


def packaged_strings() -> tuple[SteeringString, ...]:
    return read_strings(PACKAGED)


def read_strings(path: Path) -> tuple[SteeringString, ...]:
    """Raise `ConfigurationError` if the file is no list of strings with different ids."""
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
        raise ConfigurationError(f"{path}: {where}: {first['msg']}. {needs}") from error
    if len({each.id for each in strings}) < len(strings):
        raise ConfigurationError(f"{path} has two strings with the same id. Rename one.")
    return strings
