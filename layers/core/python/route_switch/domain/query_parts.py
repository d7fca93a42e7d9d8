"""The parts of a query's text, so that no part decides alone how the query is routed.

A *unit* is a sentence, a line, a bracket's content, a piece in another script; or a whole code
block or list of options with the line before it. A *side* is everything before or after a cut
between two units. Somebody who wants another model puts a text before or after the query; then one
side of a cut is the query as it would be alone.

All of it is linear in the text, of which only the ends are read.
"""

import re
from collections import Counter
from dataclasses import dataclass

HEAD_CHARS = 3000
TAIL_CHARS = 1500
MIN_SIDE_WORDS = 4
"""A side with fewer words says too little to be routed by."""
MIN_WORDS_LEFT = 3
PADDING = 3

_SIGN = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff"
"""Thai, Japanese, Chinese: two signs count as a word."""
_WORD = re.compile(rf"[{_SIGN}]{{2}}|[^\W{_SIGN}]+")
_ENCODED = re.compile(r"(?<!\S)(?=\S*[A-Z]\S*[a-z]\S*[A-Z0-9])[A-Za-z0-9+/_-]{24,}={0,2}(?!\S)")
_OPTION = re.compile(r"\s*\(?[A-Z0-9]{1,2}[.)]\s")
_BARE_LABEL = re.compile(r"\s*\(?[A-Z0-9]{1,2}[.)]$")
_OPTIONS = re.compile(r"^\s*\(?[A-J][.)]\s", re.MULTILINE)
_CODE_LINE = re.compile(
    r"^\s*(?:def|class|return|for|if|while|import|from|assert|print)\b"
    r"|^(?!.*\\[a-z]).*[;{}]\s*$|\w\(\w*\)|=>|^\s{4}|=="
)
_CODE = re.compile(
    r"```|\bdef \w+\(|\[PYTHON\]|#include|\bclass \w+[:{(]|\bfunction \w+\("
    r"|\bSELECT\b.{1,200}\bFROM\b"
)
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
    at all if it is said `PADDING` times. A text without words is one unit."""
    lines = _without_codes(ends_of(text)).split("\n")
    times: Counter[str] = Counter()
    first: dict[str, Unit] = {}
    for piece in _pieces([line for line in lines if line.strip()]):
        if key := re.sub(r"\W+", " ", piece.lower()).strip():
            times[key] += 1
            first.setdefault(key, Unit(piece, words_in(piece)))
    said_once = [unit for key, unit in first.items() if times[key] < PADDING]
    words_left = sum(unit.words for unit in said_once)
    units = said_once if words_left >= MIN_SIDE_WORDS else list(first.values())
    return units or [Unit(text, 0)]


def at_most(units: list[Unit], most: int) -> list[Unit]:
    """Return the units, those in the middle joined to one if there are more than `most`, which is
    odd."""
    half = most // 2
    if len(units) <= most:
        return units
    middle = units[half:-half]
    return [*units[:half], Unit(joined(middle), sum(unit.words for unit in middle)), *units[-half:]]


def poses_task(text: str) -> bool:
    """Whether the text holds code or a list of options: a task that is hard to take for another."""
    read = ends_of(text)
    return bool(_CODE.search(read)) or len(_OPTIONS.findall(read)) >= 3


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


def sides_of(units: list[Unit], most_cuts: int) -> list[str]:
    """Return the sides of the first and last cuts, `most_cuts` together, that can be routed by
    themselves, though the other side of the cut may be shorter."""
    cuts = list(range(1, len(units)))
    if len(cuts) > most_cuts:
        cuts = cuts[: most_cuts // 2] + cuts[-most_cuts // 2 :]
    sides = (side for cut in cuts for side in (units[:cut], units[cut:]))
    return [joined(side) for side in sides if sum(unit.words for unit in side) >= MIN_SIDE_WORDS]


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
    for line in lines:
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
            option, *after = _SENTENCE_END.split(line)
            if _BARE_LABEL.match(option) and after:
                option, after = f"{option} {after[0]}", after[1:]
            found[-1] += f"\n{option}"
            found += after
            is_block = not after
        elif _CODE_LINE.search(line):
            if is_block:
                found[-1] += f"\n{line}"
            else:
                found.append(line)
            is_block = True
        else:
            found += _sentences(line)
            is_block = False
    return found


def _sentences(line: str) -> list[str]:
    return [piece for piece in _CUT.split(line) if piece and piece.strip()]
