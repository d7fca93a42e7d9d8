"""The estimated cost of a run, before anything is paid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from route_switch.domain.learning import transcript
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.judging import MAX_QUERY_TOKENS
from route_switch.domain.learning.learning_config import OptimizerName
from route_switch.domain.learning.outcome_row import tiers_to_judge
from route_switch.domain.learning.text_policy import DEMO_TOKENS
from route_switch.domain.pricing import Price, cost_usd
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing_prompt import MAX_BYTES, RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.domain.tokens import BYTES_PER_TOKEN, estimate_tokens
from route_switch.domain.usage import Usage
from route_switch.optimizer.optimizers import OPTIMIZERS
from route_switch.optimizer.prompt_search import SearchSize
from route_switch.optimizer.steering_effort import steering_calls
from route_switch.services.estimate_router_calls import output_tokens
from route_switch.services.learning.answer_examples import MissingAnswer
from route_switch.services.learning.calibrate_judge import MAX_LABELS
from route_switch.services.learning.input_tokens import read_tokens
from route_switch.services.learning.paid_calls import Purpose

ANSWER_TOKENS = 500
"""Assumed length of an answer without a recording."""
PROPOSAL_TOKENS = 2000
VERDICT_TOKENS = 200


@dataclass(frozen=True, slots=True)
class ExpectedCalls:
    """The expected calls of one purpose. `usd` is None if the model's price is unknown."""

    purpose: Purpose
    model: str
    calls: int
    usd: float | None


@dataclass(frozen=True, slots=True)
class EstimateInputs:
    """The inputs of an estimate. `missing` are the answers without a recording."""

    models: Mapping[Tier, str]
    missing: Sequence[MissingAnswer]
    examples: Sequence[Example]
    validation_rows: int
    heldout_rows: int
    config: RouterConfig
    proposer_model: str
    judge_model: str | None
    rounds: int
    size: SearchSize
    optimizer: OptimizerName = "mipro"
    searches: bool = True
    """Whether the run searches for a prompt; `local` only compares with the live one."""


def estimate(inputs: EstimateInputs, prices: Mapping[str, Price]) -> tuple[ExpectedCalls, ...]:
    """Estimate a run's calls. For the router it is an upper bound: no answer is reused."""
    expected = [_answers(inputs, prices, tier) for tier in sorted(inputs.models)]
    if inputs.judge_model is not None:
        expected.append(_verdicts(inputs, prices, inputs.judge_model))
    router = inputs.config.models.router
    read, written = _routing_tokens(inputs.config), output_tokens(inputs.config)
    prompts = inputs.rounds * inputs.size.candidates if inputs.searches else 0
    tried = steering_calls(router, prompts)
    if not inputs.searches:
        compared = 2 * inputs.heldout_rows + tried
        return *expected, _expected(Purpose.ROUTER, router, compared, read, written, prices)
    expected.append(_proposals(inputs, prices))
    searched = inputs.rounds * inputs.size.router_calls(inputs.validation_rows)
    routed = searched + 3 * inputs.heldout_rows + tried
    expected.append(_expected(Purpose.ROUTER, router, routed, read, written, prices))
    return tuple(expected)


def _proposals(inputs: EstimateInputs, prices: Mapping[str, Price]) -> ExpectedCalls:
    proposals = inputs.rounds * inputs.size.proposer_calls()
    shown = DEMO_TOKENS + OPTIMIZERS[inputs.optimizer].feedback_tokens
    read = inputs.size.view_data_batch_size * shown + PROPOSAL_TOKENS
    model = inputs.proposer_model
    return _expected(Purpose.PROPOSER, model, proposals, read, PROPOSAL_TOKENS, prices)


def growth_usd(
    incumbent: RoutingPrompt, config: RouterConfig, prices: Mapping[str, Price]
) -> float:
    """Return how much more a router call may cost with the longest prompt allowed."""
    longer = max(MAX_BYTES - len(to_markdown(incumbent).encode()), 0) // BYTES_PER_TOKEN
    return cost_usd(Usage(longer, 0), prices.get(config.models.router)) or 0.0


def most_usd_per_router_call(config: RouterConfig, prices: Mapping[str, Price]) -> float:
    """Return what the estimate assumes of a router call: the longest prompt and query allowed."""
    usage = Usage(_routing_tokens(config), output_tokens(config))
    return cost_usd(usage, prices.get(config.models.router)) or 0.0


def _routing_tokens(config: RouterConfig) -> int:
    return MAX_BYTES // BYTES_PER_TOKEN + config.router_max_input_tokens


def _answers(inputs: EstimateInputs, prices: Mapping[str, Price], tier: Tier) -> ExpectedCalls:
    missing = [m.example for m in inputs.missing if m.tier is tier]
    read = sum(_tokens(example) for example in missing)
    usage = Usage(read, ANSWER_TOKENS * len(missing))
    model = inputs.models[tier]
    return ExpectedCalls(Purpose.ANSWER, model, len(missing), _usd(usage, model, prices))


def _verdicts(inputs: EstimateInputs, prices: Mapping[str, Price], model: str) -> ExpectedCalls:
    """Estimate 1.5 verdicts per pair, because some pairs are asked in both orders.

    If anything is judged, the judge is also compared with labels.
    """
    judged = [len(tiers_to_judge(example, inputs.models)) for example in inputs.examples]
    pairs = sum(judged)
    if pairs:
        pairs += min(judged.count(0) * (len(inputs.models) - 1), MAX_LABELS)
    mean = sum(map(_judged_tokens, inputs.examples)) // max(len(inputs.examples), 1)
    calls = pairs * 3 // 2
    return _expected(Purpose.JUDGE, model, calls, mean + 2 * ANSWER_TOKENS, VERDICT_TOKENS, prices)


def _expected(
    purpose: Purpose,
    model: str,
    calls: int,
    read: int,
    written: int,
    prices: Mapping[str, Price],
) -> ExpectedCalls:
    return ExpectedCalls(
        purpose, model, calls, _usd(Usage(calls * read, calls * written), model, prices)
    )


def _usd(usage: Usage, model: str, prices: Mapping[str, Price]) -> float | None:
    return cost_usd(usage, prices.get(model)) if usage.total_tokens else 0.0


def _tokens(example: Example) -> int:
    return read_tokens(example.messages)


def _judged_tokens(example: Example) -> int:
    """Return what the judge reads of the conversation, the steps after the query, and the query."""
    shortened = (example.conversation, example.turn[1:])
    read = sum(min(read_tokens(messages), transcript.MAX_TOKENS) for messages in shortened)
    return read + min(estimate_tokens(example.query), MAX_QUERY_TOKENS)
