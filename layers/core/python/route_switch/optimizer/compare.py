"""Compare prompts with each other and with the baselines, on the same rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome import OutcomeTable
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.optimizer.arrays import OutcomeArrays, arrays_of
from route_switch.optimizer.baselines import (
    Measurement,
    baselines,
    constants,
    shuffled_controls,
)
from route_switch.optimizer.held_out import SEED, differences, gains_over, policy_figures
from route_switch.optimizer.learners import learners_on
from route_switch.optimizer.neighbors import EmbedTexts
from route_switch.optimizer.policies import (
    CANDIDATE,
    HAND_WRITTEN,
    INCUMBENT,
    Policy,
    routed_policy,
)
from route_switch.optimizer.report.figures import Interval, PolicyFigures
from route_switch.services.learning.route_examples import RoutedExample

Route = Callable[[Sequence[Example], RoutingPrompt], Sequence[RoutedExample]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Policies on `n` rows from `templates` templates.

    `against` is the candidate's objective minus that of each other policy, and `incumbent_against`
    the incumbent's minus that of each constant policy. `over_hand_written` is the objective of each
    policy minus that of the hand-written prompt. `controls` are those of
    the learners on shuffled labels minus random at their mix, over permutations. If the router
    model's price is unknown, costs leave out its calls.
    """

    n: int
    templates: int
    tier_3_usd: float
    policies: tuple[PolicyFigures, ...]
    against: dict[str, Interval]
    incumbent_against: dict[str, Interval]
    over_hand_written: dict[str, Interval]
    controls: dict[str, Interval]
    arrays: OutcomeArrays
    measured: dict[str, Policy]


@dataclass(frozen=True, slots=True)
class Embedding:
    """Embeds what the router sees of a query, up to `max_tokens`."""

    embed: EmbedTexts
    max_tokens: int


def compare(
    table: OutcomeTable,
    train: OutcomeTable | None,
    prompts: Mapping[str, RoutingPrompt],
    route: Route,
    embedding: Embedding,
    lambda_: float,
) -> Comparison:
    """Measure `prompts`, among them `candidate`, `incumbent` and `hand-written`, on `table`.
    Baselines learn from `train`, or without it from other folds of `table`.

    A prompt with two names is routed once.
    """
    arrays = arrays_of(table, lambda_)
    versions = {prompt.version: prompt for prompt in prompts.values()}
    decisions = {key: route(table.examples, prompt) for key, prompt in versions.items()}
    prompt_policies = {
        name: decided_policy(name, arrays.tiers, decisions[prompt.version])
        for name, prompt in prompts.items()
    }
    candidate = prompt_policies[CANDIDATE]
    measurement = Measurement(
        examples=table.examples,
        arrays=arrays,
        lambda_=lambda_,
        mix=candidate.mix(arrays.weights),
        train_rewards=(arrays if train is None else arrays_of(train, lambda_)).rewards(lambda_),
        learners=learners_on(table, train, embedding.embed, embedding.max_tokens),
    )
    policies = (*prompt_policies.values(), *baselines(measurement))
    return Comparison(
        n=len(arrays),
        templates=len(arrays.rows_of_templates),
        tier_3_usd=arrays.tier_3_usd,
        policies=policy_figures(arrays, policies, lambda_),
        against=differences(arrays, policies, candidate, lambda_),
        incumbent_against=differences(
            arrays, constants(arrays), prompt_policies[INCUMBENT], lambda_
        ),
        over_hand_written=gains_over(arrays, policies, prompt_policies[HAND_WRITTEN], lambda_),
        controls=_controls(measurement),
        arrays=arrays,
        measured={policy.name: policy for policy in policies},
    )


def decided_policy(
    name: str, tiers: tuple[Tier, ...], decisions: Sequence[RoutedExample]
) -> Policy:
    return routed_policy(
        name,
        tiers,
        [decision.tier for decision in decisions],
        [decision.router_usd for decision in decisions],
        [decision.router_ms for decision in decisions],
    )


def _controls(measurement: Measurement) -> dict[str, Interval]:
    n = len(measurement.arrays)
    return {
        name: Interval(mean=found.mean, low=found.low, high=found.high, n=n)
        for name, found in shuffled_controls(measurement, SEED).items()
    }
