r"""Where a text marks its final answer.

The mark is a JSON field `answer`, which overrides all others, or `\boxed{…}`, `#### …`, and the
words for "answer" in many languages with "is" or a colon: `The answer is …`, `Antwort: …`,
`答案是…`. A marked answer ends with its line or its brace, or where the next mark begins.
"""

import json
import re

_ADJECTIVE = (
    r"correct[aeo]?|corretta|correta|juste|exacte|final[ea]?|finalmente|richtig\w{0,2}|yang benar|"
    r"doğru|الصحيحة|الصحيح|הנכונה"
)
_ANSWER = (
    r"answer|option|choice|antwort|lösung|réponse|respuesta|opción|resposta|alternativa|risposta|"
    r"antwoord|svaret?|odpowiedź(?: to)?|ответ|відповідь|cevap|cevabı|yanıt|đáp án|jawaban|"
    r"jawabannya|απάντηση|vastaus|correct"
)
_IS = r"is|would be|must be|ist|lautet|est|es|é|è|este|jest|är|là|adalah|είναι"
_IN_SCRIPT = (
    r"(?:答案|選項|选项|答え|正解|正确|回答|정답|답|الإجابة|الاجابة|الجواب|اجابة|उत्तर|תשובה|התשובה|คำตอบ)"
    rf"(?:\s{{1,3}}(?:{_ADJECTIVE}))?\s{{0,3}}"
    r"(?:应该是|应为|應為|是|为|為|は|은|는|هي|هو|היא|הוא|है|คือ|:|=)+"
)
_MARK = re.compile(
    rf"(?P<box>\\boxed\s{{0,9}}\{{)|####|\b(?:{_ANSWER})\b(?:\s{{1,3}}(?:{_ADJECTIVE})\b)?"
    rf"(?:\s{{1,9}}(?:{_IS})\b|\s{{0,9}}[:=\u2014])+|{_IN_SCRIPT}",
    re.IGNORECASE,
)
_JSON_ANSWER = re.compile(r'"answer"\s{0,9}:\s{0,99}')
_BRACE = re.compile(r"[{}]")
_NOT_BLANK = re.compile(r"\S")


def marked_answers(text: str) -> tuple[str, ...]:
    """Return everything that the text marks as its answer, in order. The last one is final."""
    in_json = _in_json(text)
    if in_json is not None:
        return (in_json,)
    plain = text.replace("**", "")
    marks = [*_MARK.finditer(plain)]
    ends = [*(mark.start() for mark in marks), len(plain)][1:]
    return tuple(
        (_up_to_brace if mark["box"] else _up_to_line_end)(plain, mark.end(), end)
        for mark, end in zip(marks, ends, strict=True)
    )


def answer_of(text: str) -> str:
    """Return the last marked answer, or the whole text when none is marked."""
    return (text, *marked_answers(text))[-1]


def _in_json(text: str) -> str | None:
    *_, last = (None, *_JSON_ANSWER.finditer(text))
    if last is None:
        return None
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(text, last.end())
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None


def _up_to_brace(text: str, start: int, end: int) -> str:
    """Match nested braces, as in a boxed fraction."""
    depth = 1
    for brace in _BRACE.finditer(text, start, end):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return text[start : brace.start()]
    return text[start:end]


def _up_to_line_end(text: str, start: int, end: int) -> str:
    begins = _NOT_BLANK.search(text, start, end)
    if begins is None:
        return ""
    line_end = text.find("\n", begins.start(), end)
    return text[begins.start() : end if line_end < 0 else line_end].strip()
