"""The port of an optimizer: a search over prompts for the one with the highest mean reward."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from route_switch.domain.learning.promotion import select_best
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.optimizer.training import LabeledQuery

MAX_DESCRIBED_BATCHES = 10
CALLS_PER_PROPOSAL = 3
"""MIPROv2 describes the program and its module, and then writes an instruction."""


@dataclass(frozen=True, slots=True)
class SearchSize:
    """How far a search goes.

    The words are MIPROv2's: `candidates` is the number of instructions and of demo sets, including
    the incumbent's, and each trial evaluates one pair of them on all validation rows. A few demos
    are enough: people read the prompt, and the criteria are what generalizes. Another optimizer may
    make as many calls as MIPROv2 makes with this size.
    """

    candidates: int = 14
    trials: int = 40
    demos: int = 9
    view_data_batch_size: int = 20

    def router_calls(self, validation_rows: int) -> int:
        """Return how often MIPROv2 routes a query: it evaluates the incumbent before its trials."""
        return (self.trials + 1) * validation_rows

    def proposer_calls(self, train_rows: float = math.inf) -> int:
        """Return how often MIPROv2 asks the proposer: it describes batches of training queries,
        summarizes them, and then writes the instructions."""
        described = min(train_rows / self.view_data_batch_size, MAX_DESCRIBED_BATCHES)
        return math.ceil(described) + 1 + CALLS_PER_PROPOSAL * self.candidates


@dataclass(frozen=True, slots=True)
class Trial:
    """A prompt and its mean reward on the routed validation rows."""

    prompt: RoutingPrompt
    reward: float


class PromptSearch(Protocol):
    """A search in one process.

    `trials` holds every prompt evaluated on all validation rows so far, the incumbent first, and
    `rejected` counts the proposals that were not, by reason. Both are valid at any interruption.
    """

    trials: list[Trial]
    rejected: Counter[str]

    @property
    def best(self) -> Trial: ...

    def __call__(
        self,
        incumbent: RoutingPrompt,
        trainset: list[LabeledQuery],
        valset: list[LabeledQuery],
        size: SearchSize,
        seed: int,
    ) -> None:
        """Search. Raise `RunStoppedError` if stopped; the results so far are in `trials`.

        The same arguments and answers give the same trials, so a search is resumed by repeating it
        from the memo.
        """


class SearchRecord:
    """What every `PromptSearch` records. `on_trial` receives the number of trials and the best."""

    def __init__(self, on_trial: Callable[[int, float], None]) -> None:
        self._on_trial = on_trial
        self.trials: list[Trial] = []
        self.rejected: Counter[str] = Counter()

    @property
    def best(self) -> Trial:
        """The best trial: the incumbent on a tie, else the prompt with the fewest demos."""
        first = select_best([trial.reward for trial in self.trials])
        tied = [trial for trial in self.trials if trial.reward == self.trials[first].reward]
        return tied[0] if first == 0 else min(tied, key=lambda trial: len(trial.prompt.demos))

    def record(self, trial: Trial) -> None:
        self.trials.append(trial)
        self._on_trial(len(self.trials), self.best.reward)
