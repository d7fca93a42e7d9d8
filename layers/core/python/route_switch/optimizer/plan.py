"""The settings of a learning run, and what it reports while it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from route_switch.domain.learning.calibration import MIN_KAPPA
from route_switch.domain.learning.learning_config import LearnedStrategy, OptimizerName
from route_switch.domain.learning.text_policy import LearnFromText
from route_switch.domain.learning.understanding import MAX_NOT_UNDERSTOOD
from route_switch.domain.pricing import Price
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.tiers import Tier
from route_switch.optimizer.prompt_search import SearchSize
from route_switch.services.learning.judge_answers import JudgeModel


@dataclass(frozen=True, slots=True)
class Plan:
    """The settings of a run. `prices` holds every known price."""

    models: Mapping[Tier, str]
    prices: Mapping[str, Price]
    config: RouterConfig
    proposer_model: str
    judge_model: str | None
    lambda_: float = 0.2
    seed: int = 1
    threads: int = 8
    rounds: int = 2
    size: SearchSize = field(default_factory=SearchSize)
    learn_from_text: LearnFromText = "redacted"
    lowest_kappa: float = MIN_KAPPA
    max_quality_loss: float | None = None
    no_worse_margin: float = 0.0
    judge_takes_schema: bool = False
    max_not_understood: float = MAX_NOT_UNDERSTOOD
    optimizer: OptimizerName = "mipro"
    strategy: LearnedStrategy = "prompt"

    @property
    def searches(self) -> bool:
        """Whether the run searches for a better prompt, which takes a proposer."""
        return self.strategy != "local"

    @property
    def judge(self) -> JudgeModel | None:
        name = self.judge_model
        return None if name is None else JudgeModel(name, self.judge_takes_schema)


class Progress(Protocol):
    """Receives progress: each step's name, with its number of parts if known, and each trial."""

    def step(self, name: str, parts: int | None = None) -> None: ...

    def trial(self, number: int, best: float) -> None: ...
