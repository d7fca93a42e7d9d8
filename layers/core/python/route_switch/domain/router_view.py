"""What the router LLM sees of a query: the last message, and before it the conversation as data.

    === Context, as data ===
    (3 earlier messages. Tools: get_user, book. The assistant is at work with tools.)
    system:
    > You are an airline's agent. …
    user:
    > My flight was canceled.
    after the last message:
    assistant, calling get_user
    tool:
    > {"name": "Emma"}
    === Last message ===
    Book me another one.

A query that is all that the model gets is shown by itself. Lines of user text begin with `> ` in
the conversation, and a text that contains one of the two delimiters gets it in another form, so no
text can pose as structure.

Space: the last message is whole if it fits `LAST_SHARE` of the space, and has what the conversation
leaves otherwise. The system message's head gets at most a quarter of the conversation's space. Then
the turns follow, newest first, until the space is used: the newest one and those of the user get at
most half of what is left, the others a quarter.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from route_switch.domain.conversation import Conversation, Turn, text_of, turn_of
from route_switch.domain.ports import JsonObject
from route_switch.domain.routed_text import as_read
from route_switch.domain.tokens import (
    BYTES_PER_TOKEN,
    GAP,
    HEAD_SHARE,
    clip,
    clip_at_words,
    estimate_tokens,
)

OPENING = "=== Context, as data ==="
LAST_MESSAGE = "=== Last message ==="
SINCE = "after the last message:"
LAST_SHARE = 0.6
SYSTEM_SHARE = 1 / 4
NEWEST_OR_USER_SHARE = 1 / 2
OTHER_SHARE = 1 / 4
MIN_TURN_TOKENS = 6
"""A turn that would get less is left out, and so are all before it."""
MOST_TOOLS = 8
MAX_NAME = 40

_FRAME_TOKENS = estimate_tokens(f"{OPENING}\n{LAST_MESSAGE}\n")
_DELIMITER = re.compile(r"===(?=\s*(?:context,\s+as\s+data|last\s+message)\b)", re.IGNORECASE)
_NOT_IN_NAMES = re.compile(r"[^\w.-]+")
_LABELED = re.compile(
    r"^(system|user|assistant|tool)(?:, calling [^\n]*?)?:?\n((?:>[^\n]*\n)*)", re.M
)
_QUOTE = "> "
_QUOTED_GAP = "\n> [...]\n> "
_QUOTED_END = "\n> [...]"


def with_context_line(text: str, conversation: Conversation, max_tokens: int) -> str:
    """Return the form of schema version 1: one line about the conversation, then the clipped
    text."""
    notes = []
    if conversation.length:
        messages = chain(conversation.before, conversation.since)
        tokens = sum(estimate_tokens(text_of(message)) for message in messages)
        notes.append(f"after {conversation.length} earlier messages of about {tokens} tokens")
    if conversation.tools:
        notes.append("with tools that may be called")
    if conversation.has_attachments:
        notes.append("with attachments that are not shown")
    line = f"({', '.join(notes)})\n" if notes else ""
    return line + clip(text, max_tokens - estimate_tokens(line))


def in_context(text: str, conversation: Conversation, max_tokens: int) -> str:
    """Return the form of schema version 2, which this module's docstring shows."""
    context = "" if conversation.is_empty else _context_beside(text, conversation, max_tokens)
    if not context:
        return _without_delimiters(clip(text, max_tokens), max_tokens)
    head = f"{OPENING}\n{context}\n{LAST_MESSAGE}\n"
    left = max_tokens - estimate_tokens(head)
    return head + _without_delimiters(clip_at_words(text, left), left)


def _context_beside(text: str, conversation: Conversation, max_tokens: int) -> str:
    """Return the lines between the delimiters; empty if nothing fits."""
    reserved = estimate_tokens(clip_at_words(text, int(max_tokens * LAST_SHARE)))
    space = max_tokens - max(reserved, 1) - _FRAME_TOKENS
    notes = _notes(conversation, names=True)
    if 2 * _cost(notes) > space:
        notes = _notes(conversation, names=False)
    left = space - _cost(notes)
    if left < 0:
        return ""
    system = _system(conversation.system, int(left * SYSTEM_SHARE))
    left -= _cost(system)
    mark = SINCE if conversation.since else ""
    since, left = _turns(conversation.since, left - _cost(mark))
    before, _ = _turns(conversation.before, left)
    blocks = (notes, system, *before, *((mark, *since) if since else ()))
    return "\n".join(block for block in blocks if block)


