"""A local model: plain numbers that predict, for each tier, how likely its answer is good enough,
and its cost. They are trained in `optimizer` and only used here.
"""

import base64
import binascii
import hashlib
import json
import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal, Protocol, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    model_validator,
)

from route_switch.domain.local_features import BUCKETS, DENSE, dense_features, hashed_features
from route_switch.domain.local_readings import as_learned, readings_of
from route_switch.domain.query import Query
from route_switch.domain.tiers import Tier

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class LinearWeights(BaseModel):
    """A linear function of the features.

    `hashed` is Base64 of one signed byte per bucket, in steps of `step`; `dense` has one weight for
    each plain number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bias: FiniteFloat
    step: FiniteFloat
    hashed: str
    dense: tuple[FiniteFloat, ...]

    @model_validator(mode="after")
    def _has_a_weight_for_each_feature(self) -> Self:
        try:
            buckets = len(base64.b64decode(self.hashed, validate=True))
        except binascii.Error as error:
            raise ValueError(f"hashed is not Base64 ({error})") from error
        if (buckets, len(self.dense)) != (BUCKETS, len(DENSE)):
            raise ValueError(
                f"it has {buckets} hashed and {len(self.dense)} dense weights instead of {BUCKETS} "
                f"and {len(DENSE)}"
            )
        return self


class LocalNumbers(BaseModel):
    """`quality` and `cost` have an entry for each of `tiers`, in ascending order.

    `quality` gives the log-odds that the tier's answer is no worse than Tier 3's, and `cost` the
    natural logarithm of its cost in units of the mean cost of a query on Tier 3. `lambda_` is what
    a unit of cost is worth in quality. `longest` is the length, in tokens, of the longest queries
    that the model was trained on: a longer one is read as if it were of that length, because a
    linear function says nothing beyond them. `features` names the map from a query to numbers, and
    says whether a text is also read by its stretches (`domain.local_readings`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    features: Literal["words-1", "words-1-whole"] = "words-1"
    lambda_: Annotated[FiniteFloat, Field(ge=0)]
    longest: Annotated[int, Field(ge=1)]
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1)]
    quality: tuple[LinearWeights, ...]
    cost: tuple[LinearWeights, ...]

    @model_validator(mode="after")
    def _has_weights_for_each_tier(self) -> Self:
        if list(self.tiers) != sorted(set(self.tiers)):
            raise ValueError("tiers must be in ascending order")
        if not len(self.tiers) == len(self.quality) == len(self.cost):
            raise ValueError("quality and cost need an entry for each of tiers")
        return self

    @property
    def reads_stretches(self) -> bool:
        return self.features == "words-1"

    @property
    def sha256(self) -> str:
        """The digest of the numbers, by which a routing prompt names them."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


FeatureName = Annotated[str, StringConstraints(pattern=r"^[^\r\n]+$", max_length=100)]
ShownWeight = Annotated[FiniteFloat, AfterValidator(lambda weight: round(weight, 2) + 0.0)]


class StrongFeature(BaseModel):
    """A word, or a property such as `code`, that speaks for a tier. `weight` is in log-odds, with
    two decimals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tier: Tier
    name: FeatureName
    weight: ShownWeight


def _by_tier(features: tuple[StrongFeature, ...]) -> tuple[StrongFeature, ...]:
    return tuple(sorted(features, key=lambda feature: feature.tier))


class LocalModel(BaseModel):
    """The local model of a routing prompt.

    `ask_below` is the lead, in points of the objective, below which the strategy `hybrid` asks the
    router LLM. `strongest` is for people, in the order of the tiers. `numbers` is None where only
    their digest is kept, as in Parameter Store.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: Digest
    ask_below: Annotated[FiniteFloat, Field(ge=0)] | None = None
    strongest: Annotated[tuple[StrongFeature, ...], AfterValidator(_by_tier)] = ()
    numbers: LocalNumbers | None = None

    @model_validator(mode="after")
    def _has_the_numbers_that_it_names(self) -> Self:
        if self.numbers is not None and self.numbers.sha256 != self.sha256:
            raise ValueError(
                f"the numbers are not those that sha256 names: theirs is {self.numbers.sha256}"
            )
        return self

    @property
    def name(self) -> str:
        """A short name, for people."""
        return self.sha256[:12]


class LocalModelStore(Protocol):
    """The numbers of local models, by their digest. Both methods raise `StoreError`."""

    def get(self, sha256: str) -> LocalNumbers | None:
        """Return None if they are not stored. Raise `LocalModelError` if they are broken."""
        ...

    def put(self, numbers: LocalNumbers) -> None: ...


@dataclass(frozen=True, slots=True)
class Expected:
    """`quality` is a probability, 0 to 1; `cost` is relative to the mean query on Tier 3."""

    quality: float
    cost: float

    def objective(self, lambda_: float) -> float:
        return self.quality - lambda_ * self.cost


@dataclass(frozen=True, slots=True)
class LocalChoice:
    """`lead` is the objective of `tier` minus that of the best other tier; at least 0."""

    tier: Tier
    lead: float
    expected: Mapping[Tier, Expected]


def choose(numbers: LocalNumbers, query: Query, lambda_: float | None = None) -> LocalChoice:
    """Return the choice of the decisive reading. `lambda_` replaces the model's."""
    return decisive(numbers, query, lambda_)[1]


def decisive(
    numbers: LocalNumbers, query: Query, lambda_: float | None = None
) -> tuple[Query, LocalChoice]:
    """Return the reading (`domain.local_readings`) with the lowest tier, and its choice: the tier
    with the highest expected objective, the lower tier on a tie. Of several such readings, the one
    with the greatest lead decides: a text around a query that is surely easy raises no doubt."""
    value = numbers.lambda_ if lambda_ is None else lambda_
    readings = readings_of(query) if numbers.reads_stretches else (as_learned(query),)
    read = ((each, best_of(expect(numbers, each), value)) for each in readings)
    return min(read, key=lambda each: (each[1].tier, -each[1].lead))


def best_of(expected: Mapping[Tier, Expected], lambda_: float) -> LocalChoice:
    scores = {tier: each.objective(lambda_) for tier, each in expected.items()}
    best = max(scores, key=lambda tier: (scores[tier], -tier))
    others = [score for tier, score in scores.items() if tier is not best]
    return LocalChoice(best, scores[best] - max(others, default=-math.inf), expected)


def expect(numbers: LocalNumbers, query: Query) -> dict[Tier, Expected]:
    """Return what the model expects of the query's text as a whole."""
    hashed, dense = hashed_features(query), dense_features(query, numbers.longest)

    def value(weights: LinearWeights) -> float:
        steps = _steps(weights.hashed)
        words = sum(steps[bucket] * value for bucket, value in hashed.items())
        plain = sum(w * x for w, x in zip(weights.dense, dense, strict=True))
        return weights.bias + weights.step * words + plain

    return {
        tier: Expected(_probability(value(quality)), math.exp(min(value(cost), 20.0)))
        for tier, quality, cost in zip(numbers.tiers, numbers.quality, numbers.cost, strict=True)
    }


@lru_cache(maxsize=32)
def _steps(hashed: str) -> "array[int]":
    return array("b", base64.b64decode(hashed, validate=True))


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-max(min(log_odds, 35.0), -35.0)))
