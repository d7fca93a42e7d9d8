"""How often rows of a few templates look like a gain where there is none. `python -m` prints the
table of docs/learning.md.

The candidate moves some templates to a cheaper tier. That saves a little on each of their rows and
loses the answers of some templates; over all templates, gains and losses balance exactly. Rows of
one template mostly win or lose together.
"""

import sys
from collections.abc import Sequence

import numpy as np

from route_switch.domain.learning.held_out_gain import HeldOutGain
from route_switch.domain.learning.promotion import GateHistory, gate
from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import Floats, Ints, OutcomeArrays
from route_switch.optimizer.held_out import differences
from route_switch.optimizer.policies import routed_policy

SAVING = 0.1
ROWS_PER_TEMPLATE = 18
ALIKE = 0.9
"""Share of a template's rows that behave like their template; the others are drawn anew."""


def rows(random: np.random.Generator, templates: int) -> tuple[Floats, Ints]:
    """Return each row's gain, 0 in expectation, and the number of its template."""
    numbers = np.repeat(np.arange(templates), ROWS_PER_TEMPLATE)
    lost = SAVING / (1 + SAVING)

    def draw(n: int) -> Floats:
        return np.where(random.random(n) < lost, -1.0, SAVING)

    alike = random.random(len(numbers)) < ALIKE
    return np.where(alike, draw(templates)[numbers], draw(len(numbers))), numbers


def promoted(gains: Floats, numbers: Ints) -> bool:
    """Whether the gate's first look finds the gains better, with these numbers as templates."""
    given = [HeldOutGain(str(n), float(g)) for n, g in zip(numbers, gains, strict=True)]
    return gate(given, GateHistory()).verdict == "better"


def looks_better(gains: Floats, numbers: Ints | None, seed: int) -> bool:
    """Whether a table of differences says better: the 95% interval lies above 0."""
    n, tiers = len(gains), (Tier.SMALL, Tier.LARGE)
    cells = np.column_stack([gains, np.zeros(n)])
    arrays = OutcomeArrays(tiers, np.ones(n), cells, cells, np.ones((n, 2)), None, numbers)
    small, large = (routed_policy(t.alias, tiers, [t] * n, [0.0] * n) for t in tiers)
    return differences(arrays, [large], small, 0.0, seed)[large.name].low > 0


def rates(templates: int, runs: int, seed: int = 1) -> tuple[float, float, float, float]:
    """Return the share of runs with a false "better": of the gate and of the 95% interval, each
    with independent rows and with templates."""
    random = np.random.default_rng(seed)
    found = []
    for run in range(runs):
        gains, numbers = rows(random, templates)
        apart = np.arange(len(gains))
        found.append(
            (
                promoted(gains, apart),
                promoted(gains, numbers),
                looks_better(gains, None, run),
                looks_better(gains, numbers, run),
            )
        )
    before, after, plain, clustered = np.mean(found, axis=0).tolist()
    return before, after, plain, clustered


def main(arguments: Sequence[str]) -> None:
    runs = int(arguments[0]) if arguments else 2000
    head = "| templates | rows | gate, rows | gate, templates | 95%, rows | 95%, templates |"
    lines = [head, "|---:|---:|---:|---:|---:|---:|"]
    for templates in (6, 20, 60):
        shares = " | ".join(f"{100 * rate:.1f}%" for rate in rates(templates, runs))
        lines.append(f"| {templates} | {templates * ROWS_PER_TEMPLATE} | {shares} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
