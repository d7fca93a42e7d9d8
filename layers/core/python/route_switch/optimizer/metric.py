"""The metric that MIPROv2 maximizes."""

from collections import defaultdict

import dspy

from route_switch.domain.tiers import Tier
from route_switch.optimizer.training import LabeledQuery

SCALE = 100.0
"""DSPy rounds the mean score times 100 to two decimals, so rewards keep six."""


class Metric:
    """Returns the reward of the chosen tier, shifted and scaled: DSPy takes no negative scores.

    While DSPy collects demos (`trace` is given), it returns whether the tier is the training
    query's best. Validation queries count by weight; queries that look the same to the router LLM
    get their mean reward.
    """

    def __init__(
        self,
        trainset: list[LabeledQuery],
        valset: list[LabeledQuery],
        tiers: tuple[Tier, ...],
        usd_weight: float,
    ) -> None:
        self._best = {query.text: query.best for query in trainset}
        self._measured = _by_text(valset)
        self._columns = {str(tier.value): column for column, tier in enumerate(tiers)}
        self._usd_weight = usd_weight
        queries = (*trainset, *valset)
        self._shift = 1.0 - min(reward for query in queries for reward in query.rewards)

    def __call__(
        self, example: dspy.Example, prediction: dspy.Prediction, trace: object = None
    ) -> float | bool:
        if prediction.tier == "":  # a prompt too large to be sent
            return 0.0
        column = self._columns[prediction.tier]
        if trace is not None:
            return column == self._best[example.query]
        weight, rewards = self._measured[example.query]
        reward = rewards[column] - self._usd_weight * prediction.router_usd
        return max(float(SCALE * weight * (reward + self._shift)), 0.0)

    def mean_reward(self, score: float) -> float:
        """Return the mean reward behind a score of DSPy's `Evaluate`."""
        return score / 100 / SCALE - self._shift


def _by_text(queries: list[LabeledQuery]) -> dict[str, tuple[float, tuple[float, ...]]]:
    """Return, by text, the mean weight and the weighted mean of the rewards."""
    same_text: defaultdict[str, list[LabeledQuery]] = defaultdict(list)
    for query in queries:
        same_text[query.text].append(query)
    return {text: _mean(same) for text, same in same_text.items()}


def _mean(queries: list[LabeledQuery]) -> tuple[float, tuple[float, ...]]:
    weight = sum(query.weight for query in queries)
    columns = zip(*(query.rewards for query in queries), strict=True)
    weights = [query.weight / weight for query in queries]
    rewards = (sum(w * r for w, r in zip(weights, column, strict=True)) for column in columns)
    return weight / len(queries), tuple(rewards)
