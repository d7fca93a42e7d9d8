"""The features of a query that a local model reads: hashed words, and a few plain numbers.

Learning and serving use exactly these. A model names the map that it was trained with
(`LocalNumbers.features`); a change of the map is a new name.
"""

import math
import re
from itertools import pairwise
from zlib import crc32

from route_switch.domain.query import Query

FEATURE_MAP = "words-1"
BUCKETS = 4096
MAX_WORDS = 600
"""Most words that are read, so that a query of any size is scored in under a millisecond."""

_WORD = re.compile(r"\w+|[^\w\s]")
_CODE = re.compile(r"```|\bdef \w+\(|\breturn\b|=>|[;{}]\s*$|\w\(\w*\)", re.MULTILINE)

DENSE = (
    "length",
    "length in thousands of tokens",
    "code",
    "digits",
    "characters outside ASCII",
    "lines",
    "question marks",
)
"""What each plain number measures, in the order of `dense_features`."""


def hashed_features(query: Query) -> dict[int, float]:
    """Return the value of each bucket that a word or a pair of words falls into.

    The vector has about length 1. Equal words count once; digits are read as one word.
    """
    words = ["0" if w.isdigit() else w for w in _WORD.findall(query.text.lower())[:MAX_WORDS]]
    items = {f"w {word}" for word in words}
    items |= {f"p {one} {two}" for one, two in pairwise(words)}
    value = 1 / math.sqrt(max(len(items), 1))
    found: dict[int, float] = {}
    for item in items:
        hashed = crc32(item.encode(errors="replace"))
        bucket = hashed % BUCKETS
        found[bucket] = found.get(bucket, 0.0) + (value if hashed & 0x80000000 else -value)
    return found


def dense_features(query: Query) -> tuple[float, ...]:
    """Return one number for each of `DENSE`, about 0 to 3."""
    text = query.text
    size = max(len(text), 1)
    return (
        math.log1p(query.tokens) / 6,
        min(query.tokens / 1000, 3.0),
        float(_CODE.search(text) is not None),
        3 * sum(map(str.isdigit, text)) / size,
        3 * sum(not c.isascii() for c in text) / size,
        min(text.count("\n"), 20) / 20,
        min(text.count("?"), 3) / 3,
    )
