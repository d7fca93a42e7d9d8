"""Numbers of an example, with limits beyond which they count as errors of their source. One absurd
cost decides every mean, and its square is infinite.
"""

import math
from typing import Annotated

from pydantic import AfterValidator, Field, FiniteFloat, JsonValue

from route_switch.domain.parameters import LIMITS
from route_switch.domain.ports import JsonObject
from route_switch.domain.usage import MAX_TOKENS

MAX_USD = 1e6
"""The highest cost of one answer. A billion tokens at 1,000 USD per million cost this much."""
MIN_USD = 1e-12
"""A lower cost, far below that of one token, counts as free."""
MAX_LATENCY_MS = 1e9
"""Almost twelve days."""
MAX_WEIGHT = 1e9
MIN_WEIGHT = 1e-9
MAX_LAMBDA = 1_000_000
"""Cost alone decides long before λ is this high."""


Usd = Annotated[
    FiniteFloat,
    Field(ge=0, le=MAX_USD),
    AfterValidator(lambda usd: usd if usd >= MIN_USD else 0.0),
]
Tokens = Annotated[int, Field(ge=0, le=MAX_TOKENS)]
LatencyMs = Annotated[FiniteFloat, Field(ge=0, le=MAX_LATENCY_MS)]
Weight = Annotated[FiniteFloat, Field(ge=MIN_WEIGHT, le=MAX_WEIGHT)]
Lambda = Annotated[FiniteFloat, Field(ge=0, le=MAX_LAMBDA)]
ClientWeight = Annotated[FiniteFloat, Field(gt=0, le=MAX_WEIGHT)]
"""A part of a weight."""


def with_finite_numbers(value: JsonObject) -> JsonObject:
    """Return the object. Raise `ValueError` if it contains `NaN` or an infinite number."""
    _check_numbers(value)
    return value


def with_real_limit(params: JsonObject) -> JsonObject:
    """Return the parameters. Raise `ValueError` if they allow more tokens than any model writes."""
    for name in LIMITS:
        limit = params.get(name)
        if isinstance(limit, int | float) and not limit <= MAX_TOKENS:
            raise ValueError(f"{name} must be at most {MAX_TOKENS:,}")
    return params


FiniteJson = Annotated[JsonObject, AfterValidator(with_finite_numbers)]
"""An object whose numbers are all finite: a file may hold `NaN` or `1e999`. Integers of any length
are kept, because the API takes them."""
Params = Annotated[FiniteJson, AfterValidator(with_real_limit)]
"""A request's fields other than its messages."""


def _check_numbers(value: JsonValue) -> None:
    match value:
        case float():
            if not math.isfinite(value):
                raise ValueError("it contains a number that is too large, or none")
        case dict():
            for each in value.values():
                _check_numbers(each)
        case list():
            for each in value:
                _check_numbers(each)
