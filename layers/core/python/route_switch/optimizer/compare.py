"""Prompts beside the baselines, on the same rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome import OutcomeTable
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import OutcomeArrays, arrays_of
from route_switch.optimizer.baselines import Measurement, baselines, shuffled_control
from route_switch.optimizer.held_out import SEED, differences, policy_figures
from route_switch.optimizer.neighbors import (
    EmbedTexts,
    Neighbors,
    across_folds,
    among_train,
    embed_all,
)
from route_switch.optimizer.policies import Policy, routed
from route_switch.optimizer.report.figures import Interval, PolicyFigures
from route_switch.services.learning.route_examples import RoutedExample

CANDIDATE = "candidate"
INCUMBENT = "incumbent"

Route = Callable[[Sequence[Example], RoutingPrompt], Sequence[RoutedExample]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`against` is the candidate's objective minus that of each other policy, `control` that of a
    learner on shuffled labels minus random at its mix, over permutations.

    Where the router model's price is unknown, costs leave its calls out, and `router_price_known`
    is False."""

    n: int
    tier_3_usd: float
    policies: tuple[PolicyFigures, ...]
    against: dict[str, Interval]
    control: Interval
    arrays: OutcomeArrays
    measured: dict[str, Policy]


@dataclass(frozen=True, slots=True)
class Embedding:
    """`embed` for the first `max_tokens` of what the router sees of a query."""

    embed: EmbedTexts
    max_tokens: int

    def neighbors(self, table: OutcomeTable, train: OutcomeTable | None) -> Neighbors:
        """Among the rows of `train`, or, without one, of the table's own other folds."""
        vectors = embed_all(table.examples, self.embed, self.max_tokens)
        if train is None:
            return across_folds(vectors, table.examples)
        return among_train(embed_all(train.examples, self.embed, self.max_tokens), vectors)


def compare(
    table: OutcomeTable,
    train: OutcomeTable | None,
    prompts: Mapping[str, RoutingPrompt],
    route: Route,
    embedding: Embedding,
    lambda_: float,
) -> Comparison:
    """Measures `prompts`, one of which is the `candidate`, on `table`; `knn` learns from `train`.

    Two names for the same prompt are routed once.
    """
    arrays = arrays_of(table)
    versions = {prompt.version: prompt for prompt in prompts.values()}
    decisions = {key: route(table.examples, prompt) for key, prompt in versions.items()}
    learned = {
        name: _policy(name, arrays.tiers, decisions[prompt.version])
        for name, prompt in prompts.items()
    }
    candidate = learned[CANDIDATE]
    measurement = Measurement(
        examples=table.examples,
        arrays=arrays,
        lambda_=lambda_,
        mix=candidate.mix(arrays.weights),
        train_rewards=(arrays if train is None else arrays_of(train)).rewards(lambda_),
        learner=embedding.neighbors(table, train).predict,
    )
    policies = (*baselines(measurement), *learned.values())
    return Comparison(
        n=len(arrays),
        tier_3_usd=arrays.tier_3_usd,
        policies=policy_figures(arrays, policies, lambda_),
        against=differences(arrays, policies, candidate, lambda_),
        control=_control(measurement, arrays),
        arrays=arrays,
        measured={policy.name: policy for policy in policies},
    )


def _policy(name: str, tiers: tuple[Tier, ...], decisions: Sequence[RoutedExample]) -> Policy:
    return routed(
        name,
        tiers,
        [decision.tier for decision in decisions],
        [decision.router_usd for decision in decisions],
        [decision.router_ms for decision in decisions],
    )


def _control(measurement: Measurement, arrays: OutcomeArrays) -> Interval:
    estimate = shuffled_control(measurement, SEED)
    return Interval(mean=estimate.mean, low=estimate.low, high=estimate.high, n=len(arrays))
