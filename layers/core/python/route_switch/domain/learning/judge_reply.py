"""Read the judge's reply: JSON, Markdown, `[[A]]`, a labeled verdict, or prose with one verdict.

The clearest form in the reply counts. A reply with two different verdicts in that form has none,
and neither has a reply that cannot be read. Linear in the length of the reply.
"""

import re
from collections.abc import Iterator
from typing import Literal

from route_switch.domain.learning.normalized_text import sentences
from route_switch.domain.thoughts import without_thoughts

JudgeChoice = Literal["A", "B", "SAME"]
"""The judge's reply."""

MAX_CHARS = 16_000
"""A verdict is at the end of a reply."""

_KIND = r"(?:answer|response|assistant|option|model)"
_SAME = r"same|tie|tied|draw|equal|equally good|equally bad|equivalent|no difference"
_CHOICE = (
    rf"(?:an? {{1,3}})?(?P<same>{_SAME})\b|(?:{_KIND}[^\w\n]{{1,3}})?(?P<letter>[AB])"
    r"(?![^\w\n]{1,3}(?:and|or|&|vs)\b)(?![\w'])"
)
_WORDS = r"(?:verdict|decision|winner|choice|judge?ment|preference|conclusion|result|better answer)"
_BARE = re.compile(rf"[\W_]*(?:{_CHOICE})[\W_]*", re.IGNORECASE)
_JSON = re.compile(
    rf"[\"'](?:final[_ ]|overall[_ ])?(?:{_WORDS}|answer|better|best)[\"']\s{{0,9}}:\s{{0,9}}"
    r"[\"']?(?P<value>[^\"',}\n]{0,60})",
    re.IGNORECASE,
)
_LABEL = rf"{_WORDS}[^\w\n'\"“‘]{{0,6}}(?:(?: is|:)[^\w\n'\"“‘]{{0,6}})?"
_LABELED = re.compile(
    rf"(?P<start>^[^\w\n]{{0,12}}(?:(?:my|the|final|overall|so|thus|therefore)[,\s]{{1,3}}){{0,3}})?"
    rf"(?<!['\"“‘])\b{_LABEL}[\s*_`(\[]{{0,8}}(?:{_CHOICE})(?P<end>[^\w\n]{{0,12}}$)?",
    re.IGNORECASE | re.MULTILINE,
)
_BRACKETED = re.compile(r"\[\[\s{0,3}(?:answer )?(A|B|C|SAME|TIE)\s{0,3}\]\]", re.IGNORECASE)


def read_choice(reply: str) -> JudgeChoice | None:
    """Return the verdict, or None if there is none or if there are several."""
    said = without_thoughts(reply[-MAX_CHARS:])
    if said is None:
        return None
    for find in (_bare, _in_json, _bracketed, _labeled, _in_prose):
        found = set(find(said))
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def _choice(match: re.Match[str]) -> JudgeChoice:
    if match["same"]:
        return "SAME"
    return "A" if match["letter"].upper() == "A" else "B"


def _bare(said: str) -> Iterator[JudgeChoice | None]:
    match = _BARE.fullmatch(said)
    if match is not None:
        yield _choice(match)


def _in_json(said: str) -> Iterator[JudgeChoice | None]:
    """Yield None for a field with something else: then the reply says that it has no verdict."""
    for field in _JSON.finditer(said):
        match = _BARE.fullmatch(field["value"])
        yield None if match is None else _choice(match)


def _bracketed(said: str) -> Iterator[JudgeChoice | None]:
    """C is a tie where judges reply in brackets (MT-Bench)."""
    for name in _BRACKETED.findall(said):
        upper = name.upper()
        yield "A" if upper == "A" else "B" if upper == "B" else "SAME"


def _labeled(said: str) -> Iterator[JudgeChoice | None]:
    """A label that begins a line is the judge's; one inside a sentence may be quoted."""
    matches = [match for match in _LABELED.finditer(said) if _is_choice(match)]
    own = [match for match in matches if match["start"] is not None]
    yield from map(_choice, own or matches)


def _is_choice(match: re.Match[str]) -> bool:
    """A lower-case letter inside a sentence is a word: "The verdict: a close call"."""
    letter = match["letter"]
    return letter is None or letter.isupper() or match["end"] is not None


_VERY = (
    r"(?:clearly|much|slightly|significantly|far|a bit|definitely|somewhat|marginally|the|simply)"
)
_BETTER = re.compile(
    rf"\b(?:{_KIND} )?\**(?P<letter>[AB])\**(?: is| was| seems| looks| remains)(?: {_VERY}){{0,2}}"
    r" (?:better|best|superior|preferable|stronger|the winner)\b"
    rf"|\b(?:{_KIND} )\**(?P<wins>[AB])\** wins\b"
    rf"|\b(?:prefer|choose|pick|favor|favour) (?:{_KIND} )?\**(?P<chosen>[AB])\b"
    rf"|\b(?:better|best|stronger) (?:{_KIND}|one) is (?:{_KIND} )?\**(?P<named>[AB])\b"
)
_TIED = re.compile(
    r"\b(?:equally (?:good|bad|correct|right|wrong|helpful|useful|well)|equivalent|"
    r"it(?: i|')s a tie|is a draw|the same quality|neither (?:answer |response |one )?is better|"
    r"no (?:real |meaningful )?difference)\b",
    re.IGNORECASE,
)
_HEDGED = re.compile(
    r"\b(?:if|whether|not|never|cannot|can't|isn't|aren't|unless|would|could|might|may|hard to|"
    r"unclear|unsure|claims?|says?|wonder)\b",
    re.IGNORECASE,
)


def _in_prose(said: str) -> Iterator[JudgeChoice | None]:
    for part in sentences(said):
        if _HEDGED.search(part):
            continue
        for match in _BETTER.finditer(part):
            letter = next(each for each in match.groups() if each is not None)
            yield "A" if letter == "A" else "B"
        if _TIED.search(part):
            yield "SAME"
