"""What a run will cost at most, before anything is paid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome_row import tiers_to_judge
from route_switch.domain.learning.text_policy import DEMO_TOKENS
from route_switch.domain.pricing import Price, Usage, cost_usd
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.query import text_of
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing_prompt import MAX_BYTES, RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.domain.tokens import BYTES_PER_TOKEN, estimate_tokens
from route_switch.optimizer.mipro_search import SearchSize
from route_switch.services.learning.build_outcomes import MissingAnswer
from route_switch.services.learning.judge_answers import MAX_LABELS
from route_switch.services.learning.paid_calls import Purpose

ANSWER_TOKENS = 500
"""Assumed of an answer that nobody has recorded."""
PROPOSAL_TOKENS = 2000
VERDICT_TOKENS = 200
ROUTER_TOKENS = 16
SUMMARY_CALLS = 11
"""MIPROv2 describes up to ten batches of training queries and then sums up."""
CALLS_A_PROPOSAL = 3


@dataclass(frozen=True, slots=True)
class Expected:
    """Calls of one purpose; `usd` is None where the model's price is not known."""

    purpose: Purpose
    model: str
    calls: int
    usd: float | None


@dataclass(frozen=True, slots=True)
class Task:
    """What an estimate rests on. `missing` are the answers that nobody recorded; `rows` counts
    the examples of validation and held-out."""

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


def estimate(task: Task, prices: Mapping[str, Price]) -> tuple[Expected, ...]:
    """An upper estimate for the router (no answer of it is reused), a plain one for the others."""
    expected = [_answers(task, prices, tier) for tier in sorted(task.models)]
    if task.judge_model is not None:
        expected.append(_verdicts(task, prices, task.judge_model))
    proposals = task.rounds * (SUMMARY_CALLS + CALLS_A_PROPOSAL * task.size.candidates)
    read = task.size.view_data_batch_size * DEMO_TOKENS + PROPOSAL_TOKENS
    expected.append(
        _expected(Purpose.PROPOSER, task.proposer_model, proposals, read, PROPOSAL_TOKENS, prices)
    )
    routed = task.rounds * (task.size.trials + 1) * task.validation_rows + 3 * task.heldout_rows
    router, read = task.config.models.router, _routing_tokens(task.config)
    expected.append(_expected(Purpose.ROUTER, router, routed, read, ROUTER_TOKENS, prices))
    return tuple(expected)


def growth_usd(
    incumbent: RoutingPrompt, config: RouterConfig, prices: Mapping[str, Price]
) -> float:
    """What a router call may cost more with the longest prompt that there may be."""
    longer = max(MAX_BYTES - len(to_markdown(incumbent).encode()), 0) // BYTES_PER_TOKEN
    return cost_usd(Usage(longer, 0), prices.get(config.models.router)) or 0.0


def _routing_tokens(config: RouterConfig) -> int:
    return MAX_BYTES // BYTES_PER_TOKEN + config.router_max_input_tokens


def _answers(task: Task, prices: Mapping[str, Price], tier: Tier) -> Expected:
    missing = [m.example for m in task.missing if m.tier is tier]
    read = sum(_tokens(example) for example in missing)
    usage = Usage(read, ANSWER_TOKENS * len(missing))
    model = task.models[tier]
    return Expected(Purpose.ANSWER, model, len(missing), _usd(usage, model, prices))


def _verdicts(task: Task, prices: Mapping[str, Price], model: str) -> Expected:
    """One and a half for each pair: the other order is asked for some. Where anything is judged,
    the judge is compared with labels as well."""
    judged = [len(tiers_to_judge(example, task.models)) for example in task.examples]
    pairs = sum(judged)
    if pairs:
        pairs += min(judged.count(0) * (len(task.models) - 1), MAX_LABELS)
    mean = sum(map(_tokens, task.examples)) // max(len(task.examples), 1)
    calls = pairs * 3 // 2
    return _expected(Purpose.JUDGE, model, calls, mean + 2 * ANSWER_TOKENS, VERDICT_TOKENS, prices)


def _expected(
    purpose: Purpose,
    model: str,
    calls: int,
    read: int,
    written: int,
    prices: Mapping[str, Price],
) -> Expected:
    return Expected(
        purpose, model, calls, _usd(Usage(calls * read, calls * written), model, prices)
    )


def _usd(usage: Usage, model: str, prices: Mapping[str, Price]) -> float | None:
    return cost_usd(usage, prices.get(model)) if usage.total_tokens else 0.0


def _tokens(example: Example) -> int:
    return sum(estimate_tokens(text_of(message)) for message in example.messages)
