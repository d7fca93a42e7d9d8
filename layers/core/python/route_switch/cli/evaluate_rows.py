"""The rows that `evaluate` measures on."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from route_switch.adapters.learning.example_file import ExampleFile, file_digest
from route_switch.cli.model_options import PriceOf, known_prices
from route_switch.cli.stage_names import UsageError
from route_switch.cli.terminal import note
from route_switch.domain.errors import ConfigurationError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.merging import merge_equal
from route_switch.domain.learning.outcome import OutcomeTable
from route_switch.domain.learning.outcome_row import is_recorded
from route_switch.domain.learning.split import split
from route_switch.domain.learning.used_rows import (
    ODD_LINES,
    from_templates,
    in_conversations,
    rows_lacking_results,
    rows_used,
)
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.services.learning.build_outcomes import BuildOutcomes


@dataclass(frozen=True, slots=True)
class MeasuredRows:
    """The rows to measure on, and those that a baseline may learn from. `left_out` counts other
    rows of the file by reason, and `merged` those merged into equal ones."""

    table: OutcomeTable
    train: OutcomeTable | None
    left_out: Mapping[str, int]
    merged: int = 0

    @property
    def name(self) -> str:
        return "all" if self.train is None else "held-out"

    @property
    def remark(self) -> str | None:
        """Say which rows are left out, and how many templates the others come from."""
        rows, templates = len(self.table.rows), len({e.template_key for e in self.table.examples})
        talks = in_conversations(self.table.examples)
        if not self.left_out and not self.merged and templates == rows and not talks:
            return None
        text = rows_used(rows, self.left_out, self.merged)
        return f"{text}{talks}{'' if templates == rows else from_templates(templates)}."


def rows_to_measure(
    file: ExampleFile,
    models: dict[Tier, str],
    prompts: dict[str, RoutingPrompt],
    build: BuildOutcomes,
    price: PriceOf,
    heldout: bool,
) -> MeasuredRows:
    """Return all rows, unless only held-out rows are wanted or a prompt was learned from this file:
    that prompt has seen the other rows. No tier is called; rows without results are left out."""
    _check_known(file.examples, models)
    digest = file_digest(file.path)
    known = [prompt.provenance.get("examples") for prompt in prompts.values()]

    def built(rows: tuple[Example, ...]) -> tuple[OutcomeTable, Counter[str]]:
        left_out = rows_lacking_results(rows, models)
        recorded = [e for e in rows if all(is_recorded(e, name) for name in models.values())]
        if not recorded:
            raise ConfigurationError(f"No row has results of all tiers: {rows_used(0, left_out)}.")
        found = build(recorded, models, known_prices(models.values(), price))
        return found.table, left_out + Counter({r.value: n for r, n in found.left_out.items()})

    if heldout or digest in known:
        sides = split(file.examples)
        table, left_out = built(sides.heldout)
        return MeasuredRows(table, built(sides.train)[0], left_out)
    if learned := [name for name, each in zip(prompts, known, strict=True) if each]:
        names = " and ".join(f"the {name}" for name in learned)
        were = "was" if len(learned) == 1 else "were"
        note(
            f"{names} {were} learned from a file other than {file.path}. If the files share "
            "queries, use --heldout: the same queries are held out of every file."
        )
    merged = merge_equal(file.examples)
    table, left_out = built(merged)
    odd = Counter({ODD_LINES: len(file.odd)} if file.odd else {})
    return MeasuredRows(table, None, left_out + odd, len(file.examples) - len(merged))


def _check_known(examples: tuple[Example, ...], models: dict[Tier, str]) -> None:
    known = {name for example in examples for name in example.models}
    if unknown := [name for name in models.values() if name not in known]:
        raise UsageError(
            f"No example has a result of {', '.join(unknown)}. Set --tiers to models of the file: "
            f"{', '.join(sorted(known)) or 'it has none'}."
        )
