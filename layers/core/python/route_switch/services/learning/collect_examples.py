"""Examples from recorded traffic: a uniform sample of requests, and those with feedback.

What the sample stands for: each request of the days that was routed (bypassed ones are, those that
named their tier are not) and can be replayed is in it with the same, known probability, and its
example's weight is one over that. Requests that ask the same (`Example.key`) become one example
with the sum of their weights, so a weighted mean over examples estimates the mean over *requests*:
what is asked often counts often. The one that is kept of them is the first in an order that says
nothing about them, so where their conversations differ it is a fair draw of these.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.learning_ports import LearningIndex, PastRequests, RoutedRequests
from route_switch.domain.learning.past_request import PastRequest
from route_switch.domain.router_config import RouterConfig, TextStorage
from route_switch.domain.sampling import Arc

MAX_WITH_FEEDBACK = 1000


@dataclass(frozen=True, slots=True)
class CollectedExamples:
    """`requests` counts those of the days that could have been drawn, `probability` is the one
    that each was drawn with.

    `left_out` counts by reason: of all requests of the days those that cannot be replayed
    (`NotReplayable`), and of the drawn ones those that have `expired` since, whose text is
    `withheld` by policy, or that were `merged` into an equal one.
    """

    examples: tuple[Example, ...]
    requests: int
    probability: float
    left_out: Mapping[str, int]
    note: str | None = None


class CollectExamples:
    """`allowed` gives an example as learning may see its text, or None."""

    def __init__(
        self,
        index: LearningIndex,
        requests: PastRequests,
        config: RouterConfig,
        allowed: Callable[[Example], Example | None],
    ) -> None:
        self._index = index
        self._requests = requests
        self._config = config
        self._allowed = allowed

    def __call__(self, days: Sequence[date], wanted: int, seed: int = 0) -> CollectedExamples:
        """About `wanted` requests (each is drawn by itself), all of them if there are no more, and
        up to `MAX_WITH_FEEDBACK` with feedback, of the newest days first, as `train_only`."""
        if self._config.text_storage != "full":
            return CollectedExamples((), 0, 0.0, {}, _no_text(self._config.text_storage))
        routed = self._index.count(days)
        arc = Arc.of(seed, min(1.0, wanted / max(routed.replayable, 1)))
        drawn = sorted(self._index.draw(days, arc), key=arc.offset_of)
        with_feedback = self._index.with_feedback(days, MAX_WITH_FEEDBACK)
        ids = tuple(dict.fromkeys([*drawn, *with_feedback]))
        requests = self._requests.load(ids)
        kept = self._examples(requests, frozenset(drawn), arc.probability)
        examples = _merge_equal(kept)
        left_out = {
            **{reason.value: number for reason, number in routed.not_replayable.items()},
            "expired": len(ids) - len(requests),
            "withheld": len(requests) - len(kept),
            "merged": len(kept) - len(examples),
        }
        note = None if examples else _nothing(routed)
        return CollectedExamples(examples, routed.replayable, arc.probability, left_out, note)

    def _examples(
        self, requests: Sequence[PastRequest], drawn: frozenset[str], probability: float
    ) -> list[Example]:
        """Drawn ones come first, as they are loaded first."""
        models = self._config.models
        examples = (
            request.as_example(models, weight=1 / probability, train_only=False)
            if request.request_id in drawn
            else request.as_example(models, weight=1.0, train_only=True)
            for request in requests
        )
        return [kept for kept in map(self._allowed, examples) if kept is not None]


def _merge_equal(examples: Sequence[Example]) -> tuple[Example, ...]:
    groups: dict[str, list[Example]] = {}
    for example in examples:
        groups.setdefault(example.key, []).append(example)
    return tuple(_merge(group) for group in groups.values())


def _merge(group: Sequence[Example]) -> Example:
    """The first one, for all of its kind: feedback alone adds no weight to a drawn request.

    What is known of an answer or about it is shared where everything that was asked is the same.
    """
    first = group[0]
    same = [e for e in group if (e.conversation, e.params) == (first.conversation, first.params)]
    return first.model_copy(
        update={
            "weight": sum(e.weight for e in group if e.train_only == first.train_only),
            "gold": next((e.gold for e in same if e.gold is not None), None),
            "models": {name: r for e in reversed(same) for name, r in e.models.items()},
            "feedback": {tier: f for e in reversed(same) for tier, f in e.feedback.items()},
        }
    )


def _no_text(storage: TextStorage) -> str:
    return (
        f"text_storage is '{storage}', so no request can be replayed: learning uses the seed file "
        "only. With 'full', requests from then on can be learned from."
    )


def _nothing(routed: RoutedRequests) -> str:
    if routed.replayable:
        return (
            f"None of {routed.replayable} requests was drawn, or they have expired: learning uses "
            "the seed file only. Ask for more requests, or for newer days."
        )
    return (
        "No request of these days can be learned from: learning uses the seed file only. Requests "
        "count that are routed (model 'auto'), answered, and consist of text that ends with the "
        "user's message."
    )
