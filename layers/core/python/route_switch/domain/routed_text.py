"""A text as routing reads it: without disguises, padding and tokens of chat templates.

Only what is routed by changes. The model that answers, records and learning's texts have the
original.
"""

import re
import unicodedata
from collections import Counter

HEAD_CHARS = 6000
TAIL_CHARS = 3000
"""Of a longer text, only the ends are read. A router LLM gets far less of it."""
WORDS_LEFT = 3
SAID_OFTEN = 5
SHORTEST_SENTENCE = 10

LOOK_ALIKES = str.maketrans(
    "авеѕіјкмнорстухһԁӏьɡı" + "αβεηικνορτυχωγ" + "АВЕЅІЈКМНОРСТУХ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "abesijkmhopctyxhdlbgi" + "abenikvoptuxwy" + "ABESIJKMHOPCTYX" + "ABEZHIKMNOPTYX",
)
"""Cyrillic and Greek letters that look like Latin ones (a part of Unicode's confusables)."""

_HIDDEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\U000e0000-\U000e007f]|(?<=[\\x00-\\x7f])[\u200c\u200d]|[\u200c\u200d](?=[\\x00-\\x7f])"
)
_INTERLEAVED = re.compile(
    "(?:\\w[\u00ad\u200b-\u200f\u2060-\u206f]+(?:\\W[\u00ad\u200b-\u200f\u2060-\u206f]*)?){3,}\\w?"
)
_SET_APART = re.compile(r"(?<!\w)(?:[^\W\d_][ .\-_*]{1,2}){4,}[^\W\d_](?!\w)")
_FULL_WIDTH = re.compile("[\uff01-\uff5e\u3000]{4,}")
_EAST_ASIAN = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_STYLED = re.compile("[\u2460-\u24ff\U0001d400-\U0001d7ff\U0001f130-\U0001f189]+")
_MIXED_WORD = re.compile(r"\b(?=\w*[A-Za-z])(?=\w*[\u0370-\u052f])\w+")
_MARKS = re.compile("([\u0300-\u036f]{2})[\u0300-\u036f]+")
_TEMPLATE_TOKEN = re.compile(
    r"<\|[\w ]{1,30}\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>", re.IGNORECASE
)
_RUN = re.compile(r"(\W{1,4}?)\1{7,}")
_SENTENCE = re.compile(r"[^.!?\n]*(?:[.!?\n]+\s*|$)")
_WORD = re.compile(r"\w+")


def as_read(text: str) -> str:
    """Return the text as routing reads it. Plain text stays as it is."""
    if len(text) > HEAD_CHARS + TAIL_CHARS:
        text = f"{text[:HEAD_CHARS]}\n{text[-TAIL_CHARS:]}"
    if not text.isascii():
        text = _in_plain_letters(text)
    text = _left_out(_SET_APART, text)
    text = _RUN.sub(_three_times, _TEMPLATE_TOKEN.sub("\n", text))
    return _without_repetition(text)


def _in_plain_letters(text: str) -> str:
    text = _HIDDEN.sub("", _left_out(_INTERLEAVED, text))
    if not _EAST_ASIAN.search(text):  # where full-width letters are no disguise
        text = _FULL_WIDTH.sub(lambda run: f"\n{unicodedata.normalize('NFKC', run[0])}\n", text)
    text = _STYLED.sub(lambda run: unicodedata.normalize("NFKC", run[0]), text)
    text = _MIXED_WORD.sub(lambda word: word[0].translate(LOOK_ALIKES), text)
    return _MARKS.sub(r"\1", text)


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
    often = {each for each, n in said.items() if n >= SAID_OFTEN and len(each) >= SHORTEST_SENTENCE}
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
