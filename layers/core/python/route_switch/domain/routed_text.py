"""A text as routing reads it: without disguises, padding and tokens of chat templates.

Only what is routed by changes. The model that answers, records and learning's texts have the
original.
"""

import re
import unicodedata
from collections import Counter

from route_switch.domain.hidden_characters import HIDDEN, MARKS, SELECTORS
from route_switch.domain.look_alikes import LOOK_ALIKES, SCRIPTS, SMALL_CAPITALS

HEAD_CHARS = 6000
TAIL_CHARS = 3000
"""Only the ends of a longer text are read. A router LLM gets far less of it."""
WORDS_LEFT = 3
SAID_OFTEN = 5
SHORTEST_SENTENCE = 10

_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f]")
_HIDDEN = re.compile(
    f"[{HIDDEN}{MARKS}]|{SELECTORS}"
    "|(?<=[\\x00-\\x7f])[\u200c\u200d]|[\u200c\u200d](?=[\\x00-\\x7f])"
)
_INTERLEAVED = re.compile(
    "(?:\\w[\u00ad\u200b-\u200f\u2060-\u206f]+(?:\\W[\u00ad\u200b-\u200f\u2060-\u206f]*)?){3,}\\w?"
)
_SET_APART = re.compile(r"(?<!\w)(?:[^\W\d_][ .\-_*/|~\u00b7\u2022]{1,2}){4,}[^\W\d_](?!\w)")
_FULL_WIDTH = re.compile("[\uff01-\uff5e\u3000]{4,}")
_EAST_ASIAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_STYLED = re.compile("[\u2460-\u24ff\U0001d400-\U0001d7ff\U0001f100-\U0001f189]+")
_RAISED = re.compile(
    "[\u02b0-\u02b8\u02e1-\u02e3\u1d2c-\u1d6a\u1d78\u1d9b-\u1dbf\u2071\u207f\u2c7c\u2c7d]{4,}"
)
_SMALL = re.compile(f"[a-z{''.join(map(chr, SMALL_CAPITALS))}]{{4,}}")
FEWEST_SMALL = 3
_MIXED_WORD = re.compile(
    rf"\b(?=[^\W\d_\u00b2\u00b3\u00b9\u2070-\u209f]{{4}})(?=\w*[A-Za-z])(?=\w*[{SCRIPTS}])\w+"
)
"""Shorter ones are often formulas."""
_MARKS = re.compile("([\u0300-\u036f]{2})[\u0300-\u036f]+")
_TEMPLATE_TOKEN = re.compile(
    r"<[|\uff5c][\w \u2581]{1,30}[|\uff5c]>(?:(?:system|developer|user|assistant|tool)\b)?"
    r"|<</?SYS>>|</?s>|<[be]os>|<(?:start|end)_of_turn>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\]",
    re.IGNORECASE,
)
_RUN = re.compile(r"(\W{1,4}?)\1{7,}")
_SENTENCE = re.compile(r"[^.!?\n]*(?:[.!?\n]+\s*|$)")
_WORD = re.compile(r"\w+")
_PLAIN_WORD = re.compile(r"(?<!\S)[A-Za-z]{2,}[,;:.!?]*(?!\S)")
FEWEST_PLAIN = 3


def as_read(text: str) -> str:
    """Return the text as routing reads it. Plain text stays as it is."""
    if len(text) > HEAD_CHARS + TAIL_CHARS:
        text = f"{text[:HEAD_CHARS]}\n{text[-TAIL_CHARS:]}"
    text = _CONTROL.sub("", text)
    if not text.isascii():
        text = _in_plain_letters(text)
    text = _left_out(_SET_APART, text)
    text = _RUN.sub(_three_times, _TEMPLATE_TOKEN.sub("\n", text))
    return _without_repetition(text)


def _in_plain_letters(text: str) -> str:
    text = _HIDDEN.sub("", _left_out(_INTERLEAVED, text))
    if not _EAST_ASIAN.search(text):  # where full-width letters are not a disguise
        text = _FULL_WIDTH.sub(lambda run: f"\n{unicodedata.normalize('NFKC', run[0])}\n", text)
    text = _RAISED.sub(_compatible, _STYLED.sub(_compatible, text))
    text = _SMALL.sub(_without_small_capitals, text)
    text = _MIXED_WORD.sub(lambda word: word[0].translate(LOOK_ALIKES), text)
    return _MARKS.sub(r"\1", text)


def _compatible(run: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", run[0])


def _without_small_capitals(word: re.Match[str]) -> str:
    """Phonetic spellings have a few of these letters."""
    plain = word[0].translate(SMALL_CAPITALS)
    changed = sum(a != b for a, b in zip(word[0], plain, strict=True))
    return plain if changed >= FEWEST_SMALL else word[0]


def _left_out(pattern: re.Pattern[str], text: str) -> str:
    """Leave out words whose letters are set apart or hidden, if words remain without them."""
    rest = pattern.sub("\n", text)
    if rest == text or len(_WORD.findall(rest)) < WORDS_LEFT:
        return text
    return rest


def _three_times(run: re.Match[str]) -> str:
    return run[1] * 3 if run[1].strip() else run[0][: 2 * len(run[1])]


def _without_repetition(text: str) -> str:
    """Leave out repetitions of sentences and lines that are said `SAID_OFTEN` times."""
    sentences = _SENTENCE.findall(text)
    if len(sentences) < SAID_OFTEN:
        return text
    said = Counter(map(str.strip, sentences))
    often = {each for each, n in said.items() if n >= SAID_OFTEN and _is_sentence(each)}
    if not often:
        return text
    kept, seen = [], set[str]()
    for sentence in sentences:
        bare = sentence.strip()
        if bare not in seen:
            kept.append(sentence)
        if bare in often:
            seen.add(bare)
    return "".join(kept)


def _is_sentence(text: str) -> bool:
    """Whether it is a sentence: code, tables and formulas repeat lines for a reason."""
    if len(text) < SHORTEST_SENTENCE:
        return False
    return not text.isascii() or len(_PLAIN_WORD.findall(text)) >= FEWEST_PLAIN
