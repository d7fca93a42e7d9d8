"""Token counts without a tokenizer, estimated from the text's UTF-8 bytes.

The request path must not load a tokenizer. Only the bypass, length limits, budgets and estimates of
cost use these counts; what is paid comes from the provider's own count. A test compares them with
OpenAI's tokenizers.
"""

from bisect import bisect_right

BYTES_PER_TOKEN = 4
"""Of text in Latin, Greek, Cyrillic or Arabic script, and of code."""
LENGTH_BUCKET_EDGES = (8, 32, 128, 512)
"""Estimated tokens at which the next range of lengths begins."""
LENGTH_BUCKETS = range(len(LENGTH_BUCKET_EDGES) + 1)
"""Ranges of length that requests are counted by."""
GAP = "\n[...]\n"
HEAD_SHARE = 0.7


def estimate_tokens(text: str) -> int:
    """Return the tokens of `text`, rounded up: 0 for the empty text, otherwise at least 1.

    A token is taken to be four bytes of text whose characters are one or two bytes long (Latin,
    Greek, Cyrillic, Arabic, code). A character of three bytes (Chinese, Japanese, Korean, Indic) is
    15/16 of a token, and one of four bytes (emoji) two tokens.
    """
    size = len(text.encode(errors="surrogatepass"))
    if size == len(text):
        return -(-size // BYTES_PER_TOKEN)
    ascii_ = len(text.encode("ascii", "ignore"))
    four = len(text.encode("utf-16-le", "surrogatepass")) // 2 - len(text)
    others = len(text) - ascii_ - four  # of two or three bytes
    three = size - ascii_ - 4 * four - 2 * others
    return -(-(4 * ascii_ + 8 * (others - three) + 15 * three + 32 * four) // 16)


def clip(text: str, max_tokens: int) -> str:
    """Return `text`, or its head and tail around a gap mark, at most `max_tokens` long."""
    tokens = estimate_tokens(text)
    if tokens <= max_tokens:
        return text
    data = text.encode(errors="replace")
    is_plain = tokens == -(-len(data) // BYTES_PER_TOKEN)
    room = max_tokens * (BYTES_PER_TOKEN if is_plain else len(data) / tokens)
    while True:
        clipped = _head_and_tail(data, max(int(room) - len(GAP.encode()), 0))
        if room < 1 or estimate_tokens(clipped) <= max_tokens:
            return clipped
        room *= 7 / 8  # the ends have more tokens a byte than the whole text


def _head_and_tail(data: bytes, size: int) -> str:
    head = int(size * HEAD_SHARE)
    tail = len(data) - (size - head)
    return data[:head].decode(errors="ignore") + GAP + data[tail:].decode(errors="ignore")


def length_bucket(query_tokens: int) -> int:
    """Return the length bucket, 0 to 4, of a query with this many estimated tokens."""
    return bisect_right(LENGTH_BUCKET_EDGES, query_tokens)
