"""A complete learning run on synthetic examples, with fake models."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from route_switch.adapters.learning.file_memo import MemoryMemo
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.route import router_config
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.held_out_gain import HeldOutGain
from route_switch.domain.learning.learning_ports import AnswerMemo
from route_switch.domain.learning.promotion import MIN_ROWS, GateHistory, GateResult, gate
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.optimizer.findings import Findings
from route_switch.optimizer.learning_steps import LearningSteps
from route_switch.optimizer.neighbors import Vectors
from route_switch.optimizer.plan import Plan
from route_switch.optimizer.prompt_search import SearchSize
from route_switch.optimizer.report.assemble import ReportContext
from route_switch.services.learning.metered_calls import MeteredCalls
from route_switch.services.learning.spending_caps import LocalCap
from tests.support.outcomes import spelled
from tests.support.paid import PRICE, FakeTime
from tests.support.searching import INCUMBENT, Models, cache_put_back

NAMES = ("fake/small", "fake/medium", "fake/large")
COSTS = (0.001, 0.004, 0.01)
SUBJECTS = ("parcels", "reports", "proofs")

PLAN = Plan(
    models=dict(zip(Tier, NAMES, strict=True)),
    prices={"fake/router": PRICE, "fake/proposer": PRICE},
    config=router_config("fake/router"),
    proposer_model="fake/proposer",
    judge_model=None,
    threads=2,
    rounds=2,
    size=SearchSize(candidates=4, trials=5, demos=3, view_data_batch_size=10),
)

CONTEXT = ReportContext(
    created="2026-01-01 00:00 UTC",
    command="route-switch optimize",
    versions={"python": "3.11"},
    simulated=(),
    cap_usd=5.0,
    monthly_queries=1000,
    workload_notes={"parcels": "made up"},
)


def example(number: int, **fields: object) -> Example:
    """Return an example whose subject n needs tier n + 1 or a larger one."""
    subject = number % 3
    results = {
        name: {"score": float(tier >= subject), "cost_usd": COSTS[tier]}
        for tier, name in enumerate(NAMES)
    }
    words = " ".join(f"{SUBJECTS[subject]}{spelled(number * 7 % 31)}{part}" for part in "abcdefgh")
    row = {
        "query": f"{words} number {spelled(number)}",
        "models": results,
        "workload": SUBJECTS[subject],
    }
    return Example.model_validate({**row, **fields})


EXAMPLES = tuple(example(number) for number in range(90))


def embed(texts: Sequence[str]) -> Vectors:
    found = [[float(subject in text) for subject in SUBJECTS] for text in texts]
    return np.array(found, dtype=np.float32)


class RecordedSteps:
    """Records the steps of a run."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, name: str, parts: int | None = None) -> None:
        self.steps.append(name)

    def trial(self, number: int, best: float) -> None:
        pass


class Ledger:
    """`GateLedger` in memory."""

    def __init__(self, history: GateHistory | None = None) -> None:
        self.history = history or GateHistory()

    def read(self) -> GateHistory:
        return self.history

    def look(self, rows: Sequence[HeldOutGain], test: str, min_rows: int = MIN_ROWS) -> GateResult:
        result = gate(rows, self.history, test=test, min_rows=min_rows)
        self.history = result.history
        return result


def learn(
    models: Models,
    plan: Plan = PLAN,
    examples: tuple[Example, ...] = EXAMPLES,
    memo: AnswerMemo | None = None,
    cap_usd: float = 100.0,
    incumbent: RoutingPrompt | None = None,
    least_steered: RoutingPrompt | None = None,
    withdrawn: frozenset[str] = frozenset(),
) -> tuple[Findings, MeteredCalls]:
    cap = LocalCap(cap_usd)
    calls = MeteredCalls(
        lambda _: models,
        lambda _: PRICE,
        MemoryMemo() if memo is None else memo,
        cap,
        FakeTime().pace(),
    )
    with cache_put_back():
        run = LearningSteps(plan, calls, cap, embed, RecordedSteps(), least_steered, withdrawn)
        return run(examples, incumbent or INCUMBENT, packaged_prompt(), Ledger()), calls


def with_judge(plan: Plan = PLAN) -> Plan:
    return replace(plan, judge_model="fake/judge")
