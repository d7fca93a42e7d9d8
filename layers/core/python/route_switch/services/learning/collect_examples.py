"""Collect examples from recorded traffic: a uniform sample of requests, and those with feedback.

Every request of these days that was routed (bypassed ones count, requests that named their tier do
not) and can be replayed is sampled with the same known probability. Its example's weight is the
inverse of that probability. Requests that ask the same question (`Example.key`) become one example
with the sum of their weights, so a weighted mean over examples estimates the mean over *requests*,
and frequent questions count more. The request that is kept for such an example is the first in an
order that is independent of content; if their conversations differ, it is a fair draw among them.
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
    """`requests` counts the requests that could have been sampled, `probability` is the sampling
    rate.

    `left_out` counts by reason: of all requests of these days, those that cannot be replayed
    (`NotReplayable`); of the sampled ones, those that have `expired` since, whose text is
    `withheld` by policy, or that were `merged` into an equal one.
    """

    examples: tuple[Example, ...]
    requests: int
    probability: float
    left_out: Mapping[str, int]
    note: str | None = None


class CollectExamples:
    """`allowed` returns an example as learning may see it, or None."""

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
        """Return about `wanted` requests, each sampled independently, or all if there are fewer.
        Add up to `MAX_WITH_FEEDBACK` requests with feedback from the newest days, as `train_only`.
        """
        if self._config.text_storage != "full":
            return CollectedExamples((), 0, 0.0, {}, _texts_not_stored(self._config.text_storage))
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
        note = None if examples else _no_examples(routed)
        return CollectedExamples(examples, routed.replayable, arc.probability, left_out, note)

    def _examples(
        self, requests: Sequence[PastRequest], drawn: frozenset[str], probability: float
    ) -> list[Example]:
        """Sampled requests come first because they are loaded first."""
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
    """Keep the first example for all of its kind. Feedback-only examples add no weight to a sampled
    one.

    Share known answers and feedback among examples whose whole request is the same.
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


def _texts_not_stored(storage: TextStorage) -> str:
    return (
        f"text_storage is '{storage}', so no request can be replayed and learning uses only the "
        "seed file. Set it to 'full' to learn from requests made from then on."
    )


def _no_examples(routed: RoutedRequests) -> str:
    if routed.replayable:
        return (
            f"None of {routed.replayable} requests was sampled, or they have expired, so learning "
            "only uses the seed file. Use a larger sample, or newer days."
        )
    return (
        "These days have no requests to learn from, so learning uses only the seed file. A request "
        "qualifies if it was routed (model 'auto') and answered, contains only text, and ends "
        "with the user's message."
    )
