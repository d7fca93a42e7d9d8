"""Find queries that say nearly the same thing.

Two queries are near-duplicates if the sets of their shingles (three consecutive words) have a
Jaccard similarity of at least 0.8. Shingles found in many queries belong to a template and do not
count: two questions in the same template are different questions. Queries about different subjects
(another document in the system message, another image: `Example.material`) are different, however
alike they sound.

The search is exact. If two sets have similarity `t`, they share one of the first |x| − ⌈t·|x|⌉ + 1
elements of either, in any order that is the same for all sets. With rare elements first, few
candidates are left to compare (prefix filtering: Chaudhuri, Ganti, Kaushik, ICDE 2006).
"""

import math
import re
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import chain, repeat

MIN_SIMILARITY = 0.8
SHINGLE_WORDS = 3
TEMPLATE_SHARE = 0.05
"""A shingle in more than this share of the queries belongs to a template …"""
TEMPLATE_QUERIES = 20
"""… provided it occurs in more than this many queries."""

_WORD = re.compile(r"\w+")
_BUCKET = (1 << 20) - 1


class NearDuplicates:
    """Compares `texts`, each identified by its index, with those added so far. If `subjects` are
    given, only texts about the same one can be near-duplicates.

    Shingles are counted in a fixed number of buckets, so memory grows by 8 bytes per word.
    """

    def __init__(self, texts: Iterable[str], subjects: Iterable[str] = ()) -> None:
        words: dict[str, int] = {}
        counts: Counter[int] = Counter()
        self._sets: list[array[int]] = []
        for text, subject in zip(texts, chain(subjects, repeat("")), strict=False):
            shingles = array("q", _shingles(text, subject, words))
            counts.update(map(_BUCKET.__and__, shingles))
            self._sets.append(shingles)
        template = max(TEMPLATE_QUERIES, TEMPLATE_SHARE * len(self._sets))
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


def _shingles(text: str, subject: str, words: dict[str, int]) -> set[int]:
    """Hash word numbers rather than text, so that hashes are the same in every process."""
    found = [words.setdefault(word, len(words)) for word in _WORD.findall(text.casefold())]
    runs = set(map(hash, zip(*(found[start:] for start in range(SHINGLE_WORDS)), strict=False)))
    runs = runs or {hash(tuple(found))}
    if not subject:
        return runs
    about = words.setdefault(f"about {subject}", len(words))  # has a blank, which no word has
    return {hash((about, run)) for run in runs}


def _rarest_first(shingles: "array[int]", counts: Counter[int], template: float) -> "array[int]":
    """Drop shingles that belong to a template, unless there are no others."""
    ranked = sorted((counts[shingle & _BUCKET], shingle) for shingle in shingles)
    own = array("q", (shingle for count, shingle in ranked if count <= template))
    return own or array("q", (shingle for _, shingle in ranked))


def _prefix(shingles: "array[int]") -> "array[int]":
    size = len(shingles)
    return shingles[: size - math.ceil(MIN_SIMILARITY * size) + 1]


def _similar(mine: set[int], other: "array[int]") -> bool:
    smaller, larger = sorted((len(mine), len(other)))
    if smaller < MIN_SIMILARITY * larger:
        return False
    shared = len(mine.intersection(other))
    return shared >= MIN_SIMILARITY * (len(mine) + len(other) - shared)
