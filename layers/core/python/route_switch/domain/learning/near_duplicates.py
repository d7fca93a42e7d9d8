"""Finds queries that say nearly the same.

Two queries are near-duplicates if the sets of their shingles (three words in a row) have a Jaccard
similarity of at least 0.8. Shingles that stand in many queries are a template's and do not count:
two questions put into one template are two questions.

The search is exact. If the similarity of two sets is to be `t`, then they share one of the first
|x| − ⌈t·|x|⌉ + 1 elements of either, in any order that is the same for all sets; rare elements
first, hardly anything is left to compare (prefix filtering: Chaudhuri, Ganti, Kaushik, ICDE 2006).
"""

import math
import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence

SIMILARITY = 0.8
WORDS = 3
TEMPLATE_SHARE = 0.05
"""Of the queries: what is in more of them is a template's text …"""
TEMPLATE_QUERIES = 20
"""… if it is in more than so many."""

_WORD = re.compile(r"\w+")
_BUCKET = (1 << 20) - 1


class NearDuplicates:
    """Compares `texts`, each named by its number, with those that were added.

    Shingles are counted in a fixed number of buckets, so that memory grows by 8 bytes a word.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        words: dict[str, int] = {}
        counts: Counter[int] = Counter()
        self._sets: list[array[int]] = []
        for text in texts:
            shingles = array("q", _shingles(text, words))
            counts.update(map(_BUCKET.__and__, shingles))
            self._sets.append(shingles)
        template = max(TEMPLATE_QUERIES, TEMPLATE_SHARE * len(texts))
        for number, unordered in enumerate(self._sets):
            self._sets[number] = _rarest_first(unordered, counts, template)
        self._added: dict[int, list[int]] = defaultdict(list)

    def add(self, number: int) -> None:
        for shingle in _prefix(self._sets[number]):
            self._added[shingle].append(number)

    def has(self, number: int) -> bool:
        """Whether a near-duplicate of this text was added."""
        shingles = self._sets[number]
        mine = set(shingles)
        compared: set[int] = set()
        for shingle in _prefix(shingles):
            for other in self._added.get(shingle, ()):
                if other not in compared and _similar(mine, self._sets[other]):
                    return True
                compared.add(other)
        return False


def _shingles(text: str, words: dict[str, int]) -> set[int]:
    """As hashes of word numbers: unlike those of text, they are the same in every process."""
    found = [words.setdefault(word, len(words)) for word in _WORD.findall(text.casefold())]
    runs = zip(*(found[start:] for start in range(WORDS)), strict=False)
    return set(map(hash, runs)) or {hash(tuple(found))}


def _rarest_first(shingles: "array[int]", counts: Counter[int], template: float) -> "array[int]":
    """Without a template's, unless there are no others."""
    ranked = sorted((counts[shingle & _BUCKET], shingle) for shingle in shingles)
    own = array("q", (shingle for count, shingle in ranked if count <= template))
    return own or array("q", (shingle for _, shingle in ranked))


def _prefix(shingles: "array[int]") -> "array[int]":
    size = len(shingles)
    return shingles[: size - math.ceil(SIMILARITY * size) + 1]


def _similar(mine: set[int], other: "array[int]") -> bool:
    smaller, larger = sorted((len(mine), len(other)))
    if smaller < SIMILARITY * larger:
        return False
    shared = len(mine.intersection(other))
    return shared >= SIMILARITY * (len(mine) + len(other) - shared)
