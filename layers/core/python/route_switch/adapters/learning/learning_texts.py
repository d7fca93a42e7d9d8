"""Taking the texts of deleted requests out of the learning bucket.

What lies there is derived, so nothing is taken out of the middle of a file; it goes as a whole:

work/<run>/, answers/<run>/   where the run's examples hold the request, its incumbent shows it, or
                              its examples are gone, so that nobody could tell
runs/<run>/report.*, …/candidate.*, prompts/<version>.json
                              where they show the request: as a demo, or among the moved queries

That costs money: what such a run paid is paid again by the next one that needs it (about five
calls an example), within the month's cap. Sparing answers to others' queries would need a mark on
each answer of whom it is about, and a proposer may quote anybody.

Digests of queries (16 hex digits) stay in outcomes.jsonl.gz and gate-history.json: no row may be
held out twice.
"""

import gzip
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

from route_switch.adapters.learning.learning_bucket import (
    CANDIDATE,
    EXAMPLES,
    INCUMBENT,
    LearningBucket,
)
from route_switch.adapters.learning.s3_memo import ANSWERS
from route_switch.domain.learning.example import query_key
from route_switch.domain.operations.deletion import DeletionNote, RemovedTexts, keys_of_demos
from route_switch.domain.prompt_document import readable_prompt

THREADS = 8


@dataclass(frozen=True, slots=True)
class Trace:
    """Places that go together, the most telling first, with the requests that they may show: by
    id, or by the digest of a text. `unclear`: nobody can tell any more."""

    name: str
    places: tuple[str, ...]
    ids: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    unclear: bool = False

    def shows(self, ids: frozenset[str], keys: frozenset[str]) -> bool:
        return self.unclear or not (self.ids.isdisjoint(ids) and self.keys.isdisjoint(keys))


class LearningTexts:
    """`LearnedTexts` of the bucket. It is read when the first request is to be forgotten, and once;
    removing stops where `go_on` says no, and what is left then is pending."""

    def __init__(self, bucket: LearningBucket, go_on: Callable[[], bool] = lambda: True) -> None:
        self._bucket = bucket
        self._go_on = go_on

    def forget(
        self, requests: Sequence[DeletionNote], under_way: str | None = None
    ) -> RemovedTexts:
        if not requests:
            return RemovedTexts()
        ids = frozenset(request.request_id for request in requests)
        keys = frozenset(key for request in requests for key in request.keys)
        found = [trace for trace in self._traces if trace.shows(ids, keys)]
        mine = [trace for trace in found if trace.name != under_way]
        with ThreadPoolExecutor(THREADS) as pool:
            gone = list(pool.map(self._remove, mine))
        left = [trace for trace, done in zip(mine, gone, strict=True) if not done]
        pending = {under_way} if under_way and self._may_hold(under_way, ids, keys) else set()
        return RemovedTexts(
            places=tuple(place for trace in mine for place in trace.places if trace not in left),
            pending=tuple(sorted(pending | {trace.name for trace in left})),
        )

    def _may_hold(self, run: str, ids: frozenset[str], keys: frozenset[str]) -> bool:
        """Also while it has no examples yet: it may be collecting them."""
        return self._work(run).shows(ids, keys)

    def _remove(self, trace: Trace) -> bool:
        return all(self._bucket.delete(place, self._go_on) for place in trace.places)

    @cached_property
    def _traces(self) -> list[Trace]:
        with ThreadPoolExecutor(THREADS) as pool:
            worked = pool.map(self._work, self._bucket.runs("work/", ANSWERS))
            left = pool.map(self._left, self._bucket.runs("runs/"))
            promoted = pool.map(self._promoted, self._bucket.names("prompts/"))
            return [trace for traces in (worked, left, promoted) for trace in traces]

    def _work(self, run: str) -> Trace:
        files = self._bucket.work(run)
        places = (f"work/{run}/{EXAMPLES}", f"{ANSWERS}{run}/", f"work/{run}/")
        examples, incumbent = files.read(EXAMPLES), files.read(INCUMBENT)
        if examples is None:
            return Trace(run, places, unclear=True)
        rows = [json.loads(line) for line in gzip.decompress(examples).splitlines()]
        keys = frozenset(query_key(row["query"]) for row in rows)
        shown, unclear = _demos(incumbent)
        return Trace(
            run, places, frozenset(row.get("id", "") for row in rows), keys | shown, unclear
        )

    def _left(self, run: str) -> Trace:
        files = self._bucket.artifacts(run)
        report = json.loads(files.read("report.json") or b"{}")
        prompts = (report.get("incumbent_prompt"), report.get("candidate_prompt"))
        documents = [files.read(CANDIDATE), *(p.encode() for p in prompts if p)]
        demos = [_demos(document) for document in documents]
        return Trace(
            run,
            (f"runs/{run}/report.", f"runs/{run}/candidate."),
            frozenset(row["example"] for row in report.get("moved", ()) if row["query"]),
            frozenset(key for keys, _ in demos for key in keys),
            any(unclear for _, unclear in demos),
        )

    def _promoted(self, name: str) -> Trace:
        keys, unclear = _demos(self._bucket.shared.read(name))
        return Trace(name, (name,), keys=keys, unclear=unclear)


def _demos(document: bytes | None) -> tuple[frozenset[str], bool]:
    """Digests of the demos of a prompt, and whether it cannot be read."""
    if document is None:
        return frozenset(), False
    prompt = readable_prompt(document.decode())
    return (frozenset(), True) if prompt is None else (keys_of_demos(prompt), False)
