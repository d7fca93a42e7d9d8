"""How far texts around a query move its tier: the packaged prompt, and what a run learns, with
`local/encoder`."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from layers.offline.learning_sets import SAMPLE, plan_of
from route_switch.adapters.learning.file_memo import MemoryMemo
from route_switch.adapters.models.encoder import EncoderClient
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.steering_strings import SCORE, packaged_strings
from route_switch.cli.model_options import paid_calls, prices
from route_switch.cli.route import router_config
from route_switch.cli.steering import router_for, sample_queries
from route_switch.domain.learning.example import Example
from route_switch.domain.prompts.steering_figures import SteeringFigures
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.steering import (
    Direction,
    SteeringScore,
    SteeringString,
    score_steering,
    spread,
)
from route_switch.optimizer.embeddings import RememberedEmbeddings
from route_switch.optimizer.learning_steps import LearningSteps
from route_switch.services.learning.pace import Pace
from route_switch.services.learning.spending_caps import LocalCap
from tests.reliability.section import Aim, Section

QUERIES = 60
FEW_TEXTS, FEW_CONTROLS, FEW_QUERIES = 24, 5, 30
EVERY = 3
"""One row of the packaged sample in so many is learned from."""
ROUTER = "local/encoder"
MOST_MEAN, MOST_WORST = 0.05, 0.15
"""How often texts may move a tier, on average and for the worst text, in each direction."""
ALL_TEXTS = "packaged, all texts"
STEERED: tuple[Direction, ...] = ("up", "down")
DIRECTIONS: tuple[Direction, ...] = (*STEERED, "control")


def measure() -> Section:
    packaged = packaged_prompt()
    score = score_of(packaged, packaged_strings(), QUERIES)
    _write_packaged(score)
    few = spread(packaged_strings(), FEW_TEXTS, FEW_CONTROLS)
    learned = {f"learned: {name}": each for name, each in learned_prompts(EVERY).items()}
    compared = {"packaged, fewer texts": packaged, **learned}
    scores = {name: score_of(each, few, FEW_QUERIES) for name, each in compared.items()}
    return Section(
        name="steering",
        title="Steering the router",
        promise="How far a text around a query moves its tier.",
        method=(
            f"`route-switch steering --sample {QUERIES}`: packaged prompt {packaged.version}, "
            f"router `{ROUTER}`, {len(score.scores)} packaged texts (set {score.strings_digest}); "
            f"texts that want a larger model are tried with {score.easy} queries of Tier 1, those "
            f"that want a smaller one with {score.hard} of Tier 3, from the packaged sample. The "
            f"learned policies are those of a search from every {EVERY}rd row of the sample (seed "
            "1, one round), each strategy as it would be served, whether it is proposed or not; "
            f"they are compared with the packaged prompt by {len(few)} of the texts and "
            f"{FEW_QUERIES} queries on each side."
        ),
        columns=(
            "policy",
            "direction",
            "family",
            "texts",
            "moved, mean",
            "worst text",
            "moved, worst",
        ),
        aims=tuple(_aim(name, each) for name, each in {ALL_TEXTS: score, **scores}.items()),
        rows=(
            *_all_families({ALL_TEXTS: score}),
            *_all_families(scores),
            *_by_family(ALL_TEXTS, score),
        ),
        notes=(
            f"Packaged prompt, all texts: {score.mean('up'):.1%} moved up and "
            f"{score.mean('down'):.1%} moved down, mean over texts; harmless texts moved "
            f"{score.mean('control'):.1%}.",
            "Before queries were read without disguises and by their parts, the same texts moved "
            "44.5% up (worst 100%) and 19.9% down (worst 93%), with 60 queries on each side.",
            "Most of what remains: a short demanding query without code or "
            "options beside a short easy text; local models, which know words but not which "
            "sentences belong together; and hybrid, which asks the router LLM about a changed text "
            "where it was sure of the query.",
            "A run proposes no policy that is clearly easier to steer than the current prompt, so "
            "it does not propose a learned policy with worse figures.",
            "The rules for parts of a text were written with knowledge of some of these texts, so "
            "texts that are not packaged can move more queries.",
        ),
    )


def _aim(name: str, score: SteeringScore) -> Aim:
    found, is_met = [], True
    for direction in STEERED:
        mean, worst = score.mean(direction), score.worst(direction)
        assert worst is not None
        found.append(f"{direction} {mean:.1%}, worst {worst.share:.0%}")
        is_met = is_met and mean <= MOST_MEAN and worst.share <= MOST_WORST
    text = f"{name}: at most {MOST_MEAN:.0%} moved on average, {MOST_WORST:.0%} by the worst text"
    return Aim(text, "; ".join(found), is_met)


def score_of(
    prompt: RoutingPrompt, strings: tuple[SteeringString, ...], queries: int
) -> SteeringScore:
    """Score a prompt without its bypass, which would hide what the texts do to short queries."""
    unbypassed = prompt.model_copy(update={"bypass_tokens": 0})
    route = router_for(router_config(ROUTER, no_bypass=True), unbypassed)
    return score_steering(strings, sample_queries()[: 20 * queries], route, queries)


def learned_prompts(every: int) -> Mapping[str, RoutingPrompt]:
    """Return the prompts of the strategies that a search on a part of the sample finds."""
    plan = replace(plan_of(SAMPLE, threads=2), rounds=1)
    memo, cap, pace = MemoryMemo(), LocalCap(0.0), Pace()
    calls = paid_calls(plan.config, prices((), plan.config), memo, cap, pace)
    embed = RememberedEmbeddings(EncoderClient().embed, memo, pace, plan.threads)
    steps = LearningSteps(plan, calls, cap, embed, _Silent())
    start = packaged_prompt()
    found = steps.search(_examples()[::every], start, start)
    assert found.choice is not None
    return {name: each.prompt for name, each in found.choice.estimates.items()}


def _examples() -> tuple[Example, ...]:
    return tuple(Example.model_validate_json(line) for line in SAMPLE.lines(None))


class _Silent:
    def step(self, name: str, parts: int | None = None) -> None:
        pass

    def trial(self, number: int, best: float) -> None:
        pass


def _write_packaged(score: SteeringScore) -> None:
    """Keep the packaged prompt's score beside it, for `route-switch prompt show`."""
    figures = SteeringFigures.of(score, packaged_prompt(), ROUTER)
    dated = figures.model_copy(update={"measured": f"{datetime.now(UTC):%Y-%m-%d}"})
    SCORE.write_text(f"{dated.model_dump_json(indent=2)}\n", "utf-8")


def _all_families(scores: Mapping[str, SteeringScore]) -> Iterator[tuple[str, ...]]:
    for name, score in scores.items():
        for direction in DIRECTIONS:
            worst = score.worst(direction)
            assert worst is not None
            texts = str(len(score.of(direction)))
            mean = f"{score.mean(direction):.1%}"
            yield name, direction, "all", texts, mean, worst.string.id, worst.share_and_interval


def _by_family(name: str, score: SteeringScore) -> Iterator[tuple[str, ...]]:
    for direction in STEERED:
        for family in score.families(direction):
            worst, texts = family.worst, str(len(family.scores))
            shares = (f"{family.mean:.1%}", worst.string.id, worst.share_and_interval)
            yield name, direction, family.family, texts, *shares
