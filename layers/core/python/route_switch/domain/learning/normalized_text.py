"""Text as graders read it: one form of every letter, digit and blank, in any language.

Everything here is linear in the length of the text, and `readable` bounds that length, so that no
text can hold up a grading.
"""

import re
import unicodedata

MAX_CHARS = 16_000
"""Longer texts lose their middle: the answer is at the start or at the end."""
HEAD_CHARS = 5_000

UNCASED = "\u0590-\u10ff\u1100-\u11ff\u1780-\u18af\u3040-\u9fff\uac00-\ud7af"
"""Scripts without capital letters (Hebrew to Georgian, Khmer, kana, Han, Hangul), as a range of a
regular expression. A Latin letter or a digit beside them is a word of its own: 答案是B."""

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_MARKS = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u1ab0-\u1aff]{8})"
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u1ab0-\u1aff]+"
)
_OTHER_DIGIT = re.compile(r"(?![0-9])\d")
_BESIDE_UNCASED = re.compile(
    rf"(?<=[{UNCASED}])(?=[(\[]?[A-Za-z0-9])|(?<=[A-Za-z0-9])(?=[{UNCASED}])"
)
_VULGAR = re.compile("([0-9]{0,9})([\u00bc-\u00be\u2150-\u215e])")
_RAISED = re.compile("(?<=[0-9])[\u207a\u207b]?[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+")
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u02bc", "'"),
        **dict.fromkeys("\u2212\u2013\uff0d", "-"),
        "\u2044": "/",
        "\u066b": ".",
        "\u066c": ",",
        "\u3002": ".",
    }
)


def readable(text: str) -> str:
    """Return the text in compatibility form (NFKC), with ASCII digits, a plain minus, plain
    apostrophes and no invisible characters. A text that is too long keeps its start and end."""
    text = _shortened(text)
    if text.isascii():
        return text
    text = _MARKS.sub(r"\1", _INVISIBLE.sub("", text))  # normalizing sorts runs of marks, slowly
    text = _RAISED.sub(lambda raised: "^" + raised[0], _VULGAR.sub(_decimal, text))
    text = _shortened(unicodedata.normalize("NFKC", text)).translate(_PLAIN)
    text = _OTHER_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)
    return _BESIDE_UNCASED.sub(" ", text)


def _shortened(text: str) -> str:
    if len(text) <= MAX_CHARS:
        return text
    return f"{text[:HEAD_CHARS]}\n{text[HEAD_CHARS - MAX_CHARS :]}"


def _decimal(found: re.Match[str]) -> str:
    """Write 1½ as 1.5."""
    return f" {int(found[1] or 0) + unicodedata.numeric(found[2])!r}"


_LATIN_MARK = re.compile("[\u0300-\u036f]")
_UNIT_OF_SCRIPT = "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3040-\u30ff\u3400-\u9fff]"
"""One sign of a script that is written without blanks."""
_TOKEN = re.compile(
    rf"{_UNIT_OF_SCRIPT}[\u0e31-\u0e4e\u3099\u309a]*|(?:(?!{_UNIT_OF_SCRIPT})[\w\u0300-\u036f"
    "\u0591-\u05bd\u064b-\u065f\u0900-\u0903\u093a-\u094f\u0980-\u0983\u09bc-\u09cd"
    "\u0a01-\u0d4d])+(?:\\+\\+|\\#)?"
)
_ARTICLES = frozenset({"a", "an", "the"})


def words(text: str) -> list[str]:
    """Return the words of a readable text without case, accents, punctuation and English articles.

    Of scripts that are written without blanks (Chinese, Japanese, Thai), each sign is a word.
    """
    return [word for word in _TOKEN.findall(folded(text)) if word not in _ARTICLES]


def folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    bare = _LATIN_MARK.sub("", unicodedata.normalize("NFD", text.casefold()))
    return unicodedata.normalize("NFC", bare)


def is_sign(word: str) -> bool:
    """Whether the word is one sign of a script that is written without blanks."""
    return re.match(_UNIT_OF_SCRIPT, word) is not None


_SENTENCE_END = re.compile(r"(?<=[.!?\u0964\uff01\uff1f])\s+|\n+")


def sentences(text: str) -> list[str]:
    """Return the sentences and lines of a readable text."""
    return [part for part in _SENTENCE_END.split(text) if part.strip()]


def listed(*lines: str) -> frozenset[str]:
    """Return the words of these lines."""
    return frozenset(" ".join(lines).split())


NEGATIONS = listed(
    "not never cannot neither nor isn aren wasn won doesn don no nicht kein keine keinen nie pas",
    "jamais tampoco nunca nao non mai niet geen inte ikke ei не нет ни ani bukan degil khong",
    "wrong incorrect false falsch falsche incorrecta incorrecto incorrecte fausse faux errada",
    "errado sbagliata sbagliato onjuist fout fel неверно неверный bledna yanlis",
)
"""Words, as `words` returns them, that deny what is next to them."""
_DENIED_IN_SCRIPT = re.compile(
    "不|非|没|沒|错|錯|ない|ません|違|아니|아닙|틀|ليس|ليست|لا |נכון לא|לא |नहीं|ग़लत|गलत"
)


def denies(part: str) -> bool:
    """Whether a few words of a readable text hold a negation."""
    lower = folded(part)
    return not NEGATIONS.isdisjoint(re.findall(r"\w+", lower)) or bool(
        _DENIED_IN_SCRIPT.search(lower)
    )
