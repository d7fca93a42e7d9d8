"""Collect examples from recorded traffic: a uniform sample of requests, and those with feedback.

Every request of these days that was routed (bypassed ones count, requests that named their tier do
not) and can be replayed is sampled with the same known probability. Its example's weight is the
inverse of that probability. Requests that ask the same question (`Example.key`) become one example
with the sum of their weights, so a weighted mean over examples estimates the mean over *requests*,
and frequent questions count more. The request that is kept for such an example is the first in an
order that is independent of content; if their parameters differ, it is a fair draw among them.

A run can hold only so many bytes. If the sample has more, the API keys share them: what one key
does not need is left to the others, so no key's long requests displace those of another. Of a key
with more, the first in that order are kept, and weigh more, so that the sample stays unbiased.

A label (gold or feedback) speaks only for requests of the client that gave it: an example has the
labels of its own request, or of the same request repeated by the same client. So a client's share
of a question's labels is its share of the requests that ask it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from route_switch.domain.learning.clients import cap_labels
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.learning_ports import LearningIndex, PastRequests, RoutedRequests
from route_switch.domain.learning.merging import merge_equal
from route_switch.domain.learning.past_request import PastRequest
from route_switch.domain.replay import MAX_REPLAY_BYTES
from route_switch.domain.router_config import RouterConfig, TextStorage
from route_switch.domain.sampling import Arc
from route_switch.services.learning.cost_share import thin_costly, weighing

MAX_WITH_FEEDBACK = 1000
MAX_BYTES = 200_000_000
"""The most bytes of all examples. The functions of a learning run hold them in memory several times
over."""
AT_ONCE = 50
"""The most requests that are loaded together. A request may have 1 MB."""
BYTES_AT_ONCE = 5_000_000
"""The approximate bytes that are loaded together, judged by the key's requests so far."""


@dataclass(frozen=True, slots=True)
class CollectedExamples:
    """`requests` counts the requests that could have been sampled, `probability` is the sampling
    rate.

    `left_out` counts by reason: of all requests of these days, those that cannot be replayed
    (`NotReplayable`); of the sampled ones, those that have `expired` since, that are `unreadable`
    (their ids are in `unreadable`), that are `beyond_memory`, whose text is `withheld` by policy,
    or that were `merged` into an equal one. `capped` counts labels that were left out because their
    client gave too many. `keys` are those of the requests by id, before they were merged.
    """

    examples: tuple[Example, ...]
    requests: int
    probability: float
    left_out: Mapping[str, int]
    note: str | None = None
    unreadable: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)


