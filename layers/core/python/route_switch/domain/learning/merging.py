"""Merge examples that ask the same question in the same conversation."""

from collections.abc import Iterable, Sequence

from route_switch.domain.learning.example import Example


def merge_equal(examples: Iterable[Example]) -> tuple[Example, ...]:
    """Return one example per key, in the order of the first of each.

    Its weight is the sum of theirs: a question that is asked ten times counts ten times, in
    `optimize` and in `evaluate`. Rows for training only give no weight to a sampled one.
    """
    groups: dict[str, list[Example]] = {}
    for example in examples:
        groups.setdefault(example.key, []).append(example)
    return tuple(map(_merge, groups.values()))


def _merge(group: Sequence[Example]) -> Example:
    """Keep the first sampled example. Share results and feedback among equal requests."""
    if len(group) == 1:
        return group[0]
    kept = next((example for example in group if not example.train_only), group[0])
    same = [e for e in group if (e.conversation, e.params) == (kept.conversation, kept.params)]
    return kept.model_copy(
        update={
            "weight": sum(e.weight for e in group if e.train_only == kept.train_only),
            "gold": next((e.gold for e in (kept, *same) if e.gold is not None), None),
            "models": {name: r for e in (*reversed(same), kept) for name, r in e.models.items()},
            "feedback": {t: f for e in (*reversed(same), kept) for t, f in e.feedback.items()},
        }
    )