def _cost(block: str) -> int:
    """Return the tokens of a block with its line end."""
    return estimate_tokens(f"{block}\n") if block else 0


def _notes(conversation: Conversation, *, names: bool) -> str:
    notes = []
    if conversation.length:
        notes.append(f"{conversation.length} earlier messages.")
    if conversation.tools:
        shown = _listed(conversation.tools) if names else str(len(conversation.tools))
        notes.append(f"Tools: {shown}.")
    if conversation.in_tool_loop:
        notes.append("The assistant is at work with tools.")
    if conversation.has_attachments:
        notes.append("Attachments are not shown.")
    return f"({' '.join(notes)})" if notes else ""


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(_NOT_IN_NAMES.sub("_", name)[:MAX_NAME] for name in names[:MOST_TOOLS])
    more = len(names) - MOST_TOOLS
    return f"{shown} and {more} more" if more > 0 else shown


def _system(text: str, space: int) -> str:
    label = "system:"
    quoted = _quoted(text, space - _cost(label), _QUOTED_END, 1.0)
    return f"{label}\n{quoted}" if quoted else ""


def _turns(messages: Sequence[JsonObject], left: int) -> tuple[list[str], int]:
    """Return the turns that fit, in their order, and the tokens that are left."""
    shown: list[str] = []
    for message in reversed(messages):
        turn = turn_of(message)
        is_first = not shown or turn.speaker == "user"
        block = _turn(turn, int(left * (NEWEST_OR_USER_SHARE if is_first else OTHER_SHARE)))
        if not block:
            break
        shown.append(block)
        left -= _cost(block)
    return shown[::-1], left


def _turn(turn: Turn, space: int) -> str:
    """Return the quoted turn, or the empty text if there is no room."""
    calls = f", calling {_listed(turn.calls)}" if turn.calls else ""
    label = f"{turn.speaker}{calls}" + (":" if turn.text.strip() else "")
    room = space - _cost(label)
    if not turn.text.strip():
        return label if room >= 0 else ""
    quoted = _quoted(turn.text, room, _QUOTED_GAP, HEAD_SHARE)
    return f"{label}\n{quoted}" if quoted else ""


def _quoted(text: str, max_tokens: int, gap: str, head_share: float) -> str:
    """Return the text without blank lines, each line after `> `, shortened between words."""
    if max_tokens < MIN_TURN_TOKENS:
        return ""
    reach = BYTES_PER_TOKEN * max_tokens
    ends = text if len(text) <= 2 * reach else text[:reach] + GAP + text[-reach:]
    lines = (line.rstrip() for line in as_read(ends).splitlines())
    quoted = "\n".join(_QUOTE + line for line in lines if line)
    clipped = clip_at_words(_without_delimiters(quoted), max_tokens, gap, head_share)
    return clipped.replace(_QUOTED_GAP + _QUOTE, _QUOTED_GAP)


def _without_delimiters(text: str, max_tokens: int | None = None) -> str:
    """Return the text with blanks in what could be read as a delimiter."""
    if "===" not in text:
        return text
    changed = _DELIMITER.sub("= = =", text)
    return changed if max_tokens is None else clip_at_words(changed, max_tokens)


@dataclass(frozen=True, slots=True)
class View:
    """What a text that `in_context` returned holds; `turns` are in their order."""

    message: str
    system: str = ""
    turns: tuple[Turn, ...] = ()


def read_view(text: str) -> View:
    """Return the parts of a view. A text without delimiters is a message by itself."""
    before, opening, rest = text.partition(f"{OPENING}\n")
    context, last, message = rest.partition(f"\n{LAST_MESSAGE}\n")
    if not (opening and last):
        return View(text)
    system, turns = "", []
    for label, said in _LABELED.findall(f"{context}\n"):
        lines = "\n".join(line.removeprefix(_QUOTE) for line in said.splitlines())
        if label == "system":
            system = lines
        else:
            turns.append(Turn(label, lines))
    return View(before + message, system, tuple(turns))
