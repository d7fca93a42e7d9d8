r"""Grade an answer against a reference answer ("gold") whose form allows it.

Only the form of the gold selects the grader, never the answer, so that the answers of all tiers are
graded alike. A free-text gold cannot grade; that is a judge's work.

The final answer in a model's text follows a mark: a JSON field `answer`, which overrides all
others, or `\boxed{…}`, `#### …`, `answer: …` and `the answer is …` (the last three up to the end of
the line).

Numbers are read as people and models write them: `$1,000.00`, `-3/4`, `50%`, `2e5`, `\frac{1}{2}`.
A number stands for the set of values that its writer may mean: `50%` is 50 or 0.5.
"""

import ast
import json
import math
import re
import string
import warnings
from collections.abc import Callable
from dataclasses import dataclass

MAX_PHRASE_WORDS = 5
"""A longer gold is free text."""

_LETTER = r"\(?\b([A-Z])\b(?!')\)?"
_LETTER_GOLD = re.compile(rf"{_LETTER}[.:]?")
_LETTER_AT_START = re.compile(rf"[\W_]*(?:\\text\{{)?{_LETTER}")
_LETTER_IN_BRACKETS = re.compile(r"\(([A-Z])\)")
_LETTER_IN_BOLD = re.compile(rf"\*\*{_LETTER}[.:]?\s*\*\*")
_LETTER_ALONE = re.compile(rf"\s*{_LETTER}(?:[.):]|\s*\Z)")
_LITERAL = re.compile(r"""['"\[({].*['"\])}]""", re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LABEL = re.compile(r"[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+")
_VERDICTS = ({"yes", "no"}, {"true", "false"})
_ARTICLES = {"a", "an", "the"}
_WORD = re.compile(r"[^\s" + re.escape(string.punctuation.replace("_", "")) + "]+")


@dataclass(frozen=True, slots=True)
class Form:
    """A form of gold. `fits` recognizes it; `agrees` compares an answer with it."""

    fits: Callable[[str], bool]
    agrees: Callable[[str, str], bool]


def grade(answer: str, gold: str) -> float | None:
    r"""Return 1.0 for a right answer, 0.0 for a wrong one or none, or None when the gold cannot
    grade.

    A gold with its derivation (`… #### 18`, `… \boxed{18}`) counts as the answer at its end.
    """
    short = _answer_of(gold).strip()
    form = next((form for form in FORMS if form.fits(short)), None)
    return None if form is None else float(form.agrees(answer, short))


def _is_letter(gold: str) -> bool:
    return _LETTER_GOLD.fullmatch(gold) is not None


def _same_letter(answer: str, gold: str) -> bool:
    """Letters in the reasoning are not a choice: a text that never chooses is wrong."""
    return _chosen_letter(answer) == gold.strip("().:")


def _chosen_letter(answer: str) -> str | None:
    marked = marked_answers(answer)
    if not marked:
        alone = _LETTER_ALONE.match(answer)
        found = _LETTER_IN_BOLD.findall(answer) or ([alone[1]] if alone else [])
    else:
        found = [letter for part in marked if (letter := _letter_in(part))]
    return found[-1] if found else None


def _letter_in(marked: str) -> str | None:
    at_start = _LETTER_AT_START.match(marked)
    in_brackets = _LETTER_IN_BRACKETS.findall(marked)
    return at_start[1] if at_start else in_brackets[-1] if in_brackets else None


def _same_number(answer: str, gold: str) -> bool:
    """Compare the last number in the marked answer, or in the whole text if none is marked."""
    numbers = [
        found for part in marked_answers(answer) or (answer,) if (found := last_number(part))
    ]
    return bool(numbers) and same_number(numbers[-1], last_number(gold))


def _is_literal(gold: str) -> bool:
    return _LITERAL.fullmatch(gold) is not None and _literal(gold) is not None


def _same_literal(answer: str, gold: str) -> bool:
    """Compare as Python values. A string may lack its quotes."""
    code = _CODE.findall(answer)
    text = answer if marked_answers(answer) or not code else code[-1]
    text, expected = _answer_of(text), _literal(gold)
    found = _literal(text.strip())
    return text == expected or (type(found) is type(expected) and found == expected)


def _literal(text: str) -> object:
    """Return None when the text is not a literal. A bare None does not count as one."""
    try:
        with warnings.catch_warnings():
            # Invalid escapes and numbers in an answer must not print our own syntax warnings.
            warnings.simplefilter("ignore")
            value: object = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return value


def _is_label(gold: str) -> bool:
    return _LABEL.fullmatch(gold) is not None


def _same_label(answer: str, gold: str) -> bool:
    """The answer must name this label and no other."""
    return {label.casefold() for label in _LABEL.findall(answer)} == {gold.casefold()}


def _is_verdict(gold: str) -> bool:
    return any(gold.casefold() in pair for pair in _VERDICTS)


def _same_verdict(answer: str, gold: str) -> bool:
    """Use the first word if it is a verdict, else the last verdict in the text."""
    pair = next(pair for pair in _VERDICTS if gold.casefold() in pair)
    words = _words(_answer_of(answer))
    found = [word for word in words if word in pair]
    verdict = words[0] if words and words[0] in pair else found[-1] if found else None
    return verdict == gold.casefold()


def _is_phrase(gold: str) -> bool:
    return 1 <= len(_words(gold)) <= MAX_PHRASE_WORDS


def _same_phrase(answer: str, gold: str) -> bool:
    """Look for the phrase in the marked answer, or else in the whole text. Ignore case, whitespace,
    punctuation and articles."""
    words, phrase = _words(_answer_of(answer)), _words(gold)
    starts = range(len(words) - len(phrase) + 1)
    return any(words[start : start + len(phrase)] == phrase for start in starts)


def _answer_of(text: str) -> str:
    """Return the last marked answer, or the whole text when none is marked."""
    return (text, *marked_answers(text))[-1]


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.casefold()) if word not in _ARTICLES]


