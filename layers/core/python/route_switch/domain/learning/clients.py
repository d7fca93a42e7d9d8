"""Who asked a query and who labeled its answer, so that no decision rests on one client.

Examples without a client (`domain.clients`) are the owner's own.

**Leaving one client out.** A decision counts only if it also holds without any one client. If at
most one client lies, one of the data sets that remain is honest, and the decision holds there too:
so lies can prevent a decision but not cause one. Keys are left out in turn; where all traffic has
one key, its users are. A client with more than half of the traffic cannot be left out, because it
is what the prompt is for. Only the labels that it gave itself are left out then.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from route_switch.domain.clients import belongs_to, key_of
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome import GradedBy, Outcome, OutcomeTable
from route_switch.domain.tiers import Tier

MAX_LABEL_SHARE = 0.2
"""Most of the weight of all examples that the labels of one client may cover. Labels beyond it are
left out, as if they had not been given."""

MAX_LEFT_OUT = 1000
"""The clients with the most weight are left out in turn. Any other has less than 0.1% of it, and
moves the mean gain by about as much at most."""

Weights = Mapping[str, float]
"""Weight by client."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A client to leave out, with its share of all weight. Of a `dominant` one, which has more than
    half of it, only the labels are left out."""

    client: str
    share: float

    @property
    def dominant(self) -> bool:
        return self.share > 0.5


def weight_without(
    left_out: LeftOut, weight: float, asked_by: Weights, labeled_by: str | None
) -> float:
    """Return what is left of a row's weight without the client, 0 if nothing is."""
    if belongs_to(labeled_by, left_out.client):
        return 0.0
    if left_out.dominant:
        return weight
    own = math.fsum(w for client, w in asked_by.items() if belongs_to(client, left_out.client))
    return weight - own if weight - own > weight * 1e-9 else 0.0


def to_leave_out(weights: Iterable[Weights], total: float) -> tuple[LeftOut, ...]:
    """Return the clients to leave out in turn: the keys, or the users of the only key. `total` is
    the weight of all rows, including those without a client."""
    by_client = _sum(weights)
    groups = _by_key(by_client)
    if len(groups) == 1:
        groups = by_client
    heaviest = sorted(groups.items(), key=lambda group: (-group[1], group[0]))[:MAX_LEFT_OUT]
    return tuple(LeftOut(name, weight / total) for name, weight in heaviest)


def labeler_of(example: Example, row: Mapping[Tier, Outcome]) -> str | None:
    """Return the client whose label graded the row, or None if a judge, a test or the owner did."""
    by_label = {GradedBy.FEEDBACK, GradedBy.GOLD}
    labeled = any(outcome.graded_by in by_label for outcome in row.values())
    return example.labeled_by if labeled else None


def cap_labels(examples: Sequence[Example]) -> tuple[tuple[Example, ...], int]:
    """Return the examples with at most `MAX_LABEL_SHARE` of the labels from one client, and how
    many lost their label.

    Count sampled examples by weight, and those for training only, whose label is all that they are
    for, by number. A stack with one key has its users capped, except for one that makes more than
    half of its traffic: nobody else could label it.
    """
    clients = _sum(example.asked_by for example in examples)
    by_user = len(_by_key(clients)) == 1
    total = sum(clients.values())
    sampled = sum(example.weight for example in examples if not example.train_only)
    room = {True: MAX_LABEL_SHARE * len(examples), False: MAX_LABEL_SHARE * sampled}
    used: dict[tuple[bool, str], float] = defaultdict(float)
    kept: list[Example] = []
    for example in examples:
        client = example.labeled_by
        if client is None or (by_user and clients.get(client, 0.0) > total / 2):
            kept.append(example)
            continue
        pool = (example.train_only, client if by_user else key_of(client))
        size = 1.0 if example.train_only else example.weight
        if used[pool] + size <= room[example.train_only]:
            used[pool] += size
            kept.append(example)
        elif not example.train_only:
            kept.append(without_labels(example))
    before, after = (sum(e.labeled_by is not None for e in of) for of in (examples, kept))
    return tuple(kept), before - after


def without_labels(example: Example) -> Example:
    return example.model_copy(update={"gold": None, "feedback": {}, "labeled_by": None})


def in_turns(table: OutcomeTable) -> OutcomeTable:
    """Return the table with its rows in another order, in which the clients that labeled them take
    turns. The first rows are then as balanced between clients as they can be."""
    seen: Counter[str | None] = Counter()
    rounds = []
    for example in table.examples:
        key = None if example.labeled_by is None else key_of(example.labeled_by)
        rounds.append(seen[key])
        seen[key] += 1
    return _take(table, sorted(range(len(rounds)), key=rounds.__getitem__))


def labelers(table: OutcomeTable) -> list[str]:
    """Return the keys that labeled rows, whether or not the label graded them, those with the most
    rows first; if it is one key, its users."""
    labeled = (example.labeled_by for example in table.examples)
    found = [client for client in labeled if client is not None]
    keys = Counter(map(key_of, found))
    groups = Counter(found) if len(keys) == 1 else keys
    return [client for client, _ in groups.most_common()]


def without_labels_of(table: OutcomeTable, client: str) -> OutcomeTable:
    """Return the table without the rows that the client labeled."""
    rows = enumerate(table.examples)
    return _take(table, [n for n, row in rows if not belongs_to(row.labeled_by, client)])


def why_unchecked(table: OutcomeTable) -> str | None:
    """Return why a person has to approve what was learned from this table: no grade in it comes
    from a judge, a test, or a label that the owner gave or trusts."""
    for example, row in zip(table.examples, table.rows, strict=True):
        judged = any(outcome.graded_by is GradedBy.JUDGE for outcome in row.values())
        if judged or labeler_of(example, row) is None:
            return None
    return (
        "every grade is a label that a client gave. Configure a judge, add examples with gold to "
        "the seed file, or name keys that you trust (learning.trusted_keys)."
    )


def _take(table: OutcomeTable, rows: Sequence[int]) -> OutcomeTable:
    return replace(
        table,
        examples=tuple(table.examples[n] for n in rows),
        rows=tuple(table.rows[n] for n in rows),
    )


def _sum(weights: Iterable[Weights]) -> dict[str, float]:
    total: dict[str, float] = defaultdict(float)
    for each in weights:
        for client, weight in each.items():
            total[client] += weight
    return dict(total)


def _by_key(by_client: Weights) -> dict[str, float]:
    return _sum({key_of(client): weight} for client, weight in by_client.items())
