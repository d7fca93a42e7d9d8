"""The query: the last user message, with its conversation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from pydantic import JsonValue

from route_switch.domain.conversation import (
    ALONE,
    INSTRUCTING,
    Conversation,
    offered_tools,
    text_of,
)
from route_switch.domain.ports import JsonObject
from route_switch.domain.quoted_query import as_data
from route_switch.domain.routed_text import as_read
from route_switch.domain.router_view import in_context, with_context_line
from route_switch.domain.tokens import clip, estimate_tokens

__all__ = ["Query", "query_of", "text_of"]

QUOTED_SINCE = 3
"""The first schema version of a prompt whose router LLM gets the query in quotes."""


@dataclass(frozen=True, slots=True)
class Query:
    """`more_tokens` estimates what the model has to read in addition to messages and tools: the
    form of the answer, and text that the answer is predicted from. `is_rendered` marks a text that
    `for_router` returned: the router LLM gets it unchanged."""

    text: str
    conversation: Conversation = ALONE
    more_tokens: int = 0
    is_rendered: bool = False

    @property
    def tokens(self) -> int:
        return estimate_tokens(self.text)

    @property
    def has_tools(self) -> bool:
        return bool(self.conversation.tools)

    @property
    def has_attachments(self) -> bool:
        return self.conversation.has_attachments

    @property
    def earlier_turns(self) -> int:
        """Messages other than `text`, without system messages."""
        return self.conversation.length

    @property
    def system_tokens(self) -> int:
        return estimate_tokens(self.conversation.system)

    def is_shorter_than(self, tokens: int) -> bool:
        """Whether the whole task is shorter: a task may be in the system message, with a user
        message that only says "go". A request without user text never is."""
        if not (self.text.strip() and self.stands_alone):
            return False
        return self.system_tokens + self.more_tokens + self.tokens < tokens

    @property
    def stands_alone(self) -> bool:
        """Whether the text is everything: no conversation, no tools, no attachments."""
        return not (self.earlier_turns or self.has_tools or self.has_attachments)

    def for_router(self, max_tokens: int, schema_version: int = 2) -> str:
        """Return what the router LLM sees of the query, at most `max_tokens` of it, as
        `domain.routed_text` reads it.

        Version 1 of a prompt's schema has one line about the conversation before the clipped text.
        Since version 2 the conversation is quoted (`domain.router_view`), since version 3 the query
        as well (`domain.quoted_query`); the quotes come on top of `max_tokens`. A query that is all
        that the model gets is the same in versions 1 and 2. Learning keeps the form of version 2,
        from which that of version 3 is made.
        """
        if self.is_rendered:
            view = clip(self.text, max_tokens)
        else:
            render = with_context_line if schema_version == 1 else in_context
            view = render(as_read(self.text), self.conversation, max_tokens)
        return as_data(view) if schema_version >= QUOTED_SINCE else view


_TEXT_PARTS = ("text", "refusal")


def query_of(
    messages: Sequence[JsonObject], params: Mapping[str, JsonValue] | None = None
) -> Query:
    """Return the query in OpenAI chat `messages`. `params` holds the request's other fields."""
    said = [m for m in messages if m.get("role") not in INSTRUCTING]
    last = next((i for i in reversed(range(len(said))) if said[i].get("role") == "user"), None)
    end = len(said) if last is None else last
    params = params or {}
    return Query(
        text="" if last is None else text_of(said[last]),
        conversation=Conversation(
            system="\n".join(text_of(m) for m in messages if m.get("role") in INSTRUCTING),
            before=tuple(said[:end]),
            since=tuple(said[end + 1 :]),
            tools=offered_tools(params) if params else (),
            has_attachments=any(map(_has_attachment, messages)),
        ),
        more_tokens=_more_tokens(params) if params else 0,
    )


def _has_attachment(message: JsonObject) -> bool:
    content = message.get("content")
    return isinstance(content, list) and any(
        isinstance(part, dict) and part.get("type") not in _TEXT_PARTS for part in content
    )


def _more_tokens(params: Mapping[str, JsonValue]) -> int:
    """Return the estimated tokens of the answer's schema and of text that predicts the answer."""
    form, predicted = params.get("response_format"), params.get("prediction")
    schema = form.get("json_schema") if isinstance(form, dict) else None
    content = predicted.get("content") if isinstance(predicted, dict) else None
    return sum(estimate_tokens(text) for value in (schema, content) for text in _texts(value))


def _texts(value: JsonValue) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return list(chain(value, *map(_texts, value.values())))
    return list(chain(*map(_texts, value))) if isinstance(value, list) else []
