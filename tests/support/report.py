"""Realistic reports of learning runs: finished, stopped, undecided."""

import random

from route_switch.domain.routing_prompt import StrategyName
from route_switch.domain.tiers import Tier
from route_switch.optimizer.report.figures import (
    Agreement,
    CandidateFigures,
    Gate,
    Interval,
    LearningSpend,
    Moved,
    PolicyFigures,
    Promise,
    PromisedPolicy,
    Report,
    Rows,
    WorkloadFigures,
)
from route_switch.optimizer.report.strategy_figures import (
    BypassFigures,
    BypassTuningFigures,
    Strategies,
)

SMALL, MEDIUM, LARGE = Tier.SMALL, Tier.MEDIUM, Tier.LARGE
HELDOUT = 412
POINTS = {
    "tier-1": (0.07, 0.676, (1.0, 0.0, 0.0)),
    "tier-2": (0.38, 0.871, (0.0, 1.0, 0.0)),
    "tier-3": (1.0, 1.0, (0.0, 0.0, 1.0)),
    "static-rules": (0.55, 0.848, (0.41, 0.22, 0.37)),
    "random": (0.44, 0.848, (0.35, 0.37, 0.28)),
    "linear": (0.46, 0.919, (0.32, 0.38, 0.30)),
    "knn": (0.47, 0.915, (0.31, 0.38, 0.31)),
    "clusters": (0.48, 0.902, (0.30, 0.40, 0.30)),
    "length": (0.46, 0.878, (0.21, 0.50, 0.29)),
    "hand-written": (0.57, 0.872, (0.33, 0.24, 0.43)),
    "incumbent": (0.57, 0.872, (0.33, 0.24, 0.43)),
    "oracle": (0.23, 1.0, (0.69, 0.18, 0.13)),
    "candidate": (0.45, 0.929, (0.35, 0.37, 0.28)),
}
INCUMBENT = """\
# Instruction

Assign the query to the smallest model tier that answers it as well as the largest one would.

Tier 1 (small model) is for:
- a greeting, thanks, small talk or a closing remark
- one step of arithmetic, a percentage or a unit conversion

Tier 2 (medium model) is for:
- a word problem that takes a few steps of arithmetic or algebra
- summarizing a document or comparing options that are given

Tier 3 (large model) is for:
- a mathematical proof, or a derivation in calculus, linear algebra or statistics
- predicting what a Python function with loops and conditions returns
"""
CANDIDATE = INCUMBENT.replace(
    "- summarizing a document or comparing options that are given\n",
    "- summarizing a document, or comparing options that are given\n"
    "- a question about business, economics, psychology or law that asks for one of ten choices\n",
).replace(
    "- predicting what a Python function with loops and conditions returns\n",
    "- predicting what a function returns that nests loops or builds strings character by "
    "character, because one slip changes the whole answer\n",
)


BYPASS = BypassFigures(tokens=8, share=0.1, objective=0.8, regret=0.0)
MOVED_QUERIES = (
    "What does f('abca', 'a') return if f removes every second occurrence?",
    "Which of the following best describes the marginal rate of substitution? (A) …",
    "I was charged twice for the same card payment, what now?",
    None,
)


def around(mean: float, half: float, n: int = HELDOUT) -> Interval:
    return Interval(mean=mean, low=mean - half, high=mean + half, n=n)


def policy(name: str, n: int = HELDOUT, shift: float = 0.0, *, timed: bool = True) -> PolicyFigures:
    cost, quality, mix = POINTS[name]
    wide = (HELDOUT / n) ** 0.5
    certain = name in {"tier-3", "oracle"}
    quality = quality if certain else min(1.0, quality + shift)
    return PolicyFigures(
        policy=name,
        cost=around(cost, 0.0 if name == "tier-3" else 0.03 * wide, n),
        quality=around(quality, 0.0 if certain else 0.026 * wide, n),
        retention=around(quality * 0.99, 0.022 * wide, n),
        objective=around(quality - 0.2 * cost, 0.024 * wide, n),
        mix=dict(zip(Tier, mix, strict=True)),
        latency_ms=around(2140 * (0.2 + 0.8 * cost) + 90, 110 * wide, n) if timed else None,
    )


