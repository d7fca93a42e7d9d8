"""What makes two conversations the same task, and which conversations belong together.

**The same task.** Two requests are the same task if their turns say the same, in the same order:
texts (case and whitespace aside), tool calls by name and arguments, attachments by content. Names
that a client invents for each call (`tool_call_id`) do not count.

A system message is an instruction of the application. The same question under "Be brief. Today is
Monday." is the same question, so a short one does not count. A long one holds material that the
answer depends on (a document, a catalog, a task): the same question about other material is another
task. It counts from `MATERIAL_TOKENS` on, and from `TASK_TOKENS` on if the user only says "go":
then the task stands in it. Numbers, ids and addresses in it do not count, since a clock or a
session's id stands in many of them.

**Belonging together.** The turns of one session share its opening: a prompt that has seen one of
them has nearly seen the next. So a conversation's *root* is what the user says before the first
answer, with the system message's material. Rows of one root are on one side of the split and count
once, as those of one template do. A greeting is no opening: sessions that begin with "Hi" have
nothing else in common.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Sequence

from route_switch.domain.conversation import INSTRUCTING, text_of
from route_switch.domain.learning.answers import answer_of_message, tool_calls_of
from route_switch.domain.learning.templates import template_of
from route_switch.domain.plain_text import plain_text
from route_switch.domain.ports import JsonObject
from route_switch.domain.replay import TEXT_PARTS
from route_switch.domain.tokens import estimate_tokens

MATERIAL_TOKENS = 200
"""Estimated tokens from which on a system message is more than an instruction."""

TASK_TOKENS = 16
"""A system message this long may hold the task …"""
SIGNAL_TOKENS = 4
"""… if the user says less than this, and does not only greet."""

_MARK = "\x1f"
"""The first character of lines that are not a turn's text. No normalized text contains it."""
_BLANKS = re.compile(r"\s+")
_LETTERS = str.maketrans("0123456789", "ghijklmnop")
_NOT_LETTERS = re.compile(r"[\W\d_]+")
_GREETINGS = (
    "hi hello hey hiya yo greetings hithere hellothere heythere goodmorning goodafternoon "
    "goodevening goodday howdy hallo moin servus gutentag gutenmorgen gutenabend grüßgott bonjour "
    "bonsoir salut coucou hola buenosdías buenosdias buenastardes buenasnoches olá ola oi bomdia "
    "boatarde boanoite ciao salve buongiorno buonasera hoi goedemorgen goedendag hej hejsan hei "
    "moi cześć czesc dzieńdobry ahoj dobrýden szia merhaba selam привет здравствуйте добрыйдень "
    "вітаю γεια γειασου שלום مرحبا السلامعليكم नमस्ते สวัสดี xinchào halo selamatpagi 你好 您好 嗨 "
    "哈喽 こんにちは おはようございます 안녕 안녕하세요"
)


def normalize_query(text: str) -> str:
    """Ignore case, Unicode encoding variants and whitespace: they do not make a different
    question."""
    normalized = unicodedata.normalize("NFKC", plain_text(text))
    return _BLANKS.sub(" ", normalized).strip().casefold()


def turns_of(messages: Sequence[JsonObject]) -> str:
    """Return one normalized line per turn, without system messages."""
    return "\n".join(line for _, line in _lines(messages))


def ends_of(messages: Sequence[JsonObject], chars: int) -> str:
    """Return the turns of a long conversation at its two ends, each of this many characters, and
    all turns of a shorter one."""
    first, last = _reach(messages, chars), _reach(messages[::-1], chars)
    if first + last >= len(messages):
        turns = turns_of(messages)
        return turns if len(turns) <= 2 * chars else f"{turns[:chars]}\n{turns[-chars:]}"
    head, tail = turns_of(messages[:first]), turns_of(messages[len(messages) - last :])
    return f"{head[:chars]}\n{tail[-chars:]}"


def material_of(messages: Sequence[JsonObject]) -> str:
    """Return a name of what the system messages hold, or "" if they only instruct."""
    text = "\n".join(text_of(m) for m in messages if m.get("role") in INSTRUCTING)
    size = estimate_tokens(text)
    if size < TASK_TOKENS or (size < MATERIAL_TOKENS and not _only_signals(_opening(messages))):
        return ""
    return f"{_MARK}material {_name(template_of(normalize_query(text)))}\n"


def attachments_of(messages: Sequence[JsonObject]) -> str:
    """Return a name of the attachments of all turns, or "" if there are none."""
    found = [name for message in messages for name in _attachments(message)]
    return _name(" ".join(found)) if found else ""


def root_of(messages: Sequence[JsonObject]) -> str:
    """Return what all turns of a session have in common: its opening and its material."""
    return material_of(messages) + "\n".join(_opening(messages))


def digest_of(text: str) -> str:
    """Return 16 hex digits of the SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _opening(messages: Sequence[JsonObject]) -> list[str]:
    """Return what the user says before the first answer, greetings and their answers aside."""
    opening: list[str] = []
    for role, line in _lines(messages):
        if role == "user":
            opening = [line] if _only_greets(opening) else [*opening, line]
        elif not _only_greets(opening):
            break
    return opening


def _only_signals(opening: Sequence[str]) -> bool:
    return estimate_tokens(" ".join(opening)) < SIGNAL_TOKENS and not _only_greets(opening)


def _reach(messages: Sequence[JsonObject], chars: int) -> int:
    """Return how many messages hold `chars` characters, with some to spare: blanks do not count."""
    size = 0
    for number, message in enumerate(messages):
        if size >= chars + chars // 4:
            return number
        size += 0 if message.get("role") in INSTRUCTING else len(text_of(message))
    return len(messages)


def _lines(messages: Sequence[JsonObject]) -> Iterator[tuple[str, str]]:
    """Yield each turn's role and line. A role is named in the line only if it is not the one whose
    turn it is, so that a plain chat is nothing but its texts."""
    expected = "user"
    for message in messages:
        role = str(message.get("role"))
        if role in INSTRUCTING:
            continue
        named = "" if role == expected else f"{_MARK}{role} "
        yield role, named + " ".join((normalize_query(text_of(message)), *_more(message))).strip()
        expected = "user" if role == "assistant" else "assistant"


def _more(message: JsonObject) -> Iterator[str]:
    calls = answer_of_message("", tool_calls_of(message)).calls
    asked = sorted(f"{call.name} {call.arguments}" for call in calls)
    yield from (f"{_MARK}calls {_BLANKS.sub(' ', plain_text(each))}" for each in asked)
    yield from (f"{_MARK}attached {name}" for name in _attachments(message))


def _attachments(message: JsonObject) -> Iterator[str]:
    content = message.get("content")
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict) and part.get("type") not in TEXT_PARTS:
            yield _name(json.dumps(part, sort_keys=True))


def _name(text: str) -> str:
    """Return a digest in letters only: templates ignore words with digits."""
    return digest_of(text).translate(_LETTERS)


def _letters(line: str) -> str:
    return _NOT_LETTERS.sub("", line)


_GREETING_LETTERS = frozenset(map(_letters, _GREETINGS.split()))


def _only_greets(lines: Sequence[str]) -> bool:
    return all(_letters(line) in _GREETING_LETTERS for line in lines)
