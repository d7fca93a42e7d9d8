"""Golds that are a Python or JSON value in quotes or brackets, such as [1, 2]."""

import ast
import json
import re
import warnings

from route_switch.domain.learning.final_answer import answer_of, marked_answers

MAX_CHARS = 4_000
"""Parsing a longer value would take too long."""

_LITERAL = re.compile(r"""['"\[({].*['"\])}]""", re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")


def is_literal(gold: str) -> bool:
    return _LITERAL.fullmatch(gold) is not None and _literal(gold) is not None


def same_literal(answer: str, gold: str) -> bool | None:
    """Compare as values. A string may lack its quotes. Return None if there is no value of any
    kind in a long answer."""
    code = _CODE.findall(answer)
    marked = bool(marked_answers(answer))
    text = (answer_of(answer) if marked or not code else code[-1]).strip()
    expected, found = _literal(gold), _literal(text)
    if text == expected or (type(found) is type(expected) and found == expected):
        return True
    return False if marked or code or found is not None or "\n" not in text else None


def _literal(text: str) -> object:
    """Return None when the text is not a literal. A bare None does not count as one."""
    if len(text) > MAX_CHARS:
        return None
    try:
        with warnings.catch_warnings():
            # Invalid escapes and numbers in an answer must not print our own syntax warnings.
            warnings.simplefilter("ignore")
            value: object = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return _json(text)
    return value


def _json(text: str) -> object:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value
