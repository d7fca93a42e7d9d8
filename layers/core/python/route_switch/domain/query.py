"""The query: the last user message, and what the router needs to know about the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from route_switch.domain.ports import JsonObject
from route_switch.domain.tokens import clip, estimate_tokens


@dataclass(frozen=True, slots=True)
class Query:
    """`earlier_turns` counts the messages before `text`, without system messages. `earlier_tokens`
    estimates their length, `system_tokens` that of the system messages."""

    text: str
    earlier_turns: int = 0
    earlier_tokens: int = 0
    system_tokens: int = 0
    has_tools: bool = False
    has_attachments: bool = False

    @property
    def tokens(self) -> int:
        return estimate_tokens(self.text)

    def is_shorter_than(self, tokens: int) -> bool:
        """Whether the whole task is shorter: a task may be in the system message, with a user
        message that only says "go". A request without user text never is."""
        if not (self.text.strip() and self.stands_alone):
            return False
        return self.system_tokens + self.tokens < tokens

    @property
    def stands_alone(self) -> bool:
        """Whether the text is everything: no conversation, no tools, no attachments."""
        return not (self.earlier_turns or self.has_tools or self.has_attachments)

    def for_router(self, max_tokens: int) -> str:
        """Return what the router LLM sees: one line about the conversation, then the clipped
        text."""
        line = self._context_line()
        return line + clip(self.text, max_tokens - estimate_tokens(line))

    def _context_line(self) -> str:
        notes = []
        if self.earlier_turns:
            notes.append(
                f"after {self.earlier_turns} earlier messages of about {self.earlier_tokens} tokens"
            )
        if self.has_tools:
            notes.append("with tools that may be called")
        if self.has_attachments:
            notes.append("with attachments that are not shown")
        return f"({', '.join(notes)})\n" if notes else ""


_SYSTEM = ("system", "developer")


def query_of(
    messages: Sequence[JsonObject], params: Mapping[str, JsonValue] | None = None
) -> Query:
    """Return the query in OpenAI chat `messages`. `params` holds the request's other fields."""
    turns = [m for m in messages if m.get("role") not in _SYSTEM]
    system = (m for m in messages if m.get("role") in _SYSTEM)
    last = next((i for i in reversed(range(len(turns))) if turns[i].get("role") == "user"), None)
    earlier = turns if last is None else turns[:last] + turns[last + 1 :]
    params = params or {}
    return Query(
        text="" if last is None else text_of(turns[last]),
        earlier_turns=len(earlier),
        earlier_tokens=sum(estimate_tokens(text_of(m)) for m in earlier),
        system_tokens=sum(estimate_tokens(text_of(m)) for m in system),
        has_tools=bool(params.get("tools") or params.get("functions")),
        has_attachments=any(_has_attachment(m) for m in turns),
    )


def text_of(message: JsonObject) -> str:
    """Return a message's text: its content, or the text parts of a content array joined by
    newlines."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = (part.get("text") for part in content if isinstance(part, dict))
    return "\n".join(text for text in texts if isinstance(text, str))


def _has_attachment(message: JsonObject) -> bool:
    content = message.get("content")
    return isinstance(content, list) and any(
        isinstance(part, dict) and part.get("type") not in ("text", "refusal") for part in content
    )
