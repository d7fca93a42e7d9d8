"""What speaks for each tier in a local model, in words that a person may read."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from route_switch.domain.clients import key_of
from route_switch.domain.learning.redaction import SECRET, contains, redact
from route_switch.domain.local_features import BUCKETS, DENSE, Excerpts, bucket_of, items_of
from route_switch.domain.local_model import StrongFeature
from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import Floats
from route_switch.optimizer.function_words import FUNCTION_WORDS
from route_switch.optimizer.linear_models import Linear
from route_switch.optimizer.local_rows import LocalRows

MOST = 8
"""Features of each tier."""
LEAST_WEIGHT = 0.1
"""A weight below that changes a probability by less than 2.5 points, and many are noise."""
MIN_TEMPLATES = 5
MIN_CLIENTS = 2
"""A word that fewer queries or clients use might reveal who asked what."""
MIN_LETTERS = 3
MAX_LETTERS = 40
_OWNER = ""


def strong_features(rows: LocalRows, quality: Sequence[Linear]) -> tuple[StrongFeature, ...]:
    """Return the strongest features of each tier, the strongest first.

    A weight is what a feature adds on average, in log-odds, where it occurs (of a plain number: per
    standard deviation). A feature speaks for Tier 3 if it speaks against the tier below, and for a
    tier between if it speaks more for it than for the tier below. Function words, such as “the”,
    are left out.
    """
    words = _shared_words(rows)
    tiers = rows.arrays.tiers
    weights = [_weights(rows, linear, words) for linear in quality[:-1]]
    found: list[StrongFeature] = []
    for column, tier in enumerate(tiers):
        found += _strongest(tier, _for_tier(column, weights))
    return tuple(found)


def _for_tier(column: int, weights: Sequence[dict[str, float]]) -> dict[str, float]:
    if column == 0:
        return weights[0]
    below = weights[column - 1]
    own = weights[column] if column < len(weights) else dict.fromkeys(below, 0.0)
    return {name: own[name] - below[name] for name in below}


def _strongest(tier: Tier, weights: dict[str, float]) -> Iterator[StrongFeature]:
    ordered = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    for name, weight in ordered[:MOST]:
        if weight >= LEAST_WEIGHT:
            yield StrongFeature(tier=tier, name=name, weight=round(weight, 2))


def _weights(rows: LocalRows, linear: Linear, words: dict[str, float]) -> dict[str, float]:
    """Return the weight of each word and plain number by its name."""
    dense = rows.learned.matrix[:, BUCKETS:].toarray()
    spread: Floats = dense.std(axis=0)
    found = {
        name: float(weight * each)
        for name, weight, each in zip(DENSE, linear.weights[BUCKETS:], spread, strict=True)
    }
    for word, value in words.items():
        bucket, sign = bucket_of(f"w {word}")
        found[f"“{word}”"] = float(linear.weights[bucket]) * sign * value
    return found


def _shared_words(rows: LocalRows) -> dict[str, float]:
    """Return the words that may be shown, each with its mean value where it occurs."""
    values: dict[str, list[float]] = defaultdict(list)
    templates: dict[str, set[str]] = defaultdict(set)
    clients: dict[str, set[str]] = defaultdict(set)
    for example, excerpts in zip(rows.examples, rows.excerpts, strict=True):
        if excerpts is None:
            continue
        items = items_of(Excerpts(redact(excerpts.text), redact(excerpts.context)))
        for item in items:
            if item.startswith("w ") and _is_word(item[2:]):
                values[item[2:]].append(1 / np.sqrt(len(items)))
                templates[item[2:]].add(example.template_key)
                clients[item[2:]].update(example.asked_by or (_OWNER,))
    one_key = len({key_of(name) for names in clients.values() for name in names if name}) == 1
    return {
        word: float(np.mean(each))
        for word, each in sorted(values.items())
        if len(templates[word]) >= MIN_TEMPLATES
        and _several(clients[word], one_key=one_key)
        and not contains(SECRET, word)
    }


def _several(clients: Iterable[str], *, one_key: bool) -> bool:
    """Whether enough clients use a word. The owner's own examples may be shown."""
    names = set(clients)
    return _OWNER in names or len(names if one_key else set(map(key_of, names))) >= MIN_CLIENTS


def _is_word(word: str) -> bool:
    fits = word.isalpha() and MIN_LETTERS <= len(word) <= MAX_LETTERS
    return fits and word not in FUNCTION_WORDS
