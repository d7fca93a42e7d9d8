"""Print the tables of docs/data.md: `python -m route_switch_offline`."""

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from statistics import mean

from route_switch_offline import (
    OFFLINE_MODELS,
    RecordedAnswer,
    SampleRow,
    load_sample,
    tier_3_output_ratio,
)


def tables() -> str:
    """Return a table of the recorded rows by source and workload, and one of the output ratios."""
    recorded = sorted((row for row in load_sample() if row.models), key=_group)
    lines = [
        "| set, workload | rows | mean score | mean input tokens | mean output tokens "
        "| mean cost, USD | cheapest no worse than large |",
        "|---|---|---|---|---|---|---|",
        *(_line(" ".join(name), list(rows)) for name, rows in groupby(recorded, _group)),
        _line("all", recorded),
        "",
        "| tier | tokens that the large model writes for each token of the tier |",
        "|---|---|",
        *(f"| {tier} | {ratio:.3f} |" for tier, ratio in tier_3_output_ratio(recorded).items()),
    ]
    return "\n".join(lines)


def _group(row: SampleRow) -> tuple[str, str]:
    return row.id.split("/")[0], row.workload


def _line(name: str, rows: Sequence[SampleRow]) -> str:
    by_class = [[row.models[model] for row in rows] for model in OFFLINE_MODELS]
    cells = (
        name,
        str(len(rows)),
        _triple("{:.3f}", (mean(a.score for a in answers) for answers in by_class)),
        _triple("{:.0f}", (mean(a.input_tokens for a in answers) for answers in by_class)),
        _triple("{:.0f}", (mean(a.output_tokens for a in answers) for answers in by_class)),
        _triple("{:.6f}", (mean(a.cost_usd for a in answers) for answers in by_class)),
        _triple("{:.0%}", _cheapest_adequate_shares(rows)),
    )
    return f"| {' | '.join(cells)} |"


def _triple(form: str, values: Iterator[float]) -> str:
    return " / ".join(form.format(value) for value in values)


def _cheapest_adequate_shares(rows: Sequence[SampleRow]) -> Iterator[float]:
    """Yield, per model, the share of rows where it is the cheapest that scores no worse than the
    large one."""
    cheapest = [_cheapest_adequate([row.models[model] for model in OFFLINE_MODELS]) for row in rows]
    return (cheapest.count(position) / len(rows) for position in range(len(OFFLINE_MODELS)))


def _cheapest_adequate(answers: Sequence[RecordedAnswer]) -> int:
    return next(i for i, answer in enumerate(answers) if answer.score >= answers[-1].score)


if __name__ == "__main__":
    sys.stdout.write(tables() + "\n")
