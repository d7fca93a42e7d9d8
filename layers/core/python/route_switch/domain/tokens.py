"""Token counts without a tokenizer, estimated from the text's UTF-8 bytes.

The request path must not load a tokenizer. Only the bypass, length limits and estimates of
cost use these counts; what is paid comes from the provider's own count. A test compares them with
OpenAI's tokenizers.
"""

from bisect import bisect_right

BYTES_PER_TOKEN = 4
"""For text in Latin, Greek, Cyrillic or Arabic script, and for code."""
LENGTH_BUCKET_EDGES = (8, 32, 128, 512)
"""Estimated tokens at which the next range of lengths begins."""
LENGTH_BUCKETS = range(len(LENGTH_BUCKET_EDGES) + 1)
"""Ranges of length that requests are counted by."""
GAP = "\n[...]\n"
HEAD_SHARE = 0.7
MAX_WORD = 40


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


def clip_at_words(
    text: str, max_tokens: int, gap: str = GAP, head_share: float = HEAD_SHARE
) -> str:
    """Return `text`, or its head and tail around `gap`, cut between words and at most `max_tokens`
    long. Only a word of more than `MAX_WORD` characters is cut inside, such as text of a script
    without blanks. Empty if not even the gap fits.

    Only the ends of a long text are read.
    """
    reach = BYTES_PER_TOKEN * max_tokens  # no more characters than this can fit
    if len(text) <= reach and estimate_tokens(text) <= max_tokens:
        return text
    ends = text if len(text) <= 2 * reach else text[:reach] + text[len(text) - reach :]
    room = len(ends) * max_tokens / max(estimate_tokens(ends), 1) - len(gap)
    while room >= 1:
        head = int(room * head_share)
        clipped = _word_end(ends, head) + gap + _word_start(ends, int(room) - head)
        if estimate_tokens(clipped) <= max_tokens:
            return clipped
        room *= 7 / 8
    return ""


def _word_end(text: str, size: int) -> str:
    """Return at most the first `size` characters, without the part of a word at their end."""
    head, rest = text[:size], text[size : size + MAX_WORD]
    if rest[:1].isspace() or head[-1:].isspace():
        return head.rstrip()
    part = head.rsplit(maxsplit=1)[-1:]
    word = "".join((*part, *rest.split(maxsplit=1)[:1]))
    return head if len(word) > MAX_WORD else head[: size - len("".join(part))].rstrip()


def _word_start(text: str, size: int) -> str:
    """Return at most the last `size` characters, without the part of a word at their start."""
    start = len(text) - size
    rest, tail = text[max(start - MAX_WORD, 0) : start], text[start:]
    if rest[-1:].isspace() or tail[:1].isspace():
        return tail.lstrip()
    part = tail.split(maxsplit=1)[:1]
    word = "".join((*rest.rsplit(maxsplit=1)[-1:], *part))
    return tail if len(word) > MAX_WORD else tail[len("".join(part)) :].lstrip()


def length_bucket(query_tokens: int) -> int:
    """Return the length bucket, 0 to 4, of a query with this many estimated tokens."""
    return bisect_right(LENGTH_BUCKET_EDGES, query_tokens)
