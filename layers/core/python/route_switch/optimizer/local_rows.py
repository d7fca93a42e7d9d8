"""The rows that a local model is trained on: what may be learned of each, and its fold."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from route_switch.domain.conversation import text_of
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome import OutcomeTable
from route_switch.domain.learning.redaction import redact, redact_personal
from route_switch.domain.learning.text_policy import LearnFromText, unsafe_of_user, why_withheld
from route_switch.domain.local_features import Excerpts, excerpts_of, tokens_of
from route_switch.domain.local_readings import as_learned, readings_of
from route_switch.domain.query import Query
from route_switch.optimizer.arrays import Floats, Ints, OutcomeArrays, arrays_of
from route_switch.optimizer.linear_models import Features, features_of

FOLDS = 5

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LocalRows:
    """Rows of train, then of validation; all is [n].

    `served` are the features as a request has them, `readings` those of all readings of each text,
    [m], with the row of each in `row_of`, and `learned` as training may see them, with
    the text of traffic redacted and no unsafe text of the messages around the query. `usable` are
    the rows whose text may be learned from. `measured` leaves out rows for training only, which are
    no sample of the traffic. Rows of one template have one fold. `longest` is that of
    `LocalNumbers`.
    """

    examples: tuple[Example, ...]
    excerpts: tuple[Excerpts | None, ...]
    arrays: OutcomeArrays
    longest: int
    served: Features
    readings: Features
    row_of: Ints
    learned: Features
    usable: Mask
    in_train: Mask
    measured: Mask
    folds: Ints

    @property
    def relative_cost(self) -> Floats:
        """Return [n, k]: costs in units of the mean cost of a query on Tier 3."""
        costs: Floats = self.arrays.cost_usd / self.arrays.usd_per_unit
        return costs

    @property
    def is_whole(self) -> Mask:
        """Return [m]: whether a reading is that of the whole, the first one of its row."""
        return np.diff(self.row_of, prepend=-1) > 0

    @property
    def read_whole(self) -> "LocalRows":
        """Return the rows with one reading of each text, that of the whole."""
        return replace(self, readings=self.served, row_of=np.arange(len(self.examples)))


def local_rows(
    train: OutcomeTable, validation: OutcomeTable, policy: LearnFromText, lambda_: float
) -> LocalRows:
    examples = (*train.examples, *validation.examples)
    both = replace(train, examples=examples, rows=(*train.rows, *validation.rows))
    asked = [example.as_query for example in examples]
    readings = [readings_of(query) for query in asked]
    queries = [whole for whole, *_ in readings]
    read = [excerpts_of(query) for query in queries]
    allowed = tuple(
        _allowed(example, query, policy) for example, query in zip(examples, asked, strict=True)
    )
    shown = [a if a is not None else own for a, own in zip(allowed, read, strict=True)]
    usable = np.array([each is not None for each in allowed])
    longest = _longest([q for q, known in zip(queries, usable, strict=True) if known])
    served = features_of(queries, longest, read)
    numbers = np.arange(len(examples))
    return LocalRows(
        examples=examples,
        excerpts=allowed,
        arrays=arrays_of(both, lambda_),
        served=served,
        readings=features_of(list(chain.from_iterable(readings)), longest),
        row_of=np.repeat(numbers, [len(each) for each in readings]),
        learned=served if shown == read else features_of(queries, longest, shown),
        longest=longest,
        usable=usable,
        in_train=numbers < len(train.examples),
        measured=np.array([not example.train_only for example in examples]),
        folds=folds_of([example.template_key for example in examples]),
    )


def _longest(queries: Sequence[Query]) -> int:
    """Return the length in tokens that 99% of the queries do not exceed. Of longer ones there are
    too few to learn from."""
    tokens = sorted(map(tokens_of, queries))
    return max(tokens[round(0.99 * (len(tokens) - 1))], 1) if tokens else 1


def _allowed(example: Example, query: Query, policy: LearnFromText) -> Excerpts | None:
    """Return what may be learned from, or None. Texts are checked and redacted before they are cut,
    because half a secret or half an address is not recognized."""
    if why_withheld(example, policy) is not None:
        return None
    redacted = example.from_traffic and policy == "redacted"
    said = query.conversation
    around = replace(
        said,
        system=_context(said.system, redacted=redacted),
        before=tuple(
            {**message, "content": _context(text_of(message), redacted=redacted)}
            for message in said.before[-1:]
        ),
    )
    text = redact(query.text) if redacted else redact_personal(query.text)
    return excerpts_of(as_learned(replace(query, text=text, conversation=around)))


@lru_cache(maxsize=256)
def _context(text: str, *, redacted: bool) -> str:
    """Return a text around the query as it may be learned from: nothing of one that is unsafe in a
    prompt. Instructions repeat from row to row."""
    shown = redact(text) if redacted else redact_personal(text)
    return "" if unsafe_of_user(shown) is not None else shown


def folds_of(templates: Sequence[str]) -> Ints:
    """Deal the templates out to the folds, in an order that depends on nothing but their names."""
    order = sorted(set(templates), key=lambda name: (crc32(name.encode()), name))
    fold_of = {name: place % FOLDS for place, name in enumerate(order)}
    return np.array([fold_of[name] for name in templates], dtype=np.int64)
