"""Examples: the queries that learning works on, and what is known about them."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from route_switch.domain.conversation import INSTRUCTING
from route_switch.domain.learning.conversation_key import (
    attachments_of,
    digest_of,
    material_of,
    root_of,
    turns_of,
)
from route_switch.domain.learning.conversation_key import normalize_query as normalize_query
from route_switch.domain.learning.logged_messages import from_log, with_query
from route_switch.domain.learning.quantities import (
    ClientWeight,
    FiniteJson,
    LatencyMs,
    Params,
    Tokens,
    Usd,
    Weight,
)
from route_switch.domain.learning.templates import template_of
from route_switch.domain.plain_text import whole_characters
from route_switch.domain.ports import JsonObject
from route_switch.domain.query import Query, query_of, text_of
from route_switch.domain.tiers import Tier

Score = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(coerce_numbers_to_str=True)]
"""Accepts numbers as well: 7 becomes "7"."""

QueryText = Annotated[
    str,
    BeforeValidator(lambda text: whole_characters(text) if isinstance(text, str) else text),
]
"""The text as it was asked; `as_demo` gives it the form that a prompt document can hold."""

_COMPUTED = ("key", "template_key")


class RecordedResult(BaseModel):
    """A model's recorded result on an example. Extra fields are ignored.

    `score` (0..1) is a test result or a grade. `answer` is the model's text, if it was kept, and
    `tool_calls` are its calls of tools, as in an OpenAI message.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    score: Score | None = None
    cost_usd: Usd | None = None
    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    latency_ms: LatencyMs | None = None
    answer: str | None = None
    tool_calls: tuple[FiniteJson, ...] = ()


class Example(BaseModel):
    """A query with everything that can grade an answer to it. Extra fields are ignored, and null
    means the same as an absent field.

    `conversation` holds the messages before the query and `params` the request's other fields
    (`temperature`, `tools`, …), so that a replay asks exactly what the user asked. `turn` holds the
    messages from the query on, if they are more than its text: attachments, tool calls, results.
    Instead of these, a file may give `messages` (`domain.learning.logged_messages`). `id` defaults
    to the example's key. `gold` may be several answers, any of which is right. `template` names the
    template that the query was made from; without it, the rows of one conversation's root share a
    template (`domain.learning.conversation_key`). `models` maps model names to results. `feedback`
    says, per tier, whether people judged the answer adequate. `weight` is the inverse of the row's
    sampling probability. `asked_by` divides it between the clients that asked, and `labeled_by` is
    the client that gave `gold` or `feedback` (`domain.learning.clients`); both are empty for the
    owner's own examples. `train_only` rows were not sampled uniformly, so they are never used to
    measure anything.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    turn: tuple[FiniteJson, ...] = ()
    query: QueryText
    conversation: tuple[FiniteJson, ...] = ()
    id: Text = Field(
        default_factory=lambda valid: query_key(
            valid["query"], valid.get("conversation", ()), valid.get("turn", ())
        )
    )
    params: Params = Field(default_factory=dict)
    gold: Text | tuple[Text, ...] | None = None
    workload: Text | None = None
    template: Text | None = None
    models: dict[str, RecordedResult] = Field(default_factory=dict)
    feedback: dict[Tier, bool] = Field(default_factory=dict)
    asked_by: dict[str, ClientWeight] = Field(default_factory=dict)
    labeled_by: str | None = None
    weight: Weight = 1.0
    train_only: bool = False
    from_traffic: bool = False

    @model_validator(mode="before")
    @classmethod
    def _null_means_absent(cls, row: object) -> object:
        if not isinstance(row, Mapping):
            return row
        given = with_query(from_log(present(row)))
        if given.get("gold") == []:
            del given["gold"]
        for name in ("models", "feedback"):
            entries = given.get(name)
            if isinstance(entries, Mapping):
                given[name] = present(entries)
        return given

    @field_validator("query")
    @classmethod
    def _says_something(cls, text: str, info: ValidationInfo) -> str:
        """A query without text needs an attachment."""
        turn = info.data.get("turn", ())
        users = [place for place, message in enumerate(turn) if message.get("role") == "user"]
        if turn and (users != [0] or whole_characters(text_of(turn[0])) != text):
            raise ValueError(
                "must be the text of the message that 'turn' begins with, the only one of a user"
            )
        if not text and not attachments_of(turn):
            raise ValueError("must have at least 1 character")
        return text

    def model_copy(self, *, update: Mapping[str, object] | None = None, deep: bool = False) -> Self:
        """Forget what was computed from other fields: a copy has its own key."""
        copy = super().model_copy(update=update, deep=deep)
        for name in _COMPUTED:
            copy.__dict__.pop(name, None)
        return copy

    @property
    def messages(self) -> tuple[JsonObject, ...]:
        return messages_of(self.query, self.conversation, self.turn)

    @property
    def request_id(self) -> str | None:
        """The id of the request that the example was made from; None for the owner's own."""
        return self.id if self.from_traffic else None

    @property
    def as_query(self) -> Query:
        """The example as the router sees it."""
        return query_of(self.messages, self.params)

    @property
    def says_nothing(self) -> bool:
        """Whether the query is only blanks, without an attachment."""
        return not self.query.strip() and not attachments_of(self.turn)

    @property
    def is_conversation(self) -> bool:
        """Whether there are turns other than the query."""
        said = [m for m in self.conversation if m.get("role") not in INSTRUCTING]
        return bool(said) or len(self.turn) > 1

    @cached_property
    def key(self) -> str:
        """Digest of the normalized conversation, with the query. The same question in the same
        conversation has the same key."""
        return query_key(self.query, self.conversation, self.turn)

    @cached_property
    def template_key(self) -> str:
        """Digest of the template of the conversation's root. It is the `key` of a query without
        numbers, ids and conversation."""
        if self.template is not None:
            return digest_of(f"template {self.template}")
        return digest_of(template_of(root_of(self.messages)))

    @property
    def turns(self) -> str:
        """What was said, without instructions of the application, normalized."""
        return turns_of(self.messages)

    @property
    def material(self) -> str:
        """Digest of what the turns are about but do not say: long system messages, and attachments.
        Empty if there are none."""
        about = material_of(self.messages) + attachments_of(self.messages)
        return digest_of(about) if about else ""


def present(fields: Mapping[object, object]) -> dict[object, object]:
    """Return the fields without those that are null: a file may write null for a field that it
    lacks."""
    return {name: value for name, value in fields.items() if value is not None}


def query_key(
    text: str, conversation: Sequence[JsonObject] = (), turn: Sequence[JsonObject] = ()
) -> str:
    """Return 16 hex digits of the SHA-256 of the normalized turns, and of a long system message
    (`domain.learning.conversation_key`)."""
    messages = messages_of(text, conversation, turn)
    return digest_of(material_of(messages) + turns_of(messages))


def messages_of(
    text: str, conversation: Sequence[JsonObject], turn: Sequence[JsonObject]
) -> tuple[JsonObject, ...]:
    """Return a request's messages, exactly as they were."""
    return (*conversation, *(turn or ({"role": "user", "content": text},)))
