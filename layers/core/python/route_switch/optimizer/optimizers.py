"""The optimizers that a run may use, by name. Each is one row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version

from route_switch.domain.learning.learning_config import OptimizerName
from route_switch.optimizer.prompt_search import PromptSearch, SearchSize
from route_switch.optimizer.search_session import SearchParts


@dataclass(frozen=True, slots=True)
class Optimizer:
    """`packages` are those whose version may change what a search finds.

    `trials` returns how many prompts a search evaluates, None if that depends on the proposals.
    `feedback_tokens` is what the proposer reads with each example in addition to its query.
    """

    title: str
    new_search: Callable[[SearchParts], PromptSearch]
    packages: tuple[str, ...]
    trials: Callable[[SearchSize], int | None]
    feedback_tokens: int

    @property
    def versions(self) -> dict[str, str]:
        return {package: version(package) for package in self.packages}


# Imported only if a run asks for them.
def _mipro(parts: SearchParts) -> PromptSearch:
    from route_switch.optimizer.mipro_search import MiproSearch

    return MiproSearch(parts)


def _gepa(parts: SearchParts) -> PromptSearch:
    from route_switch.optimizer.gepa_search import GepaSearch

    return GepaSearch(parts)


OPTIMIZERS: Mapping[OptimizerName, Optimizer] = {
    "mipro": Optimizer("MIPROv2", _mipro, ("dspy", "optuna"), lambda size: size.trials + 1, 0),
    "gepa": Optimizer("GEPA", _gepa, ("dspy", "gepa"), lambda _: None, 50),
}
