"""How `local/encoder` reads a text that is longer than its model: by its last topic."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

MIN_PIECES = 20
"""Sentences and lines are joined until they have so many word pieces."""
MOST_PASSAGES = 64
TOPIC_GAIN = 1.2

_PARAGRAPH_END = re.compile(r"\n\s*\n")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


def first_and_last(
    text: str, count: Callable[[str], int], vector: "Callable[[str], Vector]"
) -> tuple[str, str]:
    """Return the first passage of a text, and all of its last topic.

    A text is split before the passage where its sides differ most: where the lengths of the sums of
    their vectors, weighted by word pieces, are greatest together. The later side is split again
    while they are more than `TOPIC_GAIN` times the length of the whole sum.
    """
    passages = _passages(text, count)
    return passages[0], " ".join(passages[_last_topic(passages, count, vector) :])


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


def _last_topic(
    passages: list[str], count: Callable[[str], int], vector: "Callable[[str], Vector]"
) -> int:
    """Return the position of the passage with which the last topic begins."""
    import numpy as np

    read = passages[-MOST_PASSAGES:]
    start = len(passages) - len(read)
    vectors = np.array([count(passage) * vector(passage) for passage in read])
    while len(vectors) > 1:
        sums = np.cumsum(vectors, axis=0)
        sides = np.linalg.norm(sums[:-1], axis=1) + np.linalg.norm(sums[-1] - sums[:-1], axis=1)
        is_split = len(vectors) < len(read)
        if is_split and sides.max() <= TOPIC_GAIN * np.linalg.norm(sums[-1]):
            break
        split = int(sides.argmax()) + 1
        vectors, start = vectors[split:], start + split
    return start
