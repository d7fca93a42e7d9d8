r"""Grade an answer against a reference answer ("gold") whose form allows it.

Only the form of the gold selects the grader, never the answer, so that the answers of all tiers are
graded alike. A free-text gold cannot grade; that is a judge's work.

An answer in which nothing of the gold's form is found is *unread*: it may be right in words that no
rule knows. As an answer of Tier 3 it says nothing (`outcome_row.py`).

The forms have a file each. Texts are compared in any language (`normalized_text.py`), and the final
answer in a text follows a mark (`final_answer.py`). Grading is linear in the length of the texts.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from route_switch.domain.learning.final_answer import answer_of
from route_switch.domain.learning.letter_golds import is_letter, same_letter
from route_switch.domain.learning.literal_golds import is_literal, same_literal
from route_switch.domain.learning.normalized_text import readable
from route_switch.domain.learning.number_golds import is_number, same_number
from route_switch.domain.learning.word_golds import (
    is_label,
    is_phrase,
    is_verdict,
    same_label,
    same_phrase,
    same_verdict,
)

Gold = str | Sequence[str]
"""A reference answer, or several of which any is right."""


class Reading(StrEnum):
    """What an answer is, compared with its gold."""

    RIGHT = "right"
    WRONG = "wrong"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class Form:
    """A form of gold. `fits` recognizes it. `agrees` compares an answer with it, and may return
    None if the answer holds nothing of this form."""

    fits: Callable[[str], bool]
    agrees: Callable[[str, str], bool | None]


def grade(answer: str, gold: Gold) -> float | None:
    r"""Return 1.0 for a right answer, 0.0 for a wrong or unread one, or None when the gold cannot
    grade.

    A gold with its derivation (`… #### 18`, `… \boxed{18}`) counts as the answer at its end.
    """
    reading = read(answer, gold)
    return None if reading is None else float(reading is Reading.RIGHT)


def can_grade(gold: Gold) -> bool:
    return read("", gold) is not None


def read(answer: str, gold: Gold) -> Reading | None:
    """Return what the answer is by the gold, or None when the gold cannot grade. If there are
    several golds, the one that the answer agrees with decides."""
    golds = (gold,) if isinstance(gold, str) else gold
    text = readable(answer)
    readings = [reading for each in golds if (reading := _read(text, each)) is not None]
    order = (Reading.RIGHT, Reading.WRONG, Reading.UNREAD)
    return min(readings, key=order.index, default=None)


def _read(answer: str, gold: str) -> Reading | None:
    short = answer_of(readable(gold)).strip()
    form = next((form for form in FORMS if form.fits(short)), None)
    if form is None:
        return None
    agrees = form.agrees(answer, short)
    if agrees is None:
        return Reading.UNREAD
    return Reading.RIGHT if agrees else Reading.WRONG


FORMS = (
    Form(is_letter, same_letter),
    Form(is_number, same_number),
    Form(is_literal, same_literal),
    Form(is_label, same_label),
    Form(is_verdict, same_verdict),
    Form(is_phrase, same_phrase),
)
"""The first form that fits the gold grades the answer."""
