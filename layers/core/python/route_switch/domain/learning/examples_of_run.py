"""What happened to the requests and examples that a run read."""

from collections.abc import Mapping
from dataclasses import dataclass

from route_switch.domain.learning.not_used import MERGED, examples_not_used
from route_switch.domain.learning.report_facts import CountedRows


@dataclass(frozen=True, slots=True)
class ExamplesOfRun:
    """`merged` ones are used with an equal one, `left_out` has the others by reason."""

    merged: int
    left_out: tuple[tuple[str, int], ...]
    used: int

    @property
    def read(self) -> int:
        return self.merged + sum(count for _, count in self.left_out) + self.used


def examples_of_run(collecting: Mapping[str, int], rows: CountedRows) -> ExamplesOfRun:
    """`collecting` has what was left out and merged before the run learned (by the names of
    `CollectedExamples.left_out`), `rows` what followed."""
    later = sorted(rows.left_out.items(), key=lambda each: -each[1])
    return ExamplesOfRun(
        merged=collecting.get(MERGED, 0) + rows.duplicates_merged,
        left_out=(
            *examples_not_used(collecting),
            *((f"examples {reason}", count) for reason, count in later if count),
        ),
        used=rows.used,
    )
