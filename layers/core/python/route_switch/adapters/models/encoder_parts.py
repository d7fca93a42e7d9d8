"""How `local/encoder` reads a text of several topics, such as a query in an unrelated text.

A text is cut between the units (`domain.query_parts`) whose sides are least alike, as long as their
cosine is below `MOST_ALIKE`, into at most `MOST_TOPICS` topics. A side's vector is the sum of its
units' vectors by words. The encoder knows English only: units in another script are left out if
`MIN_WORDS_LEFT` words remain.

`MOST_ALIKE` was chosen on 41 strings of the project's own, most of which are packaged for the
steering score, around queries of Banking77, CLINC150, MMLU-Pro and CRUXEval. The cosine between
such a string and a query was mostly below 0.11. Between the halves of whole queries it was above
0.28 in 95% of LLMRouter's, but only in half of Chatbot Arena's chats, which are therefore cut more
often.
"""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

from route_switch.domain.query_parts import Unit, as_told, at_most, cuts_of, joined, units_of

if TYPE_CHECKING:
    from route_switch.adapters.models.sentence_vectors import Vector

MOST_ALIKE = 0.15
MOST_TOPICS = 4
MOST_UNITS = 25
MIN_WORDS_LEFT = 5

_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]+")
_OTHER_SCRIPT = re.compile(r"[\u0370-\u1fff\u2e80-\ud7ff]")


def readable(text: str) -> str:
    """Return the text, without what is repeated, disguised or in another script."""
    units = units_of(text)
    read = [unit for unit in units if not _is_foreign(unit.text)]
    if sum(unit.words for unit in read) < MIN_WORDS_LEFT:
        read = units
    return as_told(text, read)


def topics_of(text: str, vector: "Callable[[str], Vector]") -> list[str]:
    """Return the topics of a readable text in their order."""
    units = at_most(units_of(text), MOST_UNITS)
    ends = _ends(units, vector)
    return [text] if len(ends) == 2 else [joined(units[a:b]) for a, b in pairwise(ends)]


def _ends(units: list[Unit], vector: "Callable[[str], Vector]") -> list[int]:
    """Return where topics begin and end: 0, the cuts, and the number of units."""
    ends = [0, len(units)]
    if not cuts_of(units):
        return ends
    import numpy as np

    sums = np.cumsum([unit.words * vector(unit.text) for unit in units], axis=0)

    def alike(start: int, cut: int, end: int) -> float:
        before = sums[start - 1] if start else 0
        one, other = sums[cut - 1] - before, sums[end - 1] - sums[cut - 1]
        return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))

    while len(ends) <= MOST_TOPICS:
        least, cut = min(
            (
                (alike(start, start + cut, end), start + cut)
                for start, end in pairwise(ends)
                for cut in cuts_of(units[start:end])
            ),
            default=(1.0, 0),
        )
        if least >= MOST_ALIKE:
            break
        ends = sorted((*ends, cut))
    return ends


def _is_foreign(text: str) -> bool:
    return len(_OTHER_SCRIPT.findall(text)) > len(_LATIN.findall(text))
