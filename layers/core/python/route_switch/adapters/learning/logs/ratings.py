"""People's ratings, on any scale that a log uses."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_UP = frozenset(
    {"up", "thumbs_up", "thumbsup", "👍", "+1", "good", "like", "positive", "yes", "true"}
)
_DOWN = frozenset(
    {"down", "thumbs_down", "thumbsdown", "👎", "bad", "dislike", "negative", "no", "false"}
)


@dataclass(frozen=True, slots=True)
class Scale:
    """`values` maps what the log says to 0..1."""

    name: str
    values: Mapping[str, float]

    def score(self, rating: str | None) -> float | None:
        return None if rating is None else self.values.get(rating)


def scale_of(ratings: Iterable[str]) -> Scale:
    """Return the scale of all ratings in a file: thumbs, 0 to 1, stars from 1 to 5, or 1 to 10.

    Ones and zeros, or ones and minus ones, are thumbs. Only the whole file can tell a thumb from
    one star.
    """
    said = set(ratings)
    words = {each: _word(each) for each in said}
    values = {each: word for each, word in words.items() if word is not None}
    numbers = {each: n for each in said - values.keys() if (n := _number(each)) is not None}
    if not numbers:
        return Scale("thumbs", values)
    most, least = max(numbers.values()), min(numbers.values())
    if set(numbers.values()) <= {-1.0, 0.0, 1.0}:
        return Scale("thumbs", values | {each: float(n > 0) for each, n in numbers.items()})
    if least >= 0 and most <= 1:
        return Scale("0 to 1", values | numbers)
    top = 5 if most <= 5 else 10
    if least < 0 or most > top:
        return Scale("unknown", values)
    # Where stars begin at 1, a 0 says that nobody rated.
    scaled = {each: (n - 1) / (top - 1) for each, n in numbers.items() if n >= 1}
    return Scale(f"1 to {top}", values | scaled)


def _word(rating: str) -> float | None:
    plain = rating.strip().casefold().replace(" ", "_")
    return 1.0 if plain in _UP else 0.0 if plain in _DOWN else None


def _number(rating: str) -> float | None:
    try:
        number = float(rating)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
