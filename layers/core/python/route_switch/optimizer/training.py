"""The input of the search: queries with their rewards and, in train, their best tier."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome import OutcomeTable
from route_switch.domain.learning.text_policy import (
    BY_POLICY,
    NEEDS_CONTEXT,
    LearnFromText,
    as_demo,
    is_short_and_whole,
    needs_context,
    text_for_learning,
    why_withheld,
)
from route_switch.domain.router_config import RouterConfig
from route_switch.optimizer.arrays import Floats, OutcomeArrays, arrays_of
from route_switch.optimizer.demos import choose_demos
from route_switch.optimizer.labels import best_tiers
from route_switch.optimizer.neighbors import EmbedTexts, Vectors, embed_all


@dataclass(frozen=True, slots=True)
class LabeledQuery:
    """A query as the router LLM sees it.

    `rewards` is in the order of the tiers, and `best` is the column of the best tier. `weight` is
    relative: 1 on average. `demo_rank` is a train query's place among those that may become demos
    (short, whole and typical), and None for all others. `as_good` says, in the order of the tiers,
    whether the answer is no worse than the largest tier's; it is empty if it is not asked for.
    """

    text: str
    best: int
    rewards: tuple[float, ...]
    weight: float = 1.0
    demo_rank: int | None = 0
    as_good: tuple[bool, ...] = ()


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """`train` has the queries whose best tier is certain enough to teach from.

    Queries that bypass the router are on neither side: no prompt changes their tier. `withheld_by`
    counts the train rows whose text is not shown, by reason: the policy, the safety rules, or that
    it says too little without what is before it.
    """

    train: list[LabeledQuery]
    validation: list[LabeledQuery]
    withheld_by: Mapping[str, int]

    @property
    def withheld(self) -> int:
        return sum(self.withheld_by.values())


def training_set(
    train: OutcomeTable,
    validation: OutcomeTable,
    config: RouterConfig,
    embed: EmbedTexts,
    policy: LearnFromText,
    lambda_: float,
) -> TrainingSet:
    """Return what to learn from. Raise `ConfigurationError` if nothing is left."""
    arrays = arrays_of(train, lambda_)
    rewards = arrays.rewards(lambda_)
    vectors = embed_all(train.examples, embed, config.router_max_input_tokens)
    best, trusted = best_tiers(rewards, vectors.astype(np.float64))
    labels = [int(tier) if known else None for tier, known in zip(best, trusted, strict=True)]
    rows, withheld = _taught(train.examples, arrays, rewards, labels, config, policy)
    taught = _with_demo_ranks(rows, vectors)
    measured = _measured(
        validation.examples, arrays_of(validation, lambda_).rewards(lambda_), config
    )
    if not taught or not measured:
        sides = train.examples, validation.examples
        raise ConfigurationError(
            _nothing_left(len(taught), len(measured), *sides, config, withheld)
        )
    return TrainingSet(taught, measured, withheld)


def _taught(
    examples: Sequence[Example],
    arrays: OutcomeArrays,
    rewards: Floats,
    labels: Sequence[int | None],
    config: RouterConfig,
    policy: LearnFromText,
) -> tuple[dict[int, LabeledQuery], Counter[str]]:
    """Return the queries to teach from by row, and how many are withheld, by reason. Those that
    need their conversation are used only if there are no others. A query without a label is not
    used."""
    taught: dict[int, LabeledQuery] = {}
    dependent: dict[int, LabeledQuery] = {}
    withheld: Counter[str] = Counter()
    outcomes = zip(examples, rewards, arrays.equivalent > 0, labels, strict=True)
    for number, (example, row, as_good, best) in enumerate(outcomes):
        text = text_for_learning(example, policy)
        if text is None:
            withheld[why_withheld(example, policy) or BY_POLICY] += 1
        elif best is not None and not config.bypasses(example.as_query):
            shown = as_demo(example.as_query, text)
            query = LabeledQuery(shown, best, tuple(row.tolist()), as_good=tuple(as_good.tolist()))
            if shown:
                (dependent if needs_context(example) else taught)[number] = query
    if taught and dependent:
        withheld[NEEDS_CONTEXT] = len(dependent)
    return taught or dependent, withheld


def _with_demo_ranks(rows: Mapping[int, LabeledQuery], vectors: Vectors) -> list[LabeledQuery]:
    queries = list(rows.values())
    chosen = choose_demos(
        vectors[list(rows)],
        [query.best for query in queries],
        [is_short_and_whole(query.text) for query in queries],
    )
    ranks = {row: rank for rank, row in enumerate(chosen)}
    return [replace(query, demo_rank=ranks.get(row)) for row, query in enumerate(queries)]


def why_nothing_is_left(
    train: Sequence[Example],
    validation: Sequence[Example],
    config: RouterConfig,
    policy: LearnFromText,
) -> str | None:
    """Return why no query of a side can be used, as far as that is known without outcomes."""
    withheld = Counter(reason for e in train if (reason := why_withheld(e, policy)) is not None)
    taught = sum(why_withheld(e, policy) is None and not config.bypasses(e.as_query) for e in train)
    measured = sum(not config.bypasses(e.as_query) for e in validation)
    if taught and measured:
        return None
    return _nothing_left(taught, measured, train, validation, config, withheld)


def _nothing_left(
    taught: int,
    measured: int,
    train: Sequence[Example],
    validation: Sequence[Example],
    config: RouterConfig,
    withheld: Mapping[str, int],
) -> str:
    by_policy = withheld.get(BY_POLICY, 0)
    safe = (BY_POLICY, NEEDS_CONTEXT)
    unsafe = {reason: n for reason, n in withheld.items() if reason not in safe}
    said = (
        f"Nothing is left to learn from: {taught} train and {measured} validation queries are "
        "usable."
    )
    said += _why_bypassed((*train, *validation), config)
    if by_policy:
        said += (
            f" {by_policy} may not be shown with learn_from_text=off; 'redacted' shows them "
            "without personal data."
        )
    if unsafe:
        reasons = ", ".join(f"{reason}: {n}" for reason, n in sorted(unsafe.items()))
        said += (
            f" {sum(unsafe.values())} are withheld because their text is not safe in a prompt, "
            f"under any setting ({reasons})."
        )
    return f"{said} Add examples to the file."


def _why_bypassed(examples: Sequence[Example], config: RouterConfig) -> str:
    short = sum(config.bypasses(example.as_query) for example in examples)
    if not short:
        return ""
    return (
        f" {short} of {len(examples)} are shorter than {config.bypass_tokens} tokens, so they "
        "bypass the router and no prompt changes their tier; --no-bypass (in a stage: "
        "router.bypass_tokens 0) routes them too."
    )


def _measured(
    examples: Sequence[Example], rewards: Floats, config: RouterConfig
) -> list[LabeledQuery]:
    routed = [
        (example, row)
        for example, row in zip(examples, rewards, strict=True)
        if not config.bypasses(example.as_query)
    ]
    mean = sum(example.weight for example, _ in routed) / max(len(routed), 1)
    return [
        LabeledQuery(
            example.as_query.for_router(config.router_max_input_tokens),
            int(row.argmax()),
            tuple(row.tolist()),
            example.weight / mean,
        )
        for example, row in routed
    ]
