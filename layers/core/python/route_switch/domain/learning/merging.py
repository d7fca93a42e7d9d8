"""Merge examples that ask the same question in the same conversation."""

from collections.abc import Iterable, Sequence

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.sides import Side, side_of


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
    """Keep the first sampled example.

    Share known answers among examples whose whole request is the same, and labels among those that
    are also from the same client. Labels of examples for training only are shared in training
    alone, because the requests with feedback are not a random choice.
    """
    if len(group) == 1:
        return group[0]
    kept = next((example for example in group if not example.train_only), group[0])
    alike = [e for e in group if e.train_only == kept.train_only]
    others = (e for e in group if e is not kept)
    same = [
        kept,
        *(e for e in others if _rest(e) == _rest(kept)),
    ]
    trains = side_of(kept.template_key) is Side.TRAIN
    own = [
        e
        for e in same
        if e.asked_by.keys() == kept.asked_by.keys() and (trains or e.train_only == kept.train_only)
    ]
    return kept.model_copy(
        update={
            "weight": sum(e.weight for e in alike),
            "asked_by": _weights(alike),
            "gold": next((e.gold for e in own if e.gold is not None), None),
            "models": {name: r for e in reversed(same) for name, r in e.models.items()},
            "feedback": {tier: f for e in reversed(own) for tier, f in e.feedback.items()},
            "labeled_by": next((e.labeled_by for e in own if e.labeled_by is not None), None),
        }
    )


def _rest(example: Example) -> tuple[object, ...]:
    """Return what a replay sends in addition to the query's text."""
    return example.conversation, example.turn, example.params


def _weights(examples: Sequence[Example]) -> dict[str, float]:
    """Return the sum of the weights by client."""
    weights: dict[str, float] = {}
    for example in examples:
        for client, weight in example.asked_by.items():
            weights[client] = weights.get(client, 0.0) + weight
    return weights
