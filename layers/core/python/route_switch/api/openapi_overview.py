"""What the sums of costs say about answers and ratings, in the OpenAPI document."""

from typing import Annotated

from pydantic import BaseModel, Field


class Unpriced(BaseModel):
    """What each sum leaves out, in words, such as `3 of 120 requests could not be priced`; null if
    it is complete."""

    spent: str | None
    baseline: str | None
    saved: str | None


class AnswersByTier(BaseModel):
    small: Annotated[int, Field(alias="1")]
    medium: Annotated[int, Field(alias="2")]
    large: Annotated[int, Field(alias="3")]


class ResponseTimes(BaseModel):
    """Milliseconds. p50 and p95 are read from a histogram whose buckets double,
    to within a factor of 2; in its last bucket, read them as "at least" its start."""

    mean: int
    p50: int
    p95: int


class PeoplesRatings(BaseModel):
    """The mean score of `n` rated answers."""

    mean: Annotated[float, Field(ge=0, le=1)]
    n: int


class Quality(BaseModel):
    """`people` is null if nobody rated an answer."""

    people: PeoplesRatings | None
