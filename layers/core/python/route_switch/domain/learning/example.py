"""Examples: the queries that learning works on, and what is known about them."""

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
"""Accepts numbers as well: 7 becomes "7"."""

_BLANKS = re.compile(r"\s+")


class RecordedResult(BaseModel):
    """A model's recorded result on an example. Extra fields are ignored.

    `score` (0..1) is a test result or a grade. `answer` is the model's text, if it was kept, and
    `tool_calls` are its calls of tools, as in an OpenAI message.
    """

    model_config = ConfigDict(frozen=True)

    score: Score | None = None
    cost_usd: Annotated[float, Field(ge=0)] | None = None
    input_tokens: Annotated[int, Field(ge=0)] | None = None
    output_tokens: Annotated[int, Field(ge=0)] | None = None
    latency_ms: Annotated[float, Field(ge=0)] | None = None
    answer: str | None = None
    tool_calls: tuple[JsonObject, ...] = ()


class Example(BaseModel):
    """A query with everything that can grade an answer to it. Extra fields are ignored.

    `conversation` holds the messages before the query and `params` the request's other fields
    (`temperature`, `tools`, …), so that a replay asks exactly what the user asked. `id` defaults to
    the query's key. `models` maps model names to results. `feedback` says, per tier, whether people
    judged the answer adequate. `weight` is the inverse of the row's sampling probability.
    `train_only` rows were not sampled uniformly, so they are never used to measure anything.
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
        """The example as the router sees it."""
        return query_of(self.messages, self.params)

    @property
    def key(self) -> str:
        """Digest of the normalized query. The same question has the same key."""
        return query_key(self.query)


def normalize_query(text: str) -> str:
    """Ignore case, Unicode encoding variants and whitespace: they do not make a different
    question."""
    return _BLANKS.sub(" ", unicodedata.normalize("NFKC", text)).strip().casefold()


def query_key(text: str) -> str:
    """Return 16 hex digits of the SHA-256 of the normalized text."""
    return hashlib.sha256(normalize_query(text).encode()).hexdigest()[:16]
