"""Remove the texts of deleted requests from the learning bucket.

Everything there is derived data, so files are deleted whole, never edited:

    work/<run>/, answers/<run>/   if the run's examples contain the request, or its incumbent shows
                                  it, or its examples are missing, so that this is unknown
    runs/<run>/report.*, …/candidate.*, prompts/<version>.json
                                  if they show the request: as a demo, or among the moved queries

This costs money: the next run that needs what such a run paid for pays again (about five calls per
example), within the month's cap. Keeping answers to other people's queries would require marking
each answer with the requests it concerns, and a proposer may quote any of them.

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
    KEYS,
    LEAST_STEERED,
    LearningBucket,
)
from route_switch.adapters.learning.s3_memo import ANSWERS
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.learning_ports import RunFiles
from route_switch.domain.operations.deletion import DeletionNote, RemovedTexts, keys_of_demos
from route_switch.domain.prompt_document import readable_prompt

S3_THREADS = 8


@dataclass(frozen=True, slots=True)
class Trace:
    """Places that are deleted together, most informative first, and the requests that they may
    show: by id, or by the digest of a text. `unclear` means that it is unknown what they show."""

    name: str
    places: tuple[str, ...]
    ids: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    unclear: bool = False

    def shows(self, ids: frozenset[str], keys: frozenset[str]) -> bool:
        return self.unclear or not (self.ids.isdisjoint(ids) and self.keys.isdisjoint(keys))


class LearningTexts:
    """The bucket's `LearnedTexts`. The bucket is read once, when the first request is forgotten.
    Deleting stops when `keep_going` returns False; the rest is then pending."""

    def __init__(
        self, bucket: LearningBucket, keep_going: Callable[[], bool] = lambda: True
    ) -> None:
        self._bucket = bucket
        self._keep_going = keep_going

    def forget(
        self, requests: Sequence[DeletionNote], current_run: str | None = None
    ) -> RemovedTexts:
        if not requests:
            return RemovedTexts()
        ids = frozenset(request.request_id for request in requests)
        keys = frozenset(key for request in requests for key in request.keys)
        found = [trace for trace in self._traces if trace.shows(ids, keys)]
        removable = [trace for trace in found if trace.name != current_run]
        with ThreadPoolExecutor(S3_THREADS) as pool:
            deleted = list(pool.map(self._remove, removable))
        left = [trace for trace, done in zip(removable, deleted, strict=True) if not done]
        pending = {current_run} if current_run and self._may_hold(current_run, ids, keys) else set()
        return RemovedTexts(
            places=tuple(
                place for trace in removable for place in trace.places if trace not in left
            ),
            pending=tuple(sorted(pending | {trace.name for trace in left})),
        )

    def _may_hold(self, run: str, ids: frozenset[str], keys: frozenset[str]) -> bool:
        """Also true for a run without examples: it may be collecting them."""
        return self._trace_of_work(run).shows(ids, keys)

    def _remove(self, trace: Trace) -> bool:
        return all(self._bucket.delete(place, self._keep_going) for place in trace.places)

    @cached_property
    def _traces(self) -> list[Trace]:
        with ThreadPoolExecutor(S3_THREADS) as pool:
            worked = pool.map(self._trace_of_work, self._bucket.runs("work/", ANSWERS))
            left = pool.map(self._trace_of_artifacts, self._bucket.runs("runs/"))
            promoted = pool.map(self._trace_of_prompt, self._bucket.names("prompts/"))
            return [trace for traces in (worked, left, promoted) for trace in traces]

    def _trace_of_work(self, run: str) -> Trace:
        files = self._bucket.work(run)
        places = (f"work/{run}/{EXAMPLES}", f"{ANSWERS}{run}/", f"work/{run}/")
        keys = _keys(files)
        if keys is None:
            return Trace(run, places, unclear=True)
        demos = [_demos(files.read(name)) for name in (INCUMBENT, LEAST_STEERED)]
        return Trace(
            run,
            places,
            frozenset(keys),
            frozenset(keys.values()).union(*(shown for shown, _ in demos)),
            any(unclear for _, unclear in demos),
        )

    def _trace_of_artifacts(self, run: str) -> Trace:
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

    def _trace_of_prompt(self, name: str) -> Trace:
        keys, unclear = _demos(self._bucket.shared.read(name))
        return Trace(name, (name,), keys=keys, unclear=unclear)


def _keys(files: RunFiles) -> dict[str, str] | None:
    """Return the keys of a run's examples by their ids, or None if it has none yet. Runs of earlier
    versions have no file of keys, but only short examples."""
    known = files.read(KEYS)
    if known is not None:
        keys: dict[str, str] = json.loads(known)
        return keys
    content = files.read(EXAMPLES)
    if content is None:
        return None
    examples = map(Example.model_validate_json, gzip.decompress(content).splitlines())
    return {example.id: example.key for example in examples}


def _demos(document: bytes | None) -> tuple[frozenset[str], bool]:
    """Return the digests of a prompt's demos, and whether the prompt is unreadable."""
    if document is None:
        return frozenset(), False
    prompt = readable_prompt(document.decode())
    return (frozenset(), True) if prompt is None else (keys_of_demos(prompt), False)
