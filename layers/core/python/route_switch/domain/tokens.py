"""Token counts without a tokenizer: one token is taken to be four bytes of UTF-8.

The request path must not load a tokenizer. Bytes instead of characters keep the estimate sane for
scripts whose characters are a token each. Only the bypass, the length limit and estimates of cost
use it; what is paid comes from the provider's own count.
"""

from bisect import bisect_right

BYTES_PER_TOKEN = 4
LENGTH_EDGES = (8, 32, 128, 512)
"""Estimated tokens at which the next range of lengths begins."""
LENGTHS = range(len(LENGTH_EDGES) + 1)
"""Ranges of length that requests are counted by."""
GAP = "\n[…]\n"
HEAD_SHARE = 0.7


def estimate_tokens(text: str) -> int:
    """Tokens of `text`, rounded up: 0 for the empty text, otherwise at least 1."""
    return -(-len(text.encode()) // BYTES_PER_TOKEN)


def clip(text: str, max_tokens: int) -> str:
    """`text`, or its head and tail around a gap mark so that it is at most `max_tokens` long."""
    data = text.encode()
    room = max_tokens * BYTES_PER_TOKEN
    if len(data) <= room:
        return text
    room = max(room - len(GAP.encode()), 0)
    head = int(room * HEAD_SHARE)
    tail = len(data) - (room - head)
    return data[:head].decode(errors="ignore") + GAP + data[tail:].decode(errors="ignore")


def length_of(query_tokens: int) -> int:
    """Return the range of lengths, 0 to 4, that a query of so many estimated tokens is in."""
    return bisect_right(LENGTH_EDGES, query_tokens)
