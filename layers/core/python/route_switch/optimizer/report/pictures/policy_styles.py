"""How a policy looks in every picture: its words, its color and its mark.

A policy that has no row here (a new strategy, a new baseline) looks like a learned baseline.
"""

from dataclasses import dataclass

from route_switch.optimizer.policies import CANDIDATE, INCUMBENT
from route_switch.optimizer.report.pictures.svg import BLUE, GRAY, GREEN, ORANGE, Shape

ORACLE = "oracle"


@dataclass(frozen=True, slots=True)
class PolicyStyle:
    """`radius` is in pixels. `rank` says who chooses the place of a label first, 0 before 1."""

    color: str
    shape: Shape
    radius: float
    rank: int


LEARNED = PolicyStyle(ORANGE, "star", 7, 0)
STRATEGY = PolicyStyle(ORANGE, "diamond", 5, 2)
WRITTEN = PolicyStyle(GRAY, "circle", 5, 3)
CONSTANT = PolicyStyle(BLUE, "square", 5.5, 1)
BASELINE = PolicyStyle(BLUE, "circle", 4.5, 4)
BOUND = PolicyStyle(GREEN, "triangle", 6.5, 1)
STYLES = {
    CANDIDATE: LEARNED,
    "prompt": STRATEGY,
    "local": STRATEGY,
    "hybrid": STRATEGY,
    "profile-quality": STRATEGY,
    "profile-cost": STRATEGY,
    "hand-written": WRITTEN,
    INCUMBENT: WRITTEN,
    "tier-1": CONSTANT,
    "tier-2": CONSTANT,
    "tier-3": CONSTANT,
    ORACLE: BOUND,
}
LABELS = {
    CANDIDATE: "learned",
    "prompt": "prompt",
    "tier-1": "all on Tier 1",
    "tier-2": "all on Tier 2",
    "tier-3": "all on Tier 3",
    "hand-written": "hand-written prompt",
    INCUMBENT: "current prompt",
    ORACLE: "oracle (upper bound)",
    "random": "random at the same mix",
    "knn": "nearest neighbors",
    "linear": "linear model",
    "clusters": "table of clusters",
    "length": "length only",
}


def style_of(policy: str) -> PolicyStyle:
    return STYLES.get(policy, BASELINE)


def label_of(policy: str) -> str:
    return LABELS.get(policy, policy.replace("-", " "))
