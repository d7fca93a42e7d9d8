"""MIPROv2 and GEPA with the same budget on the packaged sample, offline. `python -m` prints the
table of docs/learning.md: `python -m tests.support.optimizer_comparison [RUNS]` (minutes a run).

The proposer is simulated, so the table says how the searches use what they are told, not how well
an LLM would propose.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import get_args

from layers.offline.learning_sets import SAMPLE, plan_of
from route_switch.adapters.learning.file_memo import MemoryMemo
from route_switch.adapters.models.encoder import EncoderClient
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.model_options import paid_calls, prices
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.learning_config import OptimizerName
from route_switch.optimizer.embeddings import RememberedEmbeddings
from route_switch.optimizer.findings import Findings, known
from route_switch.optimizer.held_out import SEED
from route_switch.optimizer.learning_steps import LearningSteps
from route_switch.optimizer.policies import CANDIDATE, INCUMBENT
from route_switch.optimizer.statistics import Estimate, bootstrap
from route_switch.services.learning.pace import Pace
from route_switch.services.learning.spending_caps import LocalCap
from route_switch_offline import load_sample
from tests.support.learning import Ledger, RecordedSteps


@dataclass(frozen=True, slots=True)
class Compared:
    """One search: its calls, its best reward on validation rows, and its findings."""

    routed: int
    proposed: int
    start: float
    best: float
    found: Findings


def search(optimizer: OptimizerName, seed: int) -> Compared:
    offline = plan_of(SAMPLE, threads=2)
    plan = replace(offline, seed=seed, rounds=1, optimizer=optimizer, strategy="prompt")
    price = prices((), plan.config)
    cap = LocalCap(0.0)
    memo, pace = MemoryMemo(), Pace()
    calls = paid_calls(plan.config, price, memo, cap, pace, print)
    embed = RememberedEmbeddings(EncoderClient().embed, memo, pace)
    steps = LearningSteps(plan, calls, cap, embed, RecordedSteps())
    rows = (row.model_dump_json() for row in load_sample() if row.models)
    examples = [Example.model_validate_json(row) for row in rows]
    found = steps(examples, packaged_prompt(), packaged_prompt(), Ledger())
    rewards = [trial.reward for trial in found.trials]
    made = calls.calls
    return Compared(made["router"], made["proposer"], rewards[0], max(rewards), found)


def gain(one: Findings, other: Findings | None = None) -> Estimate:
    """Return by how much the candidate's objective on held-out rows is above that of the other
    run's candidate, or of the packaged prompt."""
    comparison = known(one.comparison)
    against = comparison if other is None else known(other.comparison)
    arrays, lambda_ = comparison.arrays, 0.2
    name = INCUMBENT if other is None else CANDIDATE
    better = comparison.measured[CANDIDATE].rewards(arrays, lambda_)
    difference = better - against.measured[name].rewards(arrays, lambda_)
    weights = arrays.weights[:, None]
    [estimate] = bootstrap(weights * difference[:, None], weights, SEED, clusters=arrays.templates)
    return estimate


def table(runs: int) -> Iterator[str]:
    yield "| seed | optimizer | router calls | proposer calls | validation | held-out gain |"
    yield "|---:|:---|---:|---:|---:|---:|"
    for seed in range(1, runs + 1):
        mipro, gepa = (search(name, seed) for name in get_args(OptimizerName))
        for title, done in (("MIPROv2", mipro), ("GEPA", gepa)):
            yield (
                f"| {seed} | {title} | {done.routed:,} | {done.proposed} | "
                f"{done.start:.3f} → {done.best:.3f} | {_signed(gain(done.found))} |"
            )
        yield f"| {seed} | GEPA − MIPROv2 | | | | {_signed(gain(gepa.found, mipro.found))} |"


def _signed(estimate: Estimate) -> str:
    text = f"{estimate.mean:+.3f} ({estimate.low:+.3f} to {estimate.high:+.3f})"
    return text.replace("-", "−")


if __name__ == "__main__":
    for line in table(int(sys.argv[1]) if len(sys.argv) > 1 else 2):
        print(line, flush=True)  # noqa: T201 (a command)
