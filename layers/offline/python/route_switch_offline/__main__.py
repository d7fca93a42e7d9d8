"""Print the tables of docs/data.md: `python -m route_switch_offline`."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from statistics import mean

from route_switch_offline import (
    OFFLINE_MODELS,
    RecordedResult,
    ResultRow,
    load_results,
    load_sample,
    tier_3_output_ratio,
)


def tables() -> str:
    """Return a table of the rows with results, and one of the output ratios."""
    recorded = sorted(load_results(), key=_group)
    lines = [
        "| set, workload | rows | mean score | mean input tokens | mean output tokens "
        "| mean cost, USD | cheapest no worse than large |",
        "|---|---|---|---|---|---|---|",
        *(_line(" ".join(name), list(rows)) for name, rows in groupby(recorded, _group)),
        _line("all", recorded),
        "",
        "| tier | tokens that the large model writes for each token of the tier |",
        "|---|---|",
        *(
            f"| {tier} | {ratio:.3f} |"
            for tier, ratio in tier_3_output_ratio(load_sample()).items()
        ),
    ]
    return "\n".join(lines)


def _group(row: ResultRow) -> tuple[str, str]:
    return row.id.split("/")[0], row.workload


def _line(name: str, rows: Sequence[ResultRow]) -> str:
    by_class = [[row.models[model] for row in rows] for model in OFFLINE_MODELS]
    cells = (
        name,
        str(len(rows)),
        _triple("{:.3f}", (mean(a.score for a in answers) for answers in by_class)),
        _triple("{:.0f}", (mean(a.input_tokens for a in answers) for answers in by_class)),
        _mean_output_tokens(by_class),
        _triple("{:.6f}", (mean(a.cost_usd for a in answers) for answers in by_class)),
        _triple("{:.0%}", _cheapest_adequate_shares(rows)),
    )
    return f"| {' | '.join(cells)} |"


def _mean_output_tokens(by_class: Iterable[Sequence[RecordedResult]]) -> str:
    """Return the means over the rows where the lengths of the answers are known."""
    known = [[n for a in answers if (n := a.output_tokens) is not None] for answers in by_class]
    return _triple("{:.0f}", map(mean, known)) if all(known) else "unknown"


def _triple(form: str, values: Iterator[float]) -> str:
    return " / ".join(form.format(value) for value in values)


def _cheapest_adequate_shares(rows: Sequence[ResultRow]) -> Iterator[float]:
    """Yield, per model, the share of rows where it is the cheapest that scores no worse than the
    large one."""
    cheapest = [_cheapest_adequate([row.models[model] for model in OFFLINE_MODELS]) for row in rows]
    return (cheapest.count(position) / len(rows) for position in range(len(OFFLINE_MODELS)))


def _cheapest_adequate(answers: Sequence[RecordedResult]) -> int:
    return next(i for i, answer in enumerate(answers) if answer.score >= answers[-1].score)


if __name__ == "__main__":
    sys.stdout.write(tables() + "\n")
