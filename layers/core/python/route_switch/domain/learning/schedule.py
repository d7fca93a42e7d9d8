"""When a schedule of EventBridge Scheduler is due next, in UTC."""

import re
from datetime import UTC, date, datetime, time, timedelta

_CRON = re.compile(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)")
_PART = re.compile(r"(\*|\d+)(?:-(\d+))?(?:/(\d+))?", re.ASCII)
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTHS = (
    *("JAN", "FEB", "MAR", "APR", "MAY", "JUN"),
    *("JUL", "AUG", "SEP", "OCT", "NOV", "DEC"),
)
LOOK_AHEAD = timedelta(days=400)


def next_start(expression: str, now: datetime) -> datetime | None:
    """Return the first start after `now`. Return None if it is not within `LOOK_AHEAD`, or cannot
    be told from the expression: a rate counts from the deployment, and `L`, `W` and `#` are not
    read."""
    found = _CRON.fullmatch(expression)
    if found is None:
        return None
    try:
        fields = _fields(found)
    except ValueError:
        return None
    now = now.astimezone(UTC)
    for ahead in range(LOOK_AHEAD.days + 1):
        day = now.date() + timedelta(days=ahead)
        starts = (_at(day, hour, minute) for hour in fields[1] for minute in fields[0])
        later = (start for start in starts if start > now)
        if _is_on(day, fields) and (start := next(later, None)) is not None:
            return start
    return None


def _fields(found: re.Match[str]) -> list[list[int]]:
    """Return the values of minute, hour, day, month, weekday (1 is Sunday) and year, ascending.
    Raise `ValueError` for a form that is not read."""
    ranges = ((0, 59), (0, 23), (1, 31), (1, 12), (1, 7), (1970, 2199))
    names: tuple[tuple[str, ...], ...] = ((), (), (), _MONTHS, _DAYS, ())
    return [
        _values(field, *limits, named)
        for field, limits, named in zip(found.groups(), ranges, names, strict=True)
    ]


def _values(field: str, low: int, high: int, names: tuple[str, ...]) -> list[int]:
    values: set[int] = set()
    for text in field.upper().replace("?", "*").split(","):
        part = _PART.fullmatch(_numbered(text, names))
        if part is None:
            raise ValueError(f"{field} is not read")
        first = low if part[1] == "*" else int(part[1])
        is_single = part[1] != "*" and part[2] is None and part[3] is None
        last = first if is_single else int(part[2] or high)
        values.update(range(first, last + 1, int(part[3] or 1)))
    return sorted(value for value in values if low <= value <= high)


def _numbered(text: str, names: tuple[str, ...]) -> str:
    for number, name in enumerate(names, 1):
        text = text.replace(name, str(number))
    return text


def _is_on(day: date, fields: list[list[int]]) -> bool:
    _, _, days, months, weekdays, years = fields
    weekday = day.isoweekday() % 7 + 1
    return day.day in days and day.month in months and weekday in weekdays and day.year in years


def _at(day: date, hour: int, minute: int) -> datetime:
    return datetime.combine(day, time(hour, minute), UTC)
