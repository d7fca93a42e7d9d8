r"""What a model's text gives as its answer, after all the reasoning.

The marks are a JSON field `answer`, which stands alone, or else `\boxed{…}`, `#### …`, `answer: …`
and `the answer is …` (these up to the end of the line).
"""

import json
import re

_JSON_ANSWER = re.compile(r'"answer"\s*:\s*')
_MARK = re.compile(
    r"(?P<box>\\boxed\s*\{)|####|\b(?:answer|option|choice)(?:\s+is\b|\s*:)+", re.IGNORECASE
)


def marked_answers(text: str) -> tuple[str, ...]:
    """Everything that the text marks as its answer, in order: the last one is meant."""
    in_json = _in_json(text)
    if in_json is not None:
        return (in_json,)
    plain = text.replace("**", "")
    return tuple(
        _to_the_brace(plain, mark.end()) if mark["box"] else _to_the_end(plain, mark.end())
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


def _to_the_brace(text: str, start: int) -> str:
    """Braces nest, as in a boxed fraction."""
    depth = 1
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start:place]
    return text[start:]


def _to_the_end(text: str, start: int) -> str:
    return text[start:].strip().partition("\n")[0]
