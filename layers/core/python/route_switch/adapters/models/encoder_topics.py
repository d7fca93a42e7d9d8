"""How `local/encoder` reads a text that is longer than its model reads: by one of its topics."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from route_switch.adapters.models.sentence_vectors import Vector

MIN_PIECES = 20
"""Sentences and lines are joined until they have this many word pieces."""
MOST_PASSAGES = 64
TOPIC_GAIN = 1.2
FIRST_SHARE = 0.5

_PARAGRAPH_END = re.compile(r"\n\s*\n")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


def question_in(
    text: str, count: Callable[[str], int], vector: "Callable[[str], Vector]"
) -> tuple[str, bool]:
    """Return the last topic of a text, or the first one if it is less than half as long, and
    whether it is the last: a question comes after its document or, if shorter, before it.

    A text is split before the passage where its sides differ most: where the lengths of the sums of
    their vectors, weighted by word pieces, are greatest together. Each end is split again while
    these are more than `TOPIC_GAIN` times the length of the whole sum.
    """
    import numpy as np

    passages = _passages(text, count)
    if len(passages) > MOST_PASSAGES:
        passages = passages[: MOST_PASSAGES // 2] + passages[-MOST_PASSAGES // 2 :]
    if len(passages) == 1:
        return passages[0], True
    vectors = np.array([count(passage) * vector(passage) for passage in passages])
    split, _ = _split(vectors)
    start = len(passages) - len(_last_topic(vectors[split:]))
    end = len(_last_topic(vectors[:split][::-1]))
    first, last = " ".join(passages[:end]), " ".join(passages[start:])
    return (first, False) if count(first) < FIRST_SHARE * count(last) else (last, True)


def _passages(text: str, count: Callable[[str], int]) -> list[str]:
    """Return passages, none of which is in two paragraphs."""
    found: list[str] = []
    for paragraph in _PARAGRAPH_END.split(text.strip()):
        open_ = ""
        for sentence in _SENTENCE_END.split(paragraph):
            open_ = f"{open_} {sentence}".strip()
            if count(open_) >= MIN_PIECES:
                found.append(open_)
                open_ = ""
        if open_ or not found:
            found.append(open_)
    return found


def _last_topic(vectors: "Vector") -> "Vector":
    """Return the vectors of the last topic of these passages."""
    while len(vectors) > 1:
        split, gain = _split(vectors)
        if gain <= TOPIC_GAIN:
            break
        vectors = vectors[split:]
    return vectors


def _split(vectors: "Vector") -> tuple[int, float]:
    """Return where two or more vectors are split best, and the gain of that."""
    import numpy as np

    sums = np.cumsum(vectors, axis=0)
    sides = np.linalg.norm(sums[:-1], axis=1) + np.linalg.norm(sums[-1] - sums[:-1], axis=1)
    best = int(sides.argmax())
    return best + 1, float(sides[best] / np.linalg.norm(sums[-1]))
