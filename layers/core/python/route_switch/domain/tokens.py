"""Token estimates without a tokenizer: one token per four bytes of UTF-8.

The request path must not load a tokenizer. Counting bytes rather than characters keeps the estimate
reasonable for scripts in which each character is a token. Only the bypass, the length limit and
cost estimates use it; actual costs use the provider's count.
"""

from bisect import bisect_right

BYTES_PER_TOKEN = 4
LENGTH_BUCKET_EDGES = (8, 32, 128, 512)
"""Estimated tokens at which each next length bucket starts."""
LENGTH_BUCKETS = range(len(LENGTH_BUCKET_EDGES) + 1)
"""The length buckets that requests are counted by."""
GAP = "\n[…]\n"
HEAD_SHARE = 0.7


def estimate_tokens(text: str) -> int:
    """Estimate the tokens of `text`, rounded up: 0 for empty text, otherwise at least 1."""
    return -(-len(text.encode()) // BYTES_PER_TOKEN)


def clip(text: str, max_tokens: int) -> str:
    """Return `text`, or its head and tail around a gap mark, at most `max_tokens` long."""
    data = text.encode()
    room = max_tokens * BYTES_PER_TOKEN
    if len(data) <= room:
        return text
    room = max(room - len(GAP.encode()), 0)
    head = int(room * HEAD_SHARE)
    tail = len(data) - (room - head)
    return data[:head].decode(errors="ignore") + GAP + data[tail:].decode(errors="ignore")


def length_bucket(query_tokens: int) -> int:
    """Return the length bucket, 0 to 4, of a query with this many estimated tokens."""
    return bisect_right(LENGTH_BUCKET_EDGES, query_tokens)
