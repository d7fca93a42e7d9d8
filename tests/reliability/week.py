"""What one client key can do to a week of learning: stop it, slow it down, or use up its money."""

import math
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.past_request import GivenFeedback
from route_switch.services.learning.cost_share import relative_cost, thin_costly
from tests.reliability.section import Section
from tests.support.attacks.accepted_bodies import BODIES, accepted, texts
from tests.support.attacks.scaling import PIECES, READERS, grown
from tests.support.attacks.week_reads import read_by_the_week, recorded

REQUESTS, SIZE = 1_000, 10_000
HONEST = 900

Row = tuple[str, ...]


def measure() -> Section:
    return Section(
        name="week",
        title="What one client key can do to a week",
        promise="Whatever the API accepts, the weekly run reads, in time that grows with its "
        "length, and one client's requests do not use up its money.",
        method="Generated bodies of every protocol, parsed by the API, recorded, and read by every "
        "step up to the outcome table (`tests/support/attacks/week_reads.py`); repeated pieces of "
        "text; simulated traffic of four keys beside one that sends costly requests.",
        columns=("attack", "n", "result"),
        rows=(*map(_read, range(len(BODIES))), _grows(), *_costs()),
        notes=(
            "Processor time is the best of three; a reader fails if a text twice as long takes "
            "more than three times as long, and more than 20 ms.",
            "What hostile labels and ratings can do: docs/learning.md "
            "(`tests/unit/test_hostile_clients.py`).",
        ),
    )


def _read(number: int) -> Row:
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
    return (
        f"any accepted body of `{protocol.path}`",
        f"{seen.total():,}",
        f"{seen['read']:,} read, {seen['refused']:,} refused by the API, {seen['not replayed']:,} "
        f"not replayed, {seen['unreadable']} stop a step",
    )


def _grows() -> Row:
    found = list(grown(SIZE))
    worst = max(found, key=lambda each: each.twice_s)
    return (
        f"{len(PIECES)} repeated pieces, {len(READERS)} readers",
        f"{len(found):,}",
        f"{sum(not each.is_linear for each in found)} grow faster than the text; {2 * SIZE:,} "
        f"characters take at most {worst.twice_s:.2f} s ({worst.reader})",
    )


def _costs() -> list[Row]:
    honest = tuple(_example(f"h{n}", f"key_{n % 4}", 400) for n in range(HONEST))
    rows: list[Row] = []
    for count, size in ((10, 900_000), (100, 900_000), (100, 20_000), (900, 100_000)):
        attack = tuple(_example(f"a{n}", "key_loud", size) for n in range(count))
        kept, left_out = thin_costly((*honest, *attack))
        before, after, usual = (_cost(each) for each in ((*honest, *attack), kept, honest))
        rows.append(
            (
                f"one key sends requests of {size:,} characters, {HONEST} others are of 400",
                str(count),
                f"the run costs {after / usual:.1f} times as much (before: {before / usual:,.0f} "
                f"times); {left_out} are left out, and the others stand for them",
            )
        )
    return rows


def _example(name: str, key: str, size: int) -> Example:
    return Example(id=name, query=f"{name} {'word ' * (size // 5)}", asked_by={key: 1.0})


def _cost(examples: tuple[Example, ...]) -> float:
    return math.fsum(map(relative_cost, examples))
