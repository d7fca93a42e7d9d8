"""The features of a query that a local model reads: hashed words, and a few plain numbers.

Learning and serving use exactly these. A model names the map that it was trained with
(`LocalNumbers.features`); a change of the map is a new name. Decision 026 says how they were
chosen.

Only the ends of a long text are read, so that a query of any size is scored in under a millisecond.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

from route_switch.domain.conversation import Conversation, text_of
from route_switch.domain.query import Query
from route_switch.domain.tokens import estimate_tokens

BUCKETS = 4096
"""A power of two."""
HEAD_CHARS = 2400
TAIL_CHARS = 1000
MAX_WORDS = 500
CONTEXT_CHARS = 400
"""Characters that are read of the instructions, and of the message before the query."""
LENGTHS = (8, 16, 32, 64, 128, 256, 512, 1024)

_UNSPACED = r"\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff"
"""Thai, Japanese and Chinese do not put spaces between words, so each character is one."""
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|[^\w\s]")
_CODE = re.compile(r"```|\bdef \w+\(|\breturn\b|=>|[;{}]\s*$|\w\(\w*\)", re.MULTILINE)

DENSE = (
    "length",
    "length in thousands of tokens",
    "code",
    "digits",
    "characters outside ASCII",
    "lines",
    "question marks",
    *(f"{length} tokens or more" for length in LENGTHS),
    "earlier messages",
    "length of the instructions",
    "tools",
    "attachments",
)
"""What each plain number measures, in the order of `dense_features`."""


@dataclass(frozen=True, slots=True)
class Excerpts:
    """What is read of a query's text and of the text around it. Learning redacts both."""

    text: str
    context: str = ""


def excerpts_of(query: Query) -> Excerpts:
    return Excerpts(_ends(query.text), _context(query.conversation))


def items_of(excerpts: Excerpts) -> dict[str, None]:
    """Return the items that are hashed: `w word`, `p word word` for a pair of neighbors, and
    `c word` for a word of the context. Digits are read as one word.

    Their order is that of the text. That of a set would differ between processes, and with it the
    last digits of sums and so the digest of a model."""
    words = _words(excerpts.text)
    items = dict.fromkeys(f"w {word}" for word in words)
    items.update(dict.fromkeys(f"p {one} {two}" for one, two in pairwise(words)))
    if excerpts.context:
        items.update(dict.fromkeys(f"c {word}" for word in _words(excerpts.context)))
    return items


def bucket_of(item: str) -> tuple[int, int]:
    """Return the bucket of an item and its sign there, 1 or -1."""
    hashed = crc32(item.encode(errors="replace"))
    return hashed & (BUCKETS - 1), 1 if hashed & 0x80000000 else -1


def hashed_features(query: Query, excerpts: Excerpts | None = None) -> dict[int, float]:
    """Return the value of each bucket that an item falls into. The vector has about length 1, and
    equal items count once. `excerpts` replace the query's own."""
    items = items_of(excerpts or excerpts_of(query))
    value = 1 / math.sqrt(max(len(items), 1))
    sums: dict[int, int] = {}
    for item in items:
        bucket, sign = bucket_of(item)
        sums[bucket] = sums.get(bucket, 0) + sign
    return {bucket: value * total for bucket, total in sums.items()}


def dense_features(
    query: Query, longest: int, excerpts: Excerpts | None = None
) -> tuple[float, ...]:
    """Return one number for each of `DENSE`, about 0 to 3. A query of more than `longest` tokens
    counts as one of `longest`. `excerpts` replace the query's own."""
    text = _ends(query.text) if excerpts is None else excerpts.text
    size, tokens = max(len(text), 1), min(tokens_of(query), longest)
    return (
        math.log1p(tokens) / 6,
        min(tokens / 1000, 3.0),
        float(_CODE.search(text) is not None),
        3 * sum(map(text.count, "0123456789")) / size,
        3 * (len(text) - len(text.encode("ascii", "ignore"))) / size,
        min(text.count("\n"), 20) / 20,
        min(text.count("?"), 3) / 3,
        *(float(tokens >= length) for length in LENGTHS),
        math.log1p(query.earlier_turns) / 3,
        math.log1p(_tokens(query.conversation.system)) / 6,
        float(query.has_tools),
        float(query.has_attachments),
    )


def _ends(text: str) -> str:
    if len(text) <= HEAD_CHARS + TAIL_CHARS:
        return text
    return f"{text[:HEAD_CHARS]}\n{text[-TAIL_CHARS:]}"


def tokens_of(query: Query) -> int:
    """Return the length of the query's text in estimated tokens."""
    return _tokens(query.text)


def _tokens(text: str) -> int:
    """Return the estimated tokens, of a long text by its ends."""
    ends = _ends(text)
    return round(estimate_tokens(ends) * max(len(text) / max(len(ends), 1), 1.0))


def _words(text: str) -> list[str]:
    """Return at most `MAX_WORDS` words: two thirds from the head, the others from the tail."""
    words = _WORD.findall(text.lower())
    if len(words) > MAX_WORDS:
        words = words[: 2 * MAX_WORDS // 3] + words[-MAX_WORDS // 3 :]
    return ["0" if word.isdigit() else word for word in words]


def _context(conversation: Conversation) -> str:
    return "\n".join(_parts(conversation)) if conversation.length or conversation.system else ""


def _parts(conversation: Conversation) -> Iterator[str]:
    if conversation.system:
        yield conversation.system[:CONTEXT_CHARS]
    if conversation.before:
        yield text_of(conversation.before[-1])[-CONTEXT_CHARS:]
