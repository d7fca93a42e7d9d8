"""What one client key can do to a week of learning: stop it, slow it down, or use up its money."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.past_request import GivenFeedback
from route_switch.services.learning.cost_share import MAX_COST_RATIO, relative_cost, thin_costly
from tests.reliability.section import Aim, Section, none_of
from tests.support.attacks.accepted_bodies import BODIES, accepted, texts
from tests.support.attacks.scaling import PIECES, READERS, Growth, grown
from tests.support.attacks.week_reads import read_by_the_week, recorded

REQUESTS, SIZE = 1_000, 10_000
HONEST = 900
ATTACKS = ((10, 900_000), (100, 900_000), (100, 20_000), (900, 100_000))
"""Requests of one key, and their characters."""

Row = tuple[str, ...]
MOST_TIMES = 1 + MAX_COST_RATIO
"""How many times as much a run may cost because of one key that sends as many requests as all
others."""


def measure() -> Section:
    read, readers = [_read(number) for number in range(len(BODIES))], list(grown(SIZE))
    costs = [_cost_of(count, size) for count, size in ATTACKS]
    highest = max(each.after for each in costs)
    return Section(
        name="week",
        title="What one client key can do to a week",
        promise="Whether the weekly run reads all that the API accepts, how long that takes, and "
        "how much of its money one client's requests can use up.",
        method="Generated bodies of every protocol, parsed by the API, recorded, and read by every "
        "step up to the outcome table (`tests/support/attacks/week_reads.py`); repeated pieces of "
        "text; simulated traffic of four keys beside one that sends costly requests.",
        columns=("attack", "n", "result"),
        rows=(*map(_read_row, read), _grown_row(readers), *map(_cost_row, costs)),
        aims=(
            none_of("accepted body that stops a step", sum(each.stopped for each in read)),
            none_of(
                "reader whose time grows faster than the text",
                sum(not each.is_linear for each in readers),
            ),
            Aim(
                f"a run costs at most {MOST_TIMES:g} times as much because of one key",
                f"{highest:.1f} times",
                highest <= MOST_TIMES,
            ),
        ),
        notes=(
            "Processor time is the best of three; a reader fails if a text twice as long takes "
            "more than three times as long, and more than 20 ms.",
            "What hostile labels and ratings can do: docs/learning.md "
            "(`tests/unit/test_hostile_clients.py`).",
        ),
    )


@dataclass(frozen=True, slots=True)
class Read:
    """What became of generated bodies of a protocol."""

    path: str
    seen: Counter[str]

    @property
    def stopped(self) -> int:
        return self.seen["unreadable"]


@dataclass(frozen=True, slots=True)
class Cost:
    """A run's cost beside `count` requests of one key, in multiples of that without them: before
    and after its requests were thinned out."""

    count: int
    size: int
    before: float
    after: float
    left_out: int


def _read(number: int) -> Read:
    protocol, bodies = BODIES[number]
    seen = Counter[str]()
    with TemporaryDirectory() as folder:

        @seed(20261130)
        @settings(
            max_examples=REQUESTS,
            database=None,
            deadline=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @given(bodies, st.none() | st.booleans(), texts.filter(str.isprintable))
        def check(body: object, adequate: bool | None, said: str) -> None:
            call = accepted(protocol, body)
            feedback = GivenFeedback(adequate=adequate, gold=said or None)
            request = None if call is None else recorded(call, feedback, said)
            if request is None:
                seen["refused" if call is None else "not replayed"] += 1
                return
            try:
                read_by_the_week(request, Path(folder))
                seen["read"] += 1
            except Exception:
                seen["unreadable"] += 1

        check()
    return Read(protocol.path, seen)


def _read_row(read: Read) -> Row:
    seen = read.seen
    return (
        f"any accepted body of `{read.path}`",
        f"{seen.total():,}",
        f"{seen['read']:,} read, {seen['refused']:,} refused by the API, {seen['not replayed']:,} "
        f"not replayed, {read.stopped} stop a step",
    )


def _grown_row(found: Sequence[Growth]) -> Row:
    worst = max(found, key=lambda each: each.twice_s)
    return (
        f"{len(PIECES)} repeated pieces, {len(READERS)} readers",
        f"{len(found):,}",
        f"{sum(not each.is_linear for each in found)} grow faster than the text; {2 * SIZE:,} "
        f"characters take at most {worst.twice_s:.2f} s ({worst.reader})",
    )


def _cost_of(count: int, size: int) -> Cost:
    honest = tuple(_example(f"h{n}", f"key_{n % 4}", 400) for n in range(HONEST))
    attack = tuple(_example(f"a{n}", "key_loud", size) for n in range(count))
    kept, left_out = thin_costly((*honest, *attack))
    before, after, usual = (_cost(each) for each in ((*honest, *attack), kept, honest))
    return Cost(count, size, before / usual, after / usual, left_out)


def _cost_row(cost: Cost) -> Row:
    return (
        f"one key sends requests of {cost.size:,} characters, {HONEST} others are of 400",
        str(cost.count),
        f"the run costs {cost.after:.1f} times as much (before: {cost.before:,.0f} times); "
        f"{cost.left_out} are left out, and the others stand for them",
    )


def _example(name: str, key: str, size: int) -> Example:
    return Example(id=name, query=f"{name} {'word ' * (size // 5)}", asked_by={key: 1.0})


def _cost(examples: tuple[Example, ...]) -> float:
    return math.fsum(map(relative_cost, examples))
