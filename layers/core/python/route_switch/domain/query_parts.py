"""The parts of a query's text, so that no part decides alone how the query is routed.

A *unit* is a sentence, a line, a bracket's content, a piece in another script; or a whole code
block or list of options with the line before it. A *stretch* is what stands between two cuts, or
between a cut and an end of the text. Somebody who wants another model puts a text before or after
the query; then one stretch is the query as it would be alone.

All of it is linear in the text, of which only the ends are read.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise

HEAD_CHARS = 3000
TAIL_CHARS = 1500
MIN_SIDE_WORDS = 4
"""A side with fewer words says too little to be routed by."""
MIN_WORDS_LEFT = 3
MIN_WORDS_TOLD = 5
PADDING = 3
REQUEST_WORDS, LONGER = 20, 2
TASK_WORDS, TASK_SHARE = 6, 2 / 3

_SIGN = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff"
"""Thai, Japanese, Chinese: two signs count as a word."""
_WORD = re.compile(rf"[{_SIGN}]{{2}}|[^\W{_SIGN}]+")
_ENCODED = re.compile(r"(?<!\S)(?=\S*[A-Z]\S*[a-z]\S*[A-Z0-9])[A-Za-z0-9+/_-]{24,}={0,2}(?!\S)")
_OPTION = re.compile(r"\s*\(?(?:[A-Z0-9]{1,2}|[IVX]{3,4})[.)]\s")
_BARE_LABEL = re.compile(r"\s*\(?(?:[A-Z0-9]{1,2}|[IVX]{3,4})[.)]$")
_OPTIONS = re.compile(r"^\s*\(?[A-J][.)]\s", re.MULTILINE)
_CODE_LINE = re.compile(
    r"^\s*(?:def|class|return|for|if|while|import|from|assert|print)\b"
    r"|^(?!.*\\[a-z]).*[;{}]\s*$|\w\(\w*\)|=>|^\s{4}|=="
)
_PROSE = re.compile(r"(?!\s|#|//|/\*|\*)(?:.*?[\s\"'(])??(?:[A-Za-z'’]+[,:]? ){4}[A-Za-z'’]+")
"""A line of prose may name a function or end in a brace, as a value in JSON does."""
_CODE = re.compile(
    r"```|\bdef \w+\(|\[PYTHON\]|#include|\bclass \w+[:{(]|\bfunction \w+\("
    r"|\bSELECT\b.{1,200}\bFROM\b"
)
_REQUEST = re.compile(
    r"\W*(?:please |now |can you |could you |i (?:want|need|would like)\b.{0,40})?"
    r"(?:add|analy[sz]e|build|calculate|classify|compare|compute|convert|create|debug|derive|describe"
    r"|design|develop|discuss|draft|evaluate|explain|find|fix|generate|give|help|identify|implement"
    r"|improve|list|make|outline|plan|propose|provide|prove|refactor|review|rewrite|show|simplify"
    r"|solve|suggest|summari[sz]e|tell|translate|write)\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"\W*(?:what|which|who|whom|whose|why|how|when|where|is|are|was|were|do|does|did|can|could|would"
    r"|should|will)\b",
    re.IGNORECASE,
)
_COURTESIES = frozenset(
    """
    a am an and advance best can cheers could day dear evening for from good have hello help here
    hi i in is it kindly madam me morning my need of phone please question questions regards sent
    sir some thank thanks that the this to with would you your
    """.split()  # noqa: SIM905 (as a list it would be a page long)
)
SIDES = 128
"""Texts whose answers are kept: the stretches of a query have the same sides again and again."""
_FENCES = {"```": "```", "[PYTHON]": "[/PYTHON]"}
_LATIN, _OTHER = r"\u0000-\u024f", r"\u0370-\uffff"
_CUT = re.compile(
    r"(?<=[.!?:;])\s+"
    r"|(?<=[\])}>»”\"|。！？：，])\s*(?=\S)"
    r"|\s*(?=[\[({<«“\"|])"
    r"|(?<=[a-z0-9,])\s+(?=[A-Z][a-z]+\s+\w)"
    rf"|(?<=[{_LATIN}])(?=[{_OTHER}])|(?<=[{_OTHER}])(?=[{_LATIN}])"
    r"|(?<=\$)\s+|\s+(?=\$)|\s+(?=\\[a-z])|(?<=\})\s+"
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z(\[])")


@dataclass(frozen=True, slots=True)
class Unit:
    text: str
    words: int


def units_of(text: str) -> list[Unit]:
    """Return the units in their order, without long codes. A repeated unit counts once, or not
    at all if it is said `PADDING` times. Units of few words, such as a greeting, a label or a tag,
    are left out wherever they stand, so that a text around a query changes nothing within it. A
    text without words is one unit."""
    lines = [line for line in _without_codes(ends_of(text)).split("\n") if line.strip()]
    times: Counter[str] = Counter()
    first: dict[str, Unit] = {}
    for piece in _pieces(lines):
        if key := re.sub(r"\W+", " ", piece.lower()).strip():
            times[key] += 1
            first.setdefault(key, Unit(piece, words_in(piece)))
    said_once = [unit for key, unit in first.items() if times[key] < PADDING]
    words_left = sum(unit.words for unit in said_once)
    units = said_once if words_left >= MIN_SIDE_WORDS else list(first.values())
    telling = [unit for unit in units if unit.words >= MIN_SIDE_WORDS]
    if sum(unit.words for unit in telling) >= MIN_WORDS_TOLD:
        return telling
    return units or [Unit(text, 0)]


def at_most(units: list[Unit], most: int) -> list[Unit]:
    """Return the units, those in the middle joined to one if there are more than `most`, which is
    odd."""
    half = most // 2
    if len(units) <= most:
        return units
    middle = units[half:-half]
    return [*units[:half], Unit(joined(middle), sum(unit.words for unit in middle)), *units[-half:]]


@lru_cache(maxsize=SIDES)
def poses_task(text: str) -> bool:
    """Whether the text holds code or a list of options: a task that is hard to confuse with
    another."""
    read = ends_of(text)
    return bool(_CODE.search(read)) or len(_OPTIONS.findall(read)) >= 3


def asks(text: str) -> bool:
    """Whether the text asks a question, or its first line of some words asks for something."""
    first = next((line for line in text.split("\n") if words_in(line) >= MIN_SIDE_WORDS), "")
    return "?" in text or bool(_REQUEST.match(first))


def outweighs(text: str, other: str) -> bool:
    """Whether the other text cannot be the query, because this one asks for so much more: it is
    much longer and asks for something, or it holds a task and is much longer or long enough."""
    words, much = words_in(text), LONGER * words_in(other)
    if poses_task(text):
        return words >= min(REQUEST_WORDS, much)
    return words >= max(REQUEST_WORDS, much) and asks(text)


def is_courtesy(text: str) -> bool:
    """Whether the text has at most one word besides those of politeness, and poses no question."""
    words = (word.lower() for word in _WORD.findall(text))
    return "?" not in text and sum(word not in _COURTESIES for word in words) < 2


def is_aside(text: str, other: str) -> bool:
    """Whether the text cannot be the query, because it asks for nothing, and the other one, which
    is no shorter, does."""
    return words_in(text) <= words_in(other) and not _may_ask(text) and _may_ask(other)


@lru_cache(maxsize=SIDES)
def _may_ask(text: str) -> bool:
    lines = text.split("\n")
    return (
        "?" in text
        or any(_REQUEST.match(e) or _QUESTION.match(e) for e in lines)
        or poses_task(text)
    )


def task_in(units: list[Unit]) -> list[Unit]:
    """Return the units from the first to the last that hold code or options, with the text next to
    them that says what to do, of at least `TASK_WORDS` words.

    Return none of them if they hold no code or options of at least `REQUEST_WORDS` words: that
    little can be put around any query. Return none of them either if more than a third of the words
    are around them: that much is what the task is about, such as a passage with questions."""
    numbers = [number for number, unit in enumerate(units) if poses_task(unit.text)]
    if sum(units[number].words for number in numbers) < REQUEST_WORDS:
        return []
    start, end = numbers[0], numbers[-1] + 1
    said = words_in(_stem_of(units[start].text))
    while said < TASK_WORDS and start > 0:
        start -= 1
        said += units[start].words
    while said < TASK_WORDS and end < len(units):
        said += units[end].words
        end += 1
    inside, all_words = (sum(unit.words for unit in e) for e in (units[start:end], units))
    return units[start:end] if inside >= TASK_SHARE * all_words else []


def _stem_of(text: str) -> str:
    """Return what stands before the options or the code."""
    options = _OPTIONS.search(text)
    return text[: options.start()] if options else ""


def as_told(text: str, units: list[Unit]) -> str:
    """Return the text itself if `units` are all that is read of it, else what they say."""
    words = words_in(ends_of(text))
    return text if sum(unit.words for unit in units) == words else joined(units)


def joined(units: list[Unit]) -> str:
    return "\n".join(unit.text for unit in units)


def cuts_of(units: list[Unit]) -> list[int]:
    """Return the numbers of the units before which a text can be cut into two sides that can be
    routed by themselves."""
    total, before, found = sum(unit.words for unit in units), 0, []
    for number, unit in enumerate(units):
        if before >= MIN_SIDE_WORDS and total - before >= MIN_SIDE_WORDS:
            found.append(number)
        before += unit.words
    return found


def stretches_of(units: list[Unit], most_cuts: int) -> list[str]:
    """Return the stretches of a text that can be routed by themselves: from its start or a cut to
    another cut or its end, for the first and last cuts, `most_cuts` together. Left out is a stretch
    that cannot be the query, because of what stands before or after it, and what is said for
    politeness alone. So the stretches of a query that ask for something are among those of the
    query with a short text before or after it."""
    units = [unit for unit in units if not is_courtesy(unit.text)] or units
    cuts = list(range(1, len(units)))
    if len(cuts) > most_cuts:
        cuts = cuts[: most_cuts // 2] + cuts[-most_cuts // 2 :]
    ends = [0, *cuts, len(units)]
    before, after = ([joined(units[:e]) for e in ends], [joined(units[e:]) for e in ends])
    stretches = {
        (first, last): joined(units[ends[first] : ends[last]])
        for first, last in combinations(range(len(ends)), 2)
    }
    return [
        text
        for (first, last), text in stretches.items()
        if words_in(text) >= MIN_SIDE_WORDS
        and not any(
            outweighs(other, text) or is_aside(text, other)
            for other in (before[first], after[last])
        )
    ]


@lru_cache(maxsize=SIDES)
def words_in(text: str) -> int:
    return len(_WORD.findall(text))


def ends_of(text: str) -> str:
    """Return the part of a text that is read for its units."""
    if len(text) <= HEAD_CHARS + TAIL_CHARS:
        return text
    return f"{text[:HEAD_CHARS]}\n{text[-TAIL_CHARS:]}"


def _without_codes(text: str) -> str:
    """Leave out long words of letters and digits, such as Base64, if words remain without them."""
    rest = _ENCODED.sub("\n", text)
    return rest if words_in(rest) >= MIN_WORDS_LEFT else text


def _pieces(lines: list[str]) -> list[str]:
    found: list[str] = []
    fence: str | None = None
    is_block = False
    for line, next_line in pairwise([*lines, ""]):
        if fence is not None:
            inside, end, rest = line.partition(fence)
            found[-1] += f"\n{inside}{end}"
            if end:
                fence, is_block = None, False
                found += _sentences(rest)
        elif opened := next((mark for mark in _FENCES if line.count(mark) == 1), None):
            found.append(line)
            fence = _FENCES[opened]
        elif _OPTION.match(line) and found:
            option, after = _option_in(line, is_last=not _OPTION.match(next_line))
            found[-1] += f"\n{option}"
            found += after
            is_block = not after
        elif _CODE_LINE.search(line) and not _PROSE.match(line):
            if is_block:
                found[-1] += f"\n{line}"
            else:
                found.append(line)
            is_block = True
        else:
            found += _sentences(line)
            is_block = False
    return found


def _option_in(line: str, *, is_last: bool) -> tuple[str, list[str]]:
    """Return the option at the start of the line, and the pieces after it."""
    ends = _CUT if is_last else _SENTENCE_END
    option, *after = (piece for piece in ends.split(line) if piece and piece.strip())
    if _BARE_LABEL.match(option) and after:
        return f"{option} {after[0]}", after[1:]
    return option, after


def _sentences(line: str) -> list[str]:
    return [piece for piece in _CUT.split(line) if piece and piece.strip()]
