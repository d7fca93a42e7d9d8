"""Remove the texts of deleted requests from the learning bucket.

Everything there is derived data, so files are deleted whole, never edited:

    answers/of/<digest of the id>/   answers to the request, and judgments of them
    work/<run>/                      if the run's examples contain the request, or are missing, so
                                     that this is unknown, or if its incumbent shows the request
    runs/<run>/report.*, …/candidate.*, prompts/<version>.json
                                     if they show the request: as a demo, or among the moved queries

Requests are recognized by id, and demos by the claims of their clients: a client's deletion removes
nothing that rests on requests of others (docs/decisions/010-what-is-forgotten.md). Answers cost
money, so those to other examples stay. The working files of a run that has ended are of no use to
later runs.

Digests of queries (16 hex digits) stay in outcomes.jsonl.gz, gate-history.json and
demo-claims.json: no row may be held out twice, and no claim may be forgotten.
"""

import gzip
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

from route_switch.adapters.learning.demo_claims import DemoClaims
from route_switch.adapters.learning.learning_bucket import (
    CANDIDATE,
    EXAMPLES,
    INCUMBENT,
    KEYS,
    LEAST_STEERED,
    LearningBucket,
)
from route_switch.adapters.learning.s3_memo import ANSWERS, ANSWERS_OF, folder_of
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.learning_ports import RunFiles
from route_switch.domain.operations.deletion import DeletionNote, RemovedTexts, withdrawn_demos
from route_switch.domain.prompt_document import readable_prompt
from route_switch.domain.routing_prompt import RoutingPrompt

S3_THREADS = 8

ShownDemos = Callable[[RoutingPrompt], frozenset[str]]
"""Returns the digests of a prompt's demos that have to go."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Places that are deleted together, most informative first, and what they may show: requests by
    id, and prompts. `unclear` means that it is unknown what they show."""

    name: str
    places: tuple[str, ...]
    ids: frozenset[str] = frozenset()
    prompts: tuple[RoutingPrompt, ...] = ()
    unclear: bool = False

    def shows(self, ids: frozenset[str], demos: ShownDemos) -> bool:
        return self.unclear or not self.ids.isdisjoint(ids) or any(map(demos, self.prompts))


class LearningTexts:
    """The bucket's `LearnedTexts`. The bucket is read once, when the first request is forgotten.
    Deleting stops when `keep_going` returns False; the rest is then pending."""

    def __init__(
        self, bucket: LearningBucket, keep_going: Callable[[], bool] = lambda: True
    ) -> None:
        self._bucket = bucket
        self._keep_going = keep_going
        self._claims = DemoClaims(bucket.shared)

    def forget(
        self, requests: Sequence[DeletionNote], current_run: str | None = None
    ) -> RemovedTexts:
        if not requests:
            return RemovedTexts()
        ids = frozenset(request.request_id for request in requests)
        demos = self._claims.withdraw(requests)
        claims = self._claims.read()

        def withdrawn(prompt: RoutingPrompt) -> frozenset[str]:
            return withdrawn_demos(prompt, claims, requests)

        found = [trace for trace in self._traces if trace.shows(ids, withdrawn)]
        removable = [
            *(trace for trace in found if trace.name != current_run),
            *self._answers(ids, current_run),
        ]
        with ThreadPoolExecutor(S3_THREADS) as pool:
            deleted = list(pool.map(self._remove, removable))
        left = [trace for trace, done in zip(removable, deleted, strict=True) if not done]
        pending = {trace.name for trace in left}
        if current_run and self._trace_of_work(current_run).shows(
            ids, lambda prompt: withdrawn(prompt) & demos
        ):
            pending.add(current_run)  # even without examples: it may be collecting them
        return RemovedTexts(
            places=tuple(
                place for trace in removable for place in trace.places if trace not in left
            ),
            pending=tuple(sorted(pending)),
            demos=demos,
        )

    def _answers(self, ids: frozenset[str], current_run: str | None) -> list[Trace]:
        """Return the answers to these requests, except those that the current run paid for."""
        wanted = set(map(folder_of, ids))
        return [
            Trace(run, (f"{ANSWERS_OF}{folder}/{run}/",))
            for folder in self._folders_of_answers
            if folder in wanted
            for run in self._bucket.folders(f"{ANSWERS_OF}{folder}/")
            if run != current_run
        ]

    def _remove(self, trace: Trace) -> bool:
        return all(self._bucket.delete(place, self._keep_going) for place in trace.places)

    @cached_property
    def _folders_of_answers(self) -> list[str]:
        return self._bucket.folders(ANSWERS_OF)

    @cached_property
    def _traces(self) -> list[Trace]:
        of_answers = ANSWERS_OF.removeprefix(ANSWERS).rstrip("/")
        runs = [run for run in self._bucket.runs("work/", ANSWERS) if run != of_answers]
        with ThreadPoolExecutor(S3_THREADS) as pool:
            worked = pool.map(self._trace_of_work, runs)
            left = pool.map(self._trace_of_artifacts, self._bucket.runs("runs/"))
            promoted = pool.map(self._trace_of_prompt, self._bucket.names("prompts/"))
            return [trace for traces in (worked, left, promoted) for trace in traces]

    def _trace_of_work(self, run: str) -> Trace:
        """Earlier versions stored answers by run."""
        files = self._bucket.work(run)
        places = (f"work/{run}/{EXAMPLES}", f"{ANSWERS}{run}/", f"work/{run}/")
        ids = _ids(files)
        if ids is None:
            return Trace(run, places, unclear=True)
        return _trace(run, places, ids, [files.read(name) for name in (INCUMBENT, LEAST_STEERED)])

    def _trace_of_artifacts(self, run: str) -> Trace:
        files = self._bucket.artifacts(run)
        report = json.loads(files.read("report.json") or b"{}")
        prompts = (report.get("incumbent_prompt"), report.get("candidate_prompt"))
        return _trace(
            run,
            (f"runs/{run}/report.", f"runs/{run}/candidate."),
            frozenset(row["example"] for row in report.get("moved", ()) if row["query"]),
            [files.read(CANDIDATE), *(p.encode() for p in prompts if p)],
        )

    def _trace_of_prompt(self, name: str) -> Trace:
        return _trace(name, (name,), frozenset(), [self._bucket.shared.read(name)])


def _trace(
    name: str, places: tuple[str, ...], ids: frozenset[str], documents: Sequence[bytes | None]
) -> Trace:
    """A document that cannot be read may show anything."""
    prompts = [readable_prompt(each.decode()) for each in documents if each is not None]
    known = tuple(prompt for prompt in prompts if prompt is not None)
    return Trace(name, places, ids, known, unclear=len(known) < len(prompts))


def _ids(files: RunFiles) -> frozenset[str] | None:
    """Return the ids of the requests that a run's examples were made from, or None if it has none
    yet. Runs of earlier versions have no file of keys, but only short examples."""
    known = files.read(KEYS)
    if known is not None:
        return frozenset(json.loads(known))
    content = files.read(EXAMPLES)
    if content is None:
        return None
    examples = map(Example.model_validate_json, gzip.decompress(content).splitlines())
    return frozenset(example.id for example in examples)
