"""What hostile clients can make of learning. `python -m` prints the table of docs/learning.md.

Everything but the models and the search is the product's own code: collecting, capping, grading and
the gate. Queries have hidden types with their own chances of a right answer per tier. A policy maps
types to tiers, and the search tries every change of one type and keeps what is best on validation
rows: a stronger search than one that has to write a prompt, and a worse case.
"""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random

import numpy as np

from route_switch.domain.learning.clients import why_unchecked
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.held_out_gain import HeldOutGain, of_clients
from route_switch.domain.learning.judging import Verdict
from route_switch.domain.learning.learning_ports import LoadedRequests, RoutedRequests
from route_switch.domain.learning.outcome import OutcomeTable
from route_switch.domain.learning.past_request import GivenFeedback, PastRequest
from route_switch.domain.learning.promotion import GateHistory, gate, select_best
from route_switch.domain.learning.split import Side, side_of
from route_switch.domain.ports import Chunk, ModelCall
from route_switch.domain.pricing import Price
from route_switch.domain.request_record import Attempt
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.sampling import Arc
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels
from route_switch.domain.usage import Usage
from route_switch.optimizer.arrays import Floats, arrays_of
from route_switch.services.learning.build_outcomes import BuildOutcomes
from route_switch.services.learning.collect_examples import CollectExamples
from tests.support.outcomes import spelled
from tests.support.paid import metered

MODELS = {Tier.SMALL: "fake/small", Tier.MEDIUM: "fake/medium", Tier.LARGE: "fake/large"}
PRICES = {
    name: Price(input_usd_per_million=usd, output_usd_per_million=usd)
    for name, usd in zip(MODELS.values(), (0.5, 2.5, 10.0), strict=True)
}
COSTS = (0.05, 0.25, 1.0)
LAMBDA = 0.2
KINDS = ((0.93, 0.95, 0.97), (0.6, 0.9, 0.95), (0.3, 0.55, 0.92))
"""Chances of a right answer from each tier to easy, medium and hard queries."""
HARD = 2
"""The first type of hard queries."""
KEYS = tuple(f"key_{n}" for n in range(6))
LOUD = "key_loud"
JUNK = "zzzz banana"
DAY = [date(2026, 1, 31)]
CONFIG = RouterConfig(
    models=ModelCatalog(
        tiers={tier: TierModels(model=model) for tier, model in MODELS.items()},
        router="fake/router",
    )
)
SILENT = GivenFeedback()

Policy = tuple[int, ...]
"""The tier, as a column, of each type."""


@dataclass(frozen=True)
class World:
    """`chances` are by type and tier; `right` says, by query, which tiers answer it right."""

    random: Random
    chances: Sequence[tuple[float, ...]]
    incumbent: Policy
    right: dict[str, tuple[bool, ...]] = field(default_factory=dict)

    def ask(self, kind: int) -> str:
        """Return a new query of this type, whose words have no digits: it is its own template."""
        words = " ".join(f"w{spelled(self.random.randrange(10**6))}" for _ in range(8))
        query = f"type {kind}: {words}"
        self.right[query] = tuple(self.random.random() < p for p in self.chances[kind])
        return query

    def true_objective(self, policy: Policy) -> float:
        """Return the expected objective over honest traffic, whose types are equally likely."""
        values = []
        for chances, tier in zip(self.chances, policy, strict=True):
            best = chances[2]
            no_worse = 1.0 if tier == 2 else chances[tier] + (1 - chances[tier]) * (1 - best)
            values.append(no_worse - LAMBDA * COSTS[tier])
        return math.fsum(values) / len(values)

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        tier = ("small", "medium", "large").index(call.model)
        right = self.right[str(call.messages[-1]["content"])][tier]
        # Wrong answers differ between tiers, so that none is right by agreeing with another.
        text = f"The answer is {'A' if right else 'BCD'[tier]}."
        yield Chunk({"content": text}, usage=Usage(50_000, 50_000))