class CollectExamples:
    """`allowed` returns an example as learning may see it, or None."""

    def __init__(
        self,
        index: LearningIndex,
        requests: PastRequests,
        config: RouterConfig,
        allowed: Callable[[Example], Example | None],
        trusted_keys: frozenset[str] = frozenset(),
    ) -> None:
        self._index = index
        self._requests = requests
        self._config = config
        self._allowed = allowed
        self._trusted_keys = trusted_keys

    def __call__(
        self,
        days: Sequence[date],
        wanted: int,
        seed: int = 0,
        *,
        with_feedback: int = MAX_WITH_FEEDBACK,
    ) -> CollectedExamples:
        """Return about `wanted` requests, each sampled independently, or all if there are fewer.
        Add up to `with_feedback` requests that have feedback, from the newest days, as
        `train_only`."""
        if self._config.text_storage != "full":
            return CollectedExamples((), 0, 0.0, {}, _texts_not_stored(self._config.text_storage))
        routed = self._index.count(days)
        arc = Arc.of(seed, min(1.0, wanted / max(routed.replayable, 1)))
        drawn = sorted(self._index.draw(days, arc), key=arc.offset_of)
        rated = self._index.with_feedback(days, with_feedback) if with_feedback else []
        ids = tuple(dict.fromkeys([*drawn, *rated]))
        loaded = self._load(ids, frozenset(drawn), arc.probability)
        examples, unreadable = loaded.examples, tuple(loaded.unreadable)
        kept = [each for each in map(self._allowed, examples) if each is not None]
        merged = merge_equal(kept)
        affordable, costly = thin_costly(merged, self._trusted_keys)
        capped, labels_left_out = cap_labels(affordable)
        left_out = {
            **{reason.value: number for reason, number in routed.not_replayable.items()},
            "expired": loaded.expired,
            "unreadable": len(unreadable),
            "beyond_memory": len(ids) - loaded.read,
            "withheld": len(examples) - len(kept),
            "merged": len(kept) - len(merged),
            "costly": costly,
            "capped": labels_left_out,
        }
        note = None if capped else _no_examples(routed)
        keys = {each.id: each.key for each in kept}
        return CollectedExamples(
            capped, routed.replayable, arc.probability, left_out, note, unreadable, keys
        )

    def _load(self, ids: Sequence[str], drawn: frozenset[str], probability: float) -> "_Loaded":
        """Load requests until their examples have `MAX_BYTES`, always of the API key that has the
        fewest bytes so far. The order of a key's requests does not depend on content, so that those
        that were loaded are a fair sample too."""
        loaded, shares = _Loaded(), self._shares(ids)
        waiting = shares
        while waiting and sum(share.size for share in shares) <= MAX_BYTES:
            share = min(waiting, key=lambda each: each.size)
            some = share.next_ids
            found = self._requests.load(some)
            examples, unreadable = self._examples(found.requests, drawn, probability)
            loaded.expired += len(some) - len(found.requests) - len(found.unreadable)
            loaded.unreadable += (*found.unreadable, *unreadable)
            share.add(len(some), examples)
            waiting = [each for each in shares if each.read < len(each.ids)]
        place = {id_: number for number, id_ in enumerate(ids)}
        weighed = (example for share in shares for example in share.weighed(drawn))
        loaded.examples = sorted(weighed, key=lambda example: place[example.id])
        loaded.read = sum(share.read for share in shares)
        return loaded

    def _shares(self, ids: Sequence[str]) -> "list[_Share]":
        keys = self._requests.keys(ids)
        shares: dict[str, _Share] = {}
        for id_ in ids:
            shares.setdefault(keys.get(id_, ""), _Share()).ids.append(id_)
        return list(shares.values())

    def _examples(
        self, requests: Sequence[PastRequest], drawn: frozenset[str], probability: float
    ) -> tuple[list[tuple[Example, int]], list[str]]:
        """Return the examples with their bytes, and the ids of requests that cannot become one."""
        examples: list[tuple[Example, int]] = []
        unreadable: list[str] = []
        for request in requests:
            sampled = request.request_id in drawn
            try:
                example = request.as_example(
                    self._config.models,
                    weight=1 / probability if sampled else 1.0,
                    train_only=not sampled,
                    trusted_keys=self._trusted_keys,
                )
                # Later steps read the example as JSON, which may be nested too deeply for them.
                written = example.model_dump_json(exclude_defaults=True)
                Example.model_validate_json(written)
            except (ValueError, RecursionError):
                unreadable.append(request.request_id)
            else:
                examples.append((example, len(written)))
        return examples, unreadable


@dataclass(slots=True)
class _Loaded:
    """`examples` are in the order of the ids. `read` counts the ids that were looked up."""

    examples: list[Example] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    read: int = 0
    expired: int = 0


@dataclass(slots=True)
class _Share:
    """The requests of one API key, sampled ones first. `read` of them were looked up, and became
    `examples` of together `size` characters."""

    ids: list[str] = field(default_factory=list)
    read: int = 0
    size: int = 0
    examples: list[Example] = field(default_factory=list)

    @property
    def next_ids(self) -> list[str]:
        mean = self.size / self.read if self.read else MAX_REPLAY_BYTES
        count = min(AT_ONCE, max(1, int(BYTES_AT_ONCE / max(mean, 1))))
        return self.ids[self.read : self.read + count]

    def add(self, read: int, examples: Sequence[tuple[Example, int]]) -> None:
        self.read += read
        self.size += sum(size for _, size in examples)
        self.examples += (example for example, _ in examples)

    def weighed(self, drawn: frozenset[str]) -> list[Example]:
        """Return the examples. Those of sampled requests also stand for the ones not looked up."""
        sampled = sum(id_ in drawn for id_ in self.ids)
        looked_up = sum(id_ in drawn for id_ in self.ids[: self.read])
        if looked_up in (0, sampled):
            return self.examples
        return [weighing(example, sampled / looked_up) for example in self.examples]


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
        "qualifies if it was routed (model 'auto') and answered, has a message of the user, is at "
        "most 1 MB long, and does not end in the start of an answer."
    )
