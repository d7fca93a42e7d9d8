"""Examples: the queries that learning works on, and what is known of them."""

import hashlib
import re
import unicodedata
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from route_switch.domain.ports import JsonObject
from route_switch.domain.query import Query, query_of
from route_switch.domain.tiers import Tier

Score = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(coerce_numbers_to_str=True)]
"""What people also write as a number: 7 is "7"."""

_BLANKS = re.compile(r"\s+")


class RecordedResult(BaseModel):
    """How one model did on an example, as it was recorded elsewhere. Further fields are ignored.

    `score` 0..1 is a test's result or a grade; `answer` is the model's text where it was kept.
    """

    model_config = ConfigDict(frozen=True)

    score: Score | None = None
    cost_usd: Annotated[float, Field(ge=0)] | None = None
    input_tokens: Annotated[int, Field(ge=0)] | None = None
    output_tokens: Annotated[int, Field(ge=0)] | None = None
    latency_ms: Annotated[float, Field(ge=0)] | None = None
    answer: str | None = None


class Example(BaseModel):
    """A query with everything that may grade an answer to it. Further fields are ignored.

    `conversation` holds the messages before the query, `params` the request's further fields
    (`temperature`, `tools`, …), so that a replay asks what the user asked. Without an `id`, the
    query's key is its id. `models` are results by model name. `feedback` says whether a tier's
    answer was adequate, as people judged it. `weight` is one over the probability with which the
    row was sampled. `train_only` rows were not sampled uniformly and never measure anything.
    """

    model_config = ConfigDict(frozen=True)

    query: Annotated[str, StringConstraints(min_length=1)]
    id: Text = Field(default_factory=lambda valid: query_key(valid["query"]))
    conversation: tuple[JsonObject, ...] = ()
    params: JsonObject = Field(default_factory=dict)
    gold: Text | None = None
    workload: str | None = None
    models: dict[str, RecordedResult] = Field(default_factory=dict)
    feedback: dict[Tier, bool] = Field(default_factory=dict)
    weight: Annotated[float, Field(gt=0)] = 1.0
    train_only: bool = False
    from_traffic: bool = False

    @property
    def messages(self) -> tuple[JsonObject, ...]:
        return (*self.conversation, {"role": "user", "content": self.query})

    @property
    def as_query(self) -> Query:
        """What the router sees of it."""
        return query_of(self.messages, self.params)

    @property
    def key(self) -> str:
        """Digest of the normalized query: the same question is the same key."""
        return query_key(self.query)


def normalize_query(text: str) -> str:
    """Case, accents' encoding and blanks do not make another question."""
    return _BLANKS.sub(" ", unicodedata.normalize("NFKC", text)).strip().casefold()


def query_key(text: str) -> str:
    """16 hex digits of the SHA-256 of the normalized text."""
    return hashlib.sha256(normalize_query(text).encode()).hexdigest()[:16]
