"""The regret of a choice: what the best tier for a query would have been worth more.

GEPA scores prompts by the reward, as MIPROv2 does, and shows the proposer the regret in words.
"""

from collections.abc import Sequence

import dspy

from route_switch.domain.learning.sides import Side
from route_switch.domain.tiers import Tier
from route_switch.optimizer.metric import Metric
from route_switch.optimizer.search_session import as_examples
from route_switch.optimizer.training import LabeledQuery


class Regret:
    """Regret on training queries, as a number and in words that quote no query."""

    def __init__(self, trainset: Sequence[LabeledQuery], tiers: Sequence[Tier]) -> None:
        self._queries = {query.text: query for query in reversed(trainset)}
        self._tiers = tiers
        self._columns = {str(tier.value): column for column, tier in enumerate(tiers)}

    def of(self, query: str, tier: str) -> float:
        """Return the regret in units of the reward; 0 if the query's best tier did no better.

        The best tier is the training query's label, which rests on similar queries too: that a
        single row did better with another tier is mostly luck.
        """
        labeled = self._queries[query]
        return max(labeled.rewards[labeled.best] - labeled.rewards[self._columns[tier]], 0.0)

    def in_words(self, query: str, tier: str) -> str:
        labeled, chosen = self._queries[query], self._columns[tier]
        if chosen == labeled.best:
            return f"Tier {tier} was chosen, and it is the best tier for this query."
        regret = self.of(query, tier)
        if regret == 0.0:
            return f"Tier {tier} was chosen, and no other choice is known to be better."
        said = f"Tier {tier} was chosen. {self._name(labeled.best)} would have been worth "
        return f"{said}{regret:.2f} more{self._why(labeled, chosen)}."

    def _why(self, query: LabeledQuery, chosen: int) -> str:
        if not query.as_good:
            return ""
        better, worse = self._name(query.best), self._name(chosen)
        largest = self._name(len(self._tiers) - 1)
        match query.as_good[chosen], query.as_good[query.best]:
            case False, True if better == largest:
                return f": {worse}'s answer was rated worse than {largest}'s"
            case False, True:
                return f": {worse}'s answer was rated worse than {largest}'s, {better}'s was not"
            case True, True:
                return f": {better}'s answer was rated no worse and cost less"
            case False, False:
                return f": both answers were rated worse than {largest}'s, and {better}'s cost less"
            case _:
                return f": {worse}'s answer was rated better, but it cost more than that is worth"

    def _name(self, column: int) -> str:
        return f"Tier {self._tiers[column].value}"


class RegretMetric:
    """The reward as GEPA reads it, with the regret in words when it asks for one predictor.

    Training and validation queries have separate tables: the same text may be on both sides.
    """

    def __init__(
        self,
        trainset: list[LabeledQuery],
        valset: list[LabeledQuery],
        tiers: tuple[Tier, ...],
        usd_weight: float,
        feedback: Regret,
    ) -> None:
        everything = [*trainset, *valset]  # one shift for both sides
        self.validation = Metric(everything, valset, tiers, usd_weight)
        self._by_side = {
            Side.TRAIN: Metric(everything, trainset, tiers, usd_weight),
            Side.VALIDATION: self.validation,
        }
        self._feedback = feedback

    def __call__(
        self,
        gold: dspy.Example,
        pred: dspy.Prediction,
        trace: object = None,  # noqa: ARG002 (GEPA's protocol; also below)
        pred_name: str | None = None,
        pred_trace: object = None,  # noqa: ARG002
    ) -> float | dspy.Prediction:
        score = float(self._by_side[gold.side](gold, pred))
        if pred_name is None:
            return score
        words = self._feedback.in_words(gold.query, pred.tier)
        return dspy.Prediction(score=score, feedback=words)


def examples_of(
    side: Side, queries: list[LabeledQuery], tiers: tuple[Tier, ...]
) -> list[dspy.Example]:
    """Return examples that know their side. GEPA shows the proposer the query alone."""
    return [example.copy(side=side) for example in as_examples(queries, tiers)]
