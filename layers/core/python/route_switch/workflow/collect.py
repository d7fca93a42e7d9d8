"""The second step: collect examples from recent traffic, and the incumbent."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from route_switch.adapters.learning.example_file import read_examples
from route_switch.adapters.learning.jsonl import gzip_lines
from route_switch.adapters.learning.learning_bucket import (
    EXAMPLES,
    INCUMBENT,
    KEYS,
    LEAST_STEERED,
    SEED,
    WITHDRAWN,
    LearningBucket,
)
from route_switch.domain.errors import PromptError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.learning.learning_ports import ClaimsToDemos, DeletionNotes
from route_switch.domain.operations.deletion import withdrawn_demos
from route_switch.domain.ports import PromptStore, StoredPrompt
from route_switch.domain.prompt_document import readable_prompt, to_markdown
from route_switch.domain.prompts.size_limit import check_start
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.services.learning.collect_examples import CollectedExamples, CollectExamples
from route_switch.services.learning.least_steered import least_steered
from route_switch.workflow.events import Collected, CollectEvent

SAMPLE_SEED = 0
"""The same every week: requests drawn last week are drawn again, and their answers are paid for."""

MAX_IDS = 10
"""Ids of unreadable records that a notification names."""


@dataclass(frozen=True, slots=True)
class CollectInputs:
    """Write the run's examples, its incumbent, and the least steered of the versions before it.
    `router` is the router model. `note_left_out` records how many examples a run leaves out, by
    reason. The incumbent's demos whose requests were deleted (`deletion_notes`, `claims`) are noted
    for the search. A retry writes everything again."""

    examples: CollectExamples
    prompts: PromptStore
    bucket: LearningBucket
    config: LearningConfig
    router: str
    note_left_out: Callable[[str, Mapping[str, int]], None]
    deletion_notes: DeletionNotes
    claims: ClaimsToDemos

    def __call__(self, event: CollectEvent) -> Collected:
        today = event.run.day
        days = [today - timedelta(days=n) for n in range(self.config.days)]
        traffic = self.examples(days, self.config.sample, SAMPLE_SEED)
        examples = self._filled_up(traffic.examples)
        self.note_left_out(event.run.id, traffic.left_out)
        stored, incumbent = self._incumbent()
        withdrawn = withdrawn_demos(incumbent, self.claims.read(), self.deletion_notes.all())
        collected = self._summary(traffic, examples, len(withdrawn))
        steered_less = least_steered(self.prompts, stored, self.router)
        work = self.bucket.work(event.run.id)
        keys = {**traffic.keys, **{each.id: each.key for each in examples}}
        work.write(KEYS, json.dumps(keys).encode())
        lines = (each.model_dump_json(exclude_defaults=True) for each in examples)
        work.write(EXAMPLES, gzip_lines(lines))
        work.write(INCUMBENT, to_markdown(incumbent).encode())
        if steered_less is not None:
            work.write(LEAST_STEERED, to_markdown(steered_less).encode())
        work.write(WITHDRAWN, json.dumps(sorted(withdrawn)).encode())
        work.write("collected.json", collected.model_dump_json().encode())
        return collected

    def _filled_up(self, traffic: Sequence[Example]) -> tuple[Example, ...]:
        """Add examples from the seed file if there is too little traffic."""
        missing = self.config.min_examples - len(traffic)
        content = self.bucket.shared.read(SEED) if missing > 0 else None
        if content is None:
            return tuple(traffic)
        with TemporaryDirectory() as folder:
            path = Path(folder, "examples")
            path.write_bytes(content)
            seed = read_examples(path)
        known = {example.key for example in traffic}
        new = [example for example in seed if example.key not in known]
        return (*traffic, *new)

    def _summary(
        self, traffic: CollectedExamples, examples: Sequence[Example], withdrawn: int
    ) -> Collected:
        return Collected(
            enough=len(examples) >= self.config.min_examples,
            examples=len(examples),
            from_seed=len(examples) - len(traffic.examples),
            requests=traffic.requests,
            needed=self.config.min_examples,
            note=traffic.note,
            unreadable=len(traffic.unreadable),
            unreadable_ids=traffic.unreadable[:MAX_IDS],
            labels_left_out=traffic.left_out.get("capped", 0),
            costly=traffic.left_out.get("costly", 0),
            withdrawn_demos=withdrawn,
        )

    def _incumbent(self) -> tuple[StoredPrompt, RoutingPrompt]:
        """Return the live prompt. Raise `PromptError` now, before anything is paid, if it cannot be
        read or no candidate could replace it."""
        stored = self.prompts.read_live()
        if stored is None:
            raise PromptError("There is no live prompt. Push one, or deploy the stage.")
        prompt = readable_prompt(stored.document)
        if prompt is None:
            raise PromptError(
                f"Version {stored.version} of the live prompt is broken. Roll back to an older one "
                "with 'route-switch prompt rollback', or push a valid one."
            )
        check_start(prompt)
        return stored, prompt
