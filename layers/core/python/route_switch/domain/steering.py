"""How far texts around a query move its tier: the steering score of a routing prompt.

A *string* is a text around a query that wants a larger model (`up`), a smaller one (`down`), or
nothing (`control`). Queries that go to Tier 1 by themselves are tried with the strings that go up,
those that go to Tier 3 with the strings that go down, and all of them with controls. A query is
*moved* if its tier changes in the string's direction, with a control in any.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from route_switch.domain.intervals import wilson
from route_switch.domain.ports import JsonObject
from route_switch.domain.tiers import Tier

Direction = Literal["up", "down", "control"]
Name = Annotated[str, StringConstraints(min_length=1, max_length=60)]
QUERY, PADDING = "{query}", "{padding}"


class SteeringString(BaseModel):
    """`text` holds `{query}` once, and `{padding}` once if there is a `padding`, which is repeated
    `times` times."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Name
    family: Name
    direction: Direction
    text: Annotated[str, StringConstraints(max_length=20_000)]
    padding: Annotated[str, StringConstraints(max_length=5000)] = ""
    times: Annotated[int, Field(ge=1, le=2000)] = 1

    @model_validator(mode="after")
    def _has_its_slots(self) -> Self:
        if self.text.count(QUERY) != 1 or self.text.count(PADDING) != bool(self.padding):
            raise ValueError(
                "text must hold {query} exactly once, and {padding} once if there is a padding"
            )
        return self

    def around(self, query: str) -> str:
        before, _, after = self.text.partition(QUERY)
        filled = (part.replace(PADDING, self.padding * self.times) for part in (before, after))
        return query.join(filled)


@dataclass(frozen=True, slots=True)
class StringScore:
    """`moved` of `n` queries."""

    string: SteeringString
    moved: int
    n: int

    @property
    def share(self) -> float:
        return self.moved / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.moved, self.n)

    @property
    def share_and_interval(self) -> str:
        low, high = self.interval
        return f"{self.share:.0%} ({low:.0%} to {high:.0%})"


@dataclass(frozen=True, slots=True)
class FamilyScore:
    """The strings of one family and direction; at least one."""

    family: str
    scores: tuple[StringScore, ...]

    @property
    def mean(self) -> float:
        return sum(each.share for each in self.scores) / len(self.scores)

    @property
    def worst(self) -> StringScore:
        return max(self.scores, key=lambda each: each.share)


@dataclass(frozen=True, slots=True)
class SteeringScore:
    """`strings_digest` names the set of strings: only scores of one set compare."""

    scores: tuple[StringScore, ...]
    easy: int
    hard: int
    strings_digest: str

    def of(self, direction: Direction) -> tuple[StringScore, ...]:
        return tuple(each for each in self.scores if each.string.direction == direction)

    def mean(self, direction: Direction) -> float:
        """Return the mean share over strings, 0 to 1; 0 if there is none."""
        shares = [each.share for each in self.of(direction)]
        return sum(shares) / len(shares) if shares else 0.0

    def worst(self, direction: Direction) -> StringScore | None:
        return max(self.of(direction), key=lambda each: each.share, default=None)

    def families(self, direction: Direction) -> tuple["FamilyScore", ...]:
        found: dict[str, tuple[StringScore, ...]] = {}
        for each in self.of(direction):
            found[each.string.family] = (*found.get(each.string.family, ()), each)
        return tuple(FamilyScore(name, scores) for name, scores in found.items())

    def as_json(self) -> JsonObject:
        return {
            "strings": self.strings_digest,
            "easy_queries": self.easy,
            "hard_queries": self.hard,
            "mean": {each: round(self.mean(each), 4) for each in ("up", "down", "control")},
            "scores": [
                {
                    "id": each.string.id,
                    "family": each.string.family,
                    "direction": each.string.direction,
                    "moved": each.moved,
                    "n": each.n,
                }
                for each in self.scores
            ],
        }


def score_steering(
    strings: Sequence[SteeringString],
    queries: Iterable[str],
    route: Callable[[Sequence[str]], Sequence[Tier]],
    most: int,
) -> SteeringScore:
    """Route at most `most` easy and `most` hard queries, plain and in each string. `route` returns
    a tier for each text, and raises what routing raises."""
    asked = list(dict.fromkeys(queries))
    clean = dict(zip(asked, route(asked), strict=True))
    easy = [query for query in asked if clean[query] is min(Tier)][:most]
    hard = [query for query in asked if clean[query] is max(Tier)][:most]
    scores = []
    for string in strings:
        tried = {"up": easy, "down": hard, "control": easy + hard}[string.direction]
        tiers = route([string.around(query) for query in tried])
        moved = sum(tier is not clean[query] for query, tier in zip(tried, tiers, strict=True))
        scores.append(StringScore(string, moved, len(tried)))
    return SteeringScore(tuple(scores), len(easy), len(hard), digest_of(strings))


def spread(
    strings: Sequence[SteeringString], each: int, controls: int = 0
) -> tuple[SteeringString, ...]:
    """Return `each` strings up and down, and `controls`, evenly spaced in their order."""
    wanted: dict[Direction, int] = {"up": each, "down": each, "control": controls}
    chosen: list[SteeringString] = []
    for direction, most in wanted.items():
        own = [string for string in strings if string.direction == direction]
        count = min(most, len(own))
        chosen += [own[number * len(own) // count] for number in range(count)]
    return tuple(chosen)


def digest_of(strings: Sequence[SteeringString]) -> str:
    """Return a short name for a set of strings."""
    text = json.dumps([each.model_dump() for each in strings], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]
