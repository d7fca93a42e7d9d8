"""Golds that are words: a label such as card_arrival, yes or no, or a short phrase."""

import re

from route_switch.domain.learning.final_answer import answer_of, marked_answers
from route_switch.domain.learning.normalized_text import (
    NEGATIONS,
    is_sign,
    sentences,
    words,
)

MAX_PHRASE_WORDS = 5
"""A longer gold is free text. Two signs of Chinese, Japanese or Thai count as a word."""
MAX_SHORT_ANSWER_WORDS = 3
"""A text of at most this many words that lacks the phrase is another answer."""

_TOKEN = re.compile(r"[A-Za-z0-9_]+")
_MEANINGS = {
    "yes": "yes yeah yep ja jawohl sí sì oui sim да так evet tak igen kyllä ναι vâng はい 네 예 "
    "نعم हाँ हां כן 是 是的 对 對",
    "no": "no nope nein non não nao nee nej нет ні hayır nie nem ei οχι όχι không いいえ 아니요 "
    "아니오 لا नहीं לא 不 不是 否 不对 不對",
    "true": "true wahr richtig vrai verdadero cierto verdadeiro vero верно правда doğru 真 正确 "
    "正確 참 صحيح",
    "false": "false falsch faux falso неверно ложь yanlış 假 错误 錯誤 거짓 خطأ",
}
_PAIRS = (frozenset({"yes", "no"}), frozenset({"true", "false"}))


_MEANING = {
    " ".join(words(name)): verdict for verdict, names in _MEANINGS.items() for name in names.split()
}


def is_label(gold: str) -> bool:
    return _TOKEN.fullmatch(gold) is not None and "_" in gold.strip("_")


def same_label(answer: str, gold: str) -> bool | None:
    """The answer must name this label and no other. Return None if it names none."""
    named = {each.casefold() for each in _TOKEN.findall(answer) if "_" in each.strip("_")}
    return named == {gold.casefold()} if named else None


def is_verdict(gold: str) -> bool:
    return _meaning(words(gold)) is not None


def same_verdict(answer: str, gold: str) -> bool | None:
    """Use the marked answer, else the first words if they are a verdict, else the last sentence
    with a verdict. Return None if there is none, or if it has both."""
    expected = _meaning(words(gold))
    pair = next(pair for pair in _PAIRS if expected in pair)
    parts = [words(part) for part in sentences(answer)]
    begun = _first_verdict(parts[0], pair) if parts else set()
    marked = _verdicts(words(answer_of(answer)), pair) if marked_answers(answer) else set()
    said = (marked, begun, *(_verdicts(part, pair) for part in reversed(parts)))
    found = next((each for each in said if each), set())
    return expected in found if len(found) == 1 else None


def _verdicts(said: list[str], pair: frozenset[str]) -> set[str]:
    return _first_verdict(said, pair) or {
        meaning for word in said if (meaning := _MEANING.get(word)) in pair
    }


def _first_verdict(said: list[str], pair: frozenset[str]) -> set[str]:
    """Return the verdict that begins a text, unless it also says the opposite: "Yes and no"."""
    for size in (3, 2, 1):
        first, other = _meaning(said[:size]), _meaning(said[size + 1 : size + 2])
        if first is not None and first in pair and other not in pair - {first}:
            return {first}
    return set()


def _meaning(said: list[str]) -> str | None:
    return _MEANING.get(" ".join(said))


def is_phrase(gold: str) -> bool:
    found = words(gold)
    return bool(found) and sum(map(_weight, found)) <= MAX_PHRASE_WORDS


def same_phrase(answer: str, gold: str) -> bool | None:
    """Look for the phrase in the marked answer, or else in the whole text. Ignore case, whitespace,
    punctuation and articles. Return None if it is not in prose, which may say the same in other
    words."""
    marked = bool(marked_answers(answer))
    said, phrase = words(answer_of(answer)), words(gold)
    length = sum(_weight(word) for word in said)
    if len(phrase) == 1 and len(phrase[0]) == 1:  # such a word is too common to be looked for
        return True if said == phrase else False if 0 < length <= MAX_SHORT_ANSWER_WORDS else None
    starts = [at for at in range(len(said) - len(phrase) + 1) if _begins(said, at, phrase)]
    if any(not _denied(said, at) for at in starts):
        return True
    if starts or not said:
        return None
    return False if marked or length <= MAX_SHORT_ANSWER_WORDS else None


def _weight(word: str) -> float:
    return 0.5 if is_sign(word) else 1.0


def _begins(said: list[str], at: int, phrase: list[str]) -> bool:
    """Whether the phrase begins there. Korean endings join the last word: 서울입니다."""
    end = at + len(phrase) - 1
    if said[at:end] != phrase[:-1]:
        return False
    last = phrase[-1]
    return said[end] == last or (_HANGUL.match(last) is not None and said[end].startswith(last))


_HANGUL = re.compile("[\uac00-\ud7af]+$")


def _denied(said: list[str], at: int) -> bool:
    before = said[max(at - 2, 0) : at]
    return before[-1:] == ["t"] or not NEGATIONS.isdisjoint(before)