def finished(**changes: object) -> Report:
    """Return the report of a better prompt: 13 policies, 30 candidates, three workloads."""
    return Report.model_validate({**_setup(), **_measured(), **changes})


def strategies(chosen: StrategyName) -> Strategies:
    bypass = BypassTuningFigures(
        current=8, proposed=None, gain=0.0, error=0.01, changed=0, n=200, thresholds=(BYPASS,)
    )
    return Strategies(
        asked_for=chosen,
        chosen=chosen,
        tie=0.002,
        n=200,
        estimates=(),
        local=None,
        why_no_local=None,
        bypass=bypass,
    )


def undecided() -> Report:
    gate = better(
        verdict="not enough evidence", gain=Interval(mean=0.018, low=-0.021, high=0.057, n=96)
    )
    return finished(
        gate=gate, judge_model=None, agreement=None, policies=_policies(timed=False), simulated=()
    )


def stopped() -> Report:
    """Return the report of a run that reached its cap while building the outcome table."""
    return Report.model_validate(
        {
            **_setup(),
            "complete": False,
            "stopped_by": "the next call could cost more than what is left of the cap of $2.00",
            "gate": None,
            "policies": (),
            "against": {},
            "incumbent_against": {},
            "over_hand_written": {},
            "workloads": (),
            "candidates": _candidates()[:3],
            "rejected": {},
            "candidate_prompt": INCUMBENT,
            "moved": (),
            "confusion": {},
            "agreement": None,
            "graded_by": {},
            "saving_usd_a_month": None,
        }
    )


def better(**changes: object) -> Gate:
    return Gate.model_validate(
        {
            "verdict": "better",
            "gain": Interval(mean=0.081, low=0.043, high=0.119, n=HELDOUT),
            "alpha": 0.0304,
            "look": 1,
            "delta": 0.01,
            "smallest_visible": 0.039,
            "moved": 0.314,
            **changes,
        }
    )


def promise(failed: str | None = None, needed: int | None = 590, **changes: object) -> Promise:
    """Return a promise that holds for three policies, or up to the one that `failed`."""
    figures = {
        "incumbent": (0.78, 0.002, 0.017),
        "candidate --tiers 2,3": (0.62, 0.005, 0.022),
        "candidate": (0.45, 0.019, 0.039),
    }
    names = list(figures)
    end = len(names) if failed is None else names.index(failed)
    policies = tuple(
        PromisedPolicy(
            policy=name,
            cost=cost,
            loss=loss,
            certified=number < end,
            at_most=at_most if number <= end else None,
            needed=needed if number == end else None,
        )
        for number, (name, (cost, loss, at_most)) in enumerate(figures.items())
    )
    return Promise.model_validate(
        {
            "max_quality_loss": 0.05,
            "alpha": 0.0304,
            "n": HELDOUT,
            "policies": policies,
            "cheapest": "candidate",
            "candidate": "at most 5% of answers are worse than Tier 3's (95% confidence, 412 rows)",
            "candidate_holds": True,
            "waits_for": None,
            **changes,
        }
    )


def _setup() -> dict[str, object]:
    return {
        "created": "2026-03-02T04:00:00Z",
        "command": "route-switch optimize --examples sample.jsonl.gz --tiers small,medium,large "
        "--lambda 0.2 --router-model local/encoder --seed 7 --budget-usd 2 --out learned",
        "versions": {"dspy": "3.4.1", "optuna": "5.0.0", "route-switch": "0.1.0"},
        "lambda": 0.2,
        "tiers": {SMALL: "openai/gpt-4o-mini", MEDIUM: "openai/gpt-4.1", LARGE: "openai/gpt-5"},
        "router_model": "local/encoder",
        "proposer_model": "offline/proposer",
        "judge_model": "offline/judge",
        "seed": 7,
        "simulated": ("proposer (offline/proposer)", "judge (offline/judge)"),
        "complete": True,
        "stopped_by": None,
        "rows": Rows(
            train=520,
            validation=300,
            heldout=HELDOUT,
            near_duplicates_removed=17,
            without_outcome=4,
        ),
        "incumbent_prompt": INCUMBENT,
        "spend": LearningSpend(
            calls={"answer": 3708, "judge": 911, "proposer": 44, "router": 9120},
            usd={"answer": 1.1042, "judge": 0.2181, "proposer": 0.0613, "router": 0.0},
            cap_usd=2.0,
        ),
        "tier_3_usd": 0.00842,
        "monthly_queries": 100_000,
    }