def world(seed: int, types: int = 12) -> World:
    """The incumbent is the best policy, where only harm can be done, or in every other world sends
    half of the types a tier too high, so that there is something to learn."""
    random = Random(seed)  # noqa: S311 (a simulation)
    chances = []
    for number in range(types):
        kind = KINDS[number % 3]
        chances.append(tuple(min(max(p + random.uniform(-0.05, 0.05), 0.02), 0.99) for p in kind))
    found = World(random, chances, tuple([2] * types))
    best = [_best_tier(found, number) for number in range(types)]
    below = [number for number, tier in enumerate(best) if tier < 2]
    for number in random.sample(below, (types // 2) * (seed % 2)):
        best[number] += 1
    return World(random, chances, tuple(best))


def _best_tier(of: World, number: int) -> int:
    before, after = of.incumbent[:number], of.incumbent[number + 1 :]
    return max(range(3), key=lambda tier: of.true_objective((*before, tier, *after)))


# Traffic.


@dataclass
class Traffic:
    """Recorded requests in memory."""

    world: World
    requests: list[PastRequest] = field(default_factory=list)

    def count(self, days: Sequence[date]) -> RoutedRequests:
        return RoutedRequests(len(self.requests), {})

    def draw(self, days: Sequence[date], arc: Arc) -> list[str]:
        return [request.request_id for request in self.requests]

    def with_feedback(self, days: Sequence[date], limit: int) -> list[str]:
        return []

    def keys(self, request_ids: Sequence[str]) -> dict[str, str]:
        wanted = set(request_ids)
        return {r.request_id: r.key_id for r in self.requests if r.request_id in wanted}

    def load(self, request_ids: Sequence[str]) -> LoadedRequests:
        by_id = {request.request_id: request for request in self.requests}
        return LoadedRequests(tuple(by_id[each] for each in request_ids))

    def add(
        self, query: str, key: str, tier: int, said: GivenFeedback = SILENT, user: str | None = None
    ) -> None:
        model = MODELS[Tier(tier + 1)]
        answer = next(
            self.world.stream(ModelCall(model.partition("/")[2], ({"content": query},)))
        ).delta["content"]
        attempt = Attempt(model, Tier(tier + 1), "answered", 1.0, Usage(50_000, 50_000), None)
        self.requests.append(
            PastRequest(
                request_id=f"r{len(self.requests)}-{self.world.random.random()}",
                query_text=query,
                answer_text=str(answer),
                tier=Tier(tier + 1),
                model=model,
                attempts=(attempt,),
                conversation=(),
                params={},
                feedback=said,
                key_id=key,
                user=user,
            )
        )

    @property
    def queries(self) -> list[str]:
        return list(dict.fromkeys(request.query_text for request in self.requests))


def kind_of(query: str) -> int:
    return int(query.partition(":")[0].removeprefix("type "))


def honest(
    of: World,
    count: int,
    keys: Sequence[str] = KEYS,
    lying: float = 0.0,
    *,
    eager: bool = False,
) -> Traffic:
    """Honest clients rate a third of the answers, by whether they are right, and give the gold with
    some. With `lying`, this share of all raters, users of every key, says the opposite; `eager`
    ones rate every answer."""
    traffic, random = Traffic(of), of.random
    for _ in range(count):
        query = of.ask(random.randrange(len(of.chances)))
        tier = of.incumbent[kind_of(query)]
        user, said = f"user {random.randrange(200)}", SILENT
        lies = int(user.partition(" ")[2]) < 200 * lying
        if random.random() < 1 / 3 or (lies and eager):
            good = of.right[query][tier] != lies
            said = GivenFeedback(adequate=good, gold="A" if random.random() < 0.2 else None)
        traffic.add(query, random.choice(keys), tier, said, user)
    return traffic


Attack = Callable[[Traffic], None]


def junk_gold(traffic: Traffic) -> None:
    """Repeat every query with a gold that no answer matches."""
    for query in traffic.queries:
        traffic.add(query, LOUD, 0, GivenFeedback(adequate=True, gold=JUNK))


def own_junk_gold(traffic: Traffic) -> None:
    """Ask as many queries of its own as half of the honest ones, with such a gold."""
    for _ in range(len(traffic.requests) // 2):
        query = traffic.world.ask(traffic.world.random.randrange(len(traffic.world.chances)))
        traffic.add(query, LOUD, 0, GivenFeedback(adequate=True, gold=JUNK))


def small_thumbs_up(traffic: Traffic) -> None:
    """Repeat every query at Tier 1, with thumbs up."""
    for query in traffic.queries:
        traffic.add(query, LOUD, 0, GivenFeedback(adequate=True))


def some(share: float, said: Callable[[World, str], GivenFeedback], sybils: bool = False) -> Attack:
    """Let one key make this share of all requests: repeats at Tier 1, with what it says of each."""

    def attack(traffic: Traffic) -> None:
        known, random = traffic.queries, traffic.world.random
        for number in range(round(len(traffic.requests) * share / (1 - share))):
            query = random.choice(known)
            user = f"sybil {number}" if sybils else None
            traffic.add(query, LOUD, 0, said(traffic.world, query), user)

    return attack


def spam(share: float) -> Attack:
    """Let one key ask queries of hard types that the small tier happens to answer right."""

    def attack(traffic: Traffic) -> None:
        of = traffic.world
        hard = [number for number in range(len(of.chances)) if number % 3 == 2]
        for _ in range(round(len(traffic.requests) * share / (1 - share))):
            query = of.ask(of.random.choice(hard))
            of.right[query] = (True, True, True)
            traffic.add(query, LOUD, 0)

    return attack


def one_hard_type(share: float) -> Attack:
    """Let one key make this share of all requests: hard queries of one type, without labels, that
    the small tier answers right. What it sends makes a worse prompt look better for all."""

    def attack(traffic: Traffic) -> None:
        of = traffic.world
        for _ in range(round(len(traffic.requests) * share / (1 - share))):
            query = of.ask(HARD)
            of.right[query] = (True, True, True)
            traffic.add(query, LOUD, 0)

    return attack


def up(of: World, query: str) -> GivenFeedback:
    return GivenFeedback(adequate=True)


def opposite(of: World, query: str) -> GivenFeedback:
    return GivenFeedback(adequate=not of.right[query][0])


def smalls_answer(of: World, query: str) -> GivenFeedback:
    """Call the small tier's answer the right one."""
    gold = "A" if of.right[query][0] else "B"
    return GivenFeedback(adequate=True, gold=gold)


# A run.


@dataclass(frozen=True)
class Ending:
    """`gain` is the true gain of the candidate over the incumbent, `measured` the gate's. `asks`
    says why a person has to approve. `plain` is the verdict if no client is left out."""

    verdict: str
    plain: str
    asks: str | None
    gain: float
    measured: float

    @property
    def goes_live(self) -> bool:
        return self.verdict == "better" and self.asks is None


def learn(
    traffic: Traffic,
    judge_noise: float | None = 0.05,
    trusted_keys: frozenset[str] = frozenset(),
) -> Ending:
    """Collect, grade, search and gate. Without `judge_noise` there is no judge."""
    of = traffic.world
    collect = CollectExamples(traffic, traffic, CONFIG, lambda example: example, trusted_keys)
    examples = collect(DAY, len(traffic.requests)).examples
    table = graded(of, examples, judge_noise)
    rewards = arrays_of(table).rewards(LAMBDA)
    sides = np.array([side_of(example.template_key).value for example in table.examples])
    kinds = np.array([kind_of(example.query) for example in table.examples])
    weights = np.array([example.weight for example in table.examples])
    candidate = search(of, rewards, kinds, weights, sides)
    rows = [n for n, side in enumerate(sides) if side == Side.HELDOUT.value]
    gains = [
        HeldOutGain(
            table.examples[n].template_key,
            float(rewards[n, candidate[kinds[n]]] - rewards[n, of.incumbent[kinds[n]]]),
            float(weights[n]),
        )
        for n in rows
    ]
    heldout = OutcomeTable(
        table.models,
        table.prices,
        tuple(table.examples[n] for n in rows),
        tuple(table.rows[n] for n in rows),
    )
    result = gate(of_clients(gains, heldout), GateHistory())
    plain = gate(gains, GateHistory())
    asks = result.needs_approval or why_unchecked(table)
    gain = of.true_objective(candidate) - of.true_objective(of.incumbent)
    return Ending(result.verdict, plain.verdict, asks, gain, result.mean)


@dataclass(frozen=True)
class NoisyJudge:
    """A judge that knows the truth, and says the opposite with this probability."""

    random: Random
    noise: float

    def __call__(self, example: Example, tier_3_answer: str, answer: str) -> Verdict:
        no_worse = " A." in answer or " A." not in tier_3_answer
        if self.random.random() < self.noise:
            no_worse = not no_worse
        return "equivalent" if no_worse else "worse"

    def check(self) -> None:
        pass


def graded(of: World, examples: Sequence[Example], noise: float | None) -> OutcomeTable:
    judge = None if noise is None else NoisyJudge(of.random, noise)
    build = BuildOutcomes(metered(of, cap_usd=math.inf), judge, threads=1)
    return build(examples, MODELS, PRICES).table


def search(of: World, rewards: Floats, kinds: Floats, weights: Floats, sides: Floats) -> Policy:
    """Return the best policy on validation rows, of the incumbent, of what is best by type on train
    rows, and of every single step on the way there."""

    def objective(policy: Policy, side: Side) -> float:
        rows = np.flatnonzero(sides == side.value)
        chosen = rewards[rows, np.array(policy)[kinds[rows].astype(int)]]
        return float(np.average(chosen, weights=weights[rows]))

    best = of.incumbent
    tried = [best]
    for number in range(len(best)):
        steps = [(*best[:number], tier, *best[number + 1 :]) for tier in range(3)]
        best = max(steps, key=lambda policy: objective(policy, Side.TRAIN))
        tried += [best, (*of.incumbent[:number], best[number], *of.incumbent[number + 1 :])]
    return tried[select_best([objective(policy, Side.VALIDATION) for policy in tried])]


# The table.


@dataclass(frozen=True)
class Scenario:
    attack: Attack | None = None
    lying: float = 0.0
    keys: Sequence[str] = KEYS
    judge_noise: float | None = 0.05
    trusted_keys: frozenset[str] = frozenset()
    eager: bool = False


SCENARIOS: dict[str, Scenario] = {
    "nobody is hostile": Scenario(),
    "nobody is hostile, one key with users": Scenario(keys=KEYS[:1]),
    "junk gold on a repeat of every query": Scenario(junk_gold),
    "the same without a judge": Scenario(junk_gold, judge_noise=None),
    "junk gold on its own queries": Scenario(own_junk_gold),
    "the same, no judge": Scenario(own_junk_gold, judge_noise=None),
    "thumbs up for Tier 1 on a repeat of every query": Scenario(small_thumbs_up),
    **{
        f"{share:.0%} of requests: {what}": Scenario(some(share, said, sybils))
        for share in (0.01, 0.05, 0.1)
        for what, said, sybils in (
            ("thumbs up for Tier 1", up, False),
            ("the same from many users", up, True),
            ("ratings are the opposite", opposite, False),
            ("gold is Tier 1's answer", smalls_answer, False),
        )
    },
    **{
        f"{share:.0%} of requests: easy queries that look hard": Scenario(spam(share))
        for share in (0.01, 0.05, 0.1)
    },
    **{
        f"{share:.0%} of users of every key rate the opposite": Scenario(lying=share)
        for share in (0.01, 0.05, 0.1)
    },
}

ONLY_THE_RULE_HELPS = "40% of requests: one hard type that looks easy"
SCENARIOS[ONLY_THE_RULE_HELPS] = Scenario(one_hard_type(0.4))

BEYOND = {
    "10% of users of every key rate the opposite, and rate every answer": Scenario(
        lying=0.1, eager=True
    )
}
"""More than the rule about clients is made for: a quarter of all ratings is hostile, from every
key."""

TRUSTED = Scenario(some(0.8, up), trusted_keys=frozenset({LOUD}))
"""The control: the owner trusts the hostile key, so that neither caps nor the gate hold it off."""


def endings(scenario: Scenario, runs: int, requests: int, first_seed: int = 0) -> list[Ending]:
    found = []
    for seed in range(first_seed, first_seed + runs):
        traffic = honest(world(seed), requests, scenario.keys, scenario.lying, eager=scenario.eager)
        if scenario.attack is not None:
            scenario.attack(traffic)
        found.append(learn(traffic, scenario.judge_noise, scenario.trusted_keys))
    return found


def print_table(runs: int, requests: int) -> None:
    _print(
        "| hostile | live | asks | refused | true gain of live: mean (worst) | without the rule |"
    )
    _print("|---|---|---|---|---|---|")
    for name, scenario in (SCENARIOS | BEYOND).items():
        found = endings(scenario, runs, requests)
        live = [each.gain for each in found if each.goes_live]
        asks = sum(each.verdict == "better" and not each.goes_live for each in found)
        plain = [each.gain for each in found if each.plain == "better"]
        refused = runs - len(live) - asks
        _print(f"| {name} | {len(live)} | {asks} | {refused} | {_gains(live)} | {_gains(plain)} |")


def _gains(of: Sequence[float]) -> str:
    return f"{len(of)}: {math.fsum(of) / len(of):+.3f} ({min(of):+.3f})" if of else "–"


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    print_table(20, 2000)