_JSON_ANSWER = re.compile(r'"answer"\s*:\s*')
_MARK = re.compile(
    r"(?P<box>\\boxed\s*\{)|####|\b(?:answer|option|choice)(?:\s+is\b|\s*:)+", re.IGNORECASE
)


def marked_answers(text: str) -> tuple[str, ...]:
    """Return everything that the text marks as its answer, in order. The last one is final."""
    in_json = _in_json(text)
    if in_json is not None:
        return (in_json,)
    plain = text.replace("**", "")
    return tuple(
        _up_to_brace(plain, mark.end()) if mark["box"] else _up_to_line_end(plain, mark.end())
        for mark in _MARK.finditer(plain)
    )


def _in_json(text: str) -> str | None:
    *_, last = (None, *_JSON_ANSWER.finditer(text))
    if last is None:
        return None
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(text, last.end())
    except json.JSONDecodeError:
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _up_to_brace(text: str, start: int) -> str:
    """Match nested braces, as in a boxed fraction."""
    depth = 1
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start:place]
    return text[start:]


def _up_to_line_end(text: str, start: int) -> str:
    return text[start:].strip().partition("\n")[0]


_LATEX_FRACTION = re.compile(r"\\[dt]?frac\s*\{(-?[\d.,]+)\}\s*\{([\d.,]+)\}")
_TIMES_POWER_OF_TEN = re.compile(r"(?<=\d)\s*(?:×|\\times|\*|x)\s*10\s*\^\s*\{?([+-]?\d+)\}?")
_POWER_OF_TEN = re.compile(r"\b10\s*\^\s*\{?([+-]?\d+)\}?")
_LATEX = re.compile(r"\\[,;! ]|\\text\{[^}]*\}|[{}]|\*\*")
_CURRENCY = re.compile(r"\\?[$€£¥]|\\(?=%)")
_NUMBER = r"[+-]?(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)?(?:\.\d+|(?<=\d)\.)?(?<=[\d.])(?:[eE][+-]?\d+)?"
_WRITTEN = re.compile(rf"(?<![\w.])({_NUMBER})(?:\s*/\s*({_NUMBER}))?\s*(%|percent\b)?")
_TOLERANCE = 1e-9


def is_number(text: str) -> bool:
    """Whether the whole text is one number."""
    return _WRITTEN.fullmatch(_plain(text)) is not None


def last_number(text: str) -> frozenset[float]:
    """Return the possible values of the last number in a text; empty when there is none."""
    values: frozenset[float] = frozenset()
    for match in _WRITTEN.finditer(_plain(text)):
        values = _values(*match.groups()) or values
    return values


def same_number(one: frozenset[float], other: frozenset[float]) -> bool:
    """Whether two numbers may mean the same value, up to a relative or absolute error of 1e-9."""
    return any(
        math.isclose(a, b, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE) for a in one for b in other
    )


def _plain(text: str) -> str:
    text = text.replace("\u2212", "-").replace("{,}", ",")
    text = _LATEX_FRACTION.sub(r" \1/\2", text)
    text = _POWER_OF_TEN.sub(r"1e\1", _TIMES_POWER_OF_TEN.sub(r"e\1", text))
    return _CURRENCY.sub("", _LATEX.sub(" ", text)).strip()


def _values(number: str, denominator: str | None, percent: str | None) -> frozenset[float]:
    value = float(number.replace(",", ""))
    if denominator is not None:
        below = float(denominator.replace(",", ""))
        if below == 0:
            return frozenset()
        value /= below
    return frozenset({value, value / 100} if percent else {value})


FORMS = (
    Form(_is_letter, _same_letter),
    Form(is_number, _same_number),
    Form(_is_literal, _same_literal),
    Form(_is_label, _same_label),
    Form(_is_verdict, _same_verdict),
    Form(_is_phrase, _same_phrase),
)
"""The first form that fits the gold grades the answer."""
