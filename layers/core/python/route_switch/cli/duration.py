"""Read durations such as 24h."""

import re
from datetime import timedelta

from route_switch.cli.stage_names import UsageError

_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def read_duration(text: str, option: str, longest: timedelta) -> timedelta:
    """Raise `UsageError` unless `text` is 0 or a whole number of m, h or d, at most `longest`."""
    found = re.fullmatch(r"([0-9]{1,6})([mhd])", text)
    if text == "0":
        return timedelta()
    if found is None:
        raise UsageError(
            f"{option} {text!r} is not a duration. Write minutes, hours or days, such as 90m, 24h "
            "or 7d."
        )
    duration = int(found[1]) * _UNITS[found[2]]
    if duration > longest:
        raise UsageError(f"{option} {text} is too long. The longest is {longest.days}d.")
    return duration