def _measured() -> dict[str, object]:
    names = [name for name in POINTS if name != "candidate"]
    gains = {name: _objective("candidate") - _objective(name) for name in names}
    return {
        "gate": better(),
        "policies": _policies(timed=True),
        "against": {name: around(gain, 0.021) for name, gain in gains.items()},
        "incumbent_against": {
            name: around(_objective("incumbent") - _objective(name), 0.05)
            for name in ("tier-1", "tier-2", "tier-3")
        },
        "over_hand_written": {
            name: around(_objective(name) - _objective("hand-written"), 0.021)
            for name in POINTS
            if name != "hand-written"
        },
        "shuffled_controls": {
            name: around(0.001, 0.03) for name in ("linear", "knn", "clusters", "length")
        },
        "workloads": _workloads(),
        "candidates": _candidates(),
        "rejected": {"no bulleted list for Tier 2": 3, "over 8,192 bytes": 2, "e-mail address": 1},
        "candidate_prompt": CANDIDATE,
        "moved": _moved(),
        "confusion": {
            SMALL: {SMALL: 128, MEDIUM: 91, LARGE: 61},
            MEDIUM: {SMALL: 9, MEDIUM: 52, LARGE: 14},
            LARGE: {SMALL: 8, MEDIUM: 11, LARGE: 38},
        },
        "agreement": Agreement(share=0.904, kappa=0.78, n=250, flip_rate=0.113),
        "graded_by": {"gold": 830, "recorded": 203, "judge": 199},
        "saving_usd_a_month": around(463.1, 25.3),
    }


def _objective(name: str) -> float:
    cost, quality, _ = POINTS[name]
    return quality - 0.2 * cost


def _policies(*, timed: bool) -> tuple[PolicyFigures, ...]:
    return tuple(policy(name, timed=timed) for name in POINTS)


def _workloads() -> tuple[WorkloadFigures, ...]:
    parts = (
        ("customer_support", 160, 0.02, "Banking77 intent labels"),
        ("code_generation", 112, -0.04, "CRUXEval output prediction"),
        ("research_qa", 140, -0.01, "MMLU-Pro questions"),
    )
    return tuple(
        WorkloadFigures(
            workload=name, policies=tuple(policy(p, n, shift) for p in POINTS), note=note
        )
        for name, n, shift, note in parts
    )


def _candidates() -> tuple[CandidateFigures, ...]:
    dice = random.Random(7)  # noqa: S311 (figures to look at)
    return tuple(_candidate(number, dice) for number in range(30))


def _candidate(number: int, dice: random.Random) -> CandidateFigures:
    rejected = {9: "no bulleted list for Tier 2", 21: "contains an e-mail address"}.get(number)
    cost = 0.45 if number == 17 else dice.uniform(0.3, 0.75)
    quality = 0.941 if number == 17 else 0.76 + 0.2 * cost + dice.uniform(-0.05, 0.06)
    known = rejected is None
    return CandidateFigures(
        number=number,
        instruction=CANDIDATE,
        demos=number % 9,
        bytes=2300 + 190 * (number % 9),
        objective=quality - 0.2 * cost if known else None,
        quality=quality if known else None,
        cost=cost if known else None,
        rejected=rejected,
        selected=number == 17,
    )


def _moved() -> tuple[Moved, ...]:
    return tuple(
        Moved(
            example=f"mixed-{i:04d}",
            query=MOVED_QUERIES[i % 4],
            before=(LARGE, LARGE, MEDIUM, SMALL)[i % 4],
            after=(MEDIUM, MEDIUM, SMALL, LARGE)[i % 4],
            best=(MEDIUM, SMALL, SMALL, LARGE)[i % 4],
            gain=-0.876 if i % 9 == 0 else (0.124, 0.118, 0.066, 0.781)[i % 4],
        )
        for i in range(64)
    )
