"""Examples: the queries that learning works on, and what is known about them."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from route_switch.domain.learning.templates import template_of
from route_switch.domain.plain_text import plain_text, whole_characters
from route_switch.domain.ports import JsonObject
from route_switch.domain.query import Query, query_of, text_of
from route_switch.domain.tiers import Tier

Score = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(coerce_numbers_to_str=True)]
"""Accepts numbers as well: 7 becomes "7"."""

QueryText = Annotated[
    str,
    BeforeValidator(lambda text: whole_characters(text) if isinstance(text, str) else text),
    StringConstraints(min_length=1),
]
"""The text as it was asked; `as_demo` gives it the form that a prompt document can hold."""

_BLANKS = re.compile(r"\s+")
_INSTRUCTING = ("system", "developer")


class RecordedResult(BaseModel):
    """A model's recorded result on an example. Extra fields are ignored.

    `score` (0..1) is a test result or a grade. `answer` is the model's text, if it was kept, and
    `tool_calls` are its calls of tools, as in an OpenAI message.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    score: Score | None = None
    cost_usd: Annotated[float, Field(ge=0)] | None = None
    input_tokens: Annotated[int, Field(ge=0)] | None = None
    output_tokens: Annotated[int, Field(ge=0)] | None = None
    latency_ms: Annotated[float, Field(ge=0)] | None = None
    answer: str | None = None
    tool_calls: tuple[JsonObject, ...] = ()


class Example(BaseModel):
    """A query with everything that can grade an answer to it. Extra fields are ignored, and null
    means the same as an absent field.

    `conversation` holds the messages before the query and `params` the request's other fields
    (`temperature`, `tools`, …), so that a replay asks exactly what the user asked. `id` defaults to
    the example's key. `gold` may be several answers, any of which is right. `template` names the
    template that the query was made from; without it, `template_of` finds out. `models` maps model
    names to results. `feedback` says, per tier, whether people judged the answer adequate. `weight`
    is the inverse of the row's sampling probability. `asked_by` divides it between the clients that
    asked, and `labeled_by` is the client that gave `gold` or `feedback`
    (`domain.learning.clients`); both are empty for the owner's own examples. `train_only` rows were
    not sampled uniformly, so they are never used to measure anything.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    query: QueryText
    conversation: tuple[JsonObject, ...] = ()
    id: Text = Field(
        default_factory=lambda valid: query_key(valid["query"], valid.get("conversation", ()))
    )
    params: JsonObject = Field(default_factory=dict)
    gold: Text | tuple[Text, ...] | None = None
    workload: Text | None = None
    template: Text | None = None
    models: dict[str, RecordedResult] = Field(default_factory=dict)
    feedback: dict[Tier, bool] = Field(default_factory=dict)
    asked_by: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    labeled_by: str | None = None
    weight: Annotated[float, Field(gt=0)] = 1.0
    train_only: bool = False
    from_traffic: bool = False

    @model_validator(mode="before")
    @classmethod
    def _null_means_absent(cls, row: object) -> object:
        if not isinstance(row, Mapping):
            return row
        given = present(row)
        if given.get("gold") == []:
            del given["gold"]
        for name in ("models", "feedback"):
            entries = given.get(name)
            if isinstance(entries, Mapping):
                given[name] = present(entries)
        return given

    @property
    def messages(self) -> tuple[JsonObject, ...]:
        return (*self.conversation, {"role": "user", "content": self.query})

    @property
    def as_query(self) -> Query:
        """The example as the router sees it."""
        return query_of(self.messages, self.params)

    @property
    def key(self) -> str:
        """Digest of the normalized query and of the conversation before it. The same question in
        the same conversation has the same key."""
        return query_key(self.query, self.conversation)

    @property
    def template_key(self) -> str:
        """Digest of the query's template. It is the `key` of a query without numbers and ids."""
        if self.template is not None:
            return _digest(f"template {self.template}")
        return _digest(template_of(self.turns))

    @property
    def turns(self) -> str:
        """What was said, without instructions of the application, normalized."""
        return _turns(self.query, self.conversation)


def present(fields: Mapping[object, object]) -> dict[object, object]:
    """Return the fields without those that are null: a file may write null for a field that it
    lacks."""
    return {name: value for name, value in fields.items() if value is not None}


def normalize_query(text: str) -> str:
    """Ignore case, Unicode encoding variants and whitespace: they do not make a different
    question."""
    normalized = unicodedata.normalize("NFKC", plain_text(text))
    return _BLANKS.sub(" ", normalized).strip().casefold()


def query_key(text: str, conversation: Sequence[JsonObject] = ()) -> str:
    """Return 16 hex digits of the SHA-256 of the normalized text, with the conversation before it.

    Instructions of the application (system messages) do not make another question.
    """
    return _digest(_turns(text, conversation))


def _turns(text: str, conversation: Sequence[JsonObject]) -> str:
    said = [text_of(m) for m in conversation if m.get("role") not in _INSTRUCTING]
    return "\n".join(map(normalize_query, (*said, text)))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
