"""What conversations cost with and without sessions, and how good their answers are.

    python -m tests.support.session_simulation [FOLDER]

prints the tables of docs/session-simulation.md from a folder of benchmarks; without one, from
pairings of the packaged sample. The modules of tests/support/sessions/ say what is real and
what is simulated.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from route_switch.optimizer.arrays import Floats
from route_switch.optimizer.statistics import Estimate
from tests.support.sessions.caches import families
from tests.support.sessions.comparison import Result, compare, gain, rewards
from tests.support.sessions.conversations import Conversation
from tests.support.sessions.encoder_router import EncoderRouter
from tests.support.sessions.material import KINDS, RECORDED, Material, material
from tests.support.sessions.play import Policy, Router, SimulatedRouter
from tests.support.sessions.policies import (
    EACH_TURN,
    LARGE,
    POLICIES,
    SESSIONS,
    AskedTwice,
    Sessions,
)

ERROR = 0.1
"""How often the simulated router is wrong, unless a table says otherwise."""
ERRORS = (0.0, 0.05, 0.1, 0.15, 0.2)
SHOWN = ("Bedrock", "Anthropic")
"""The families of the table of policies."""
RULES = {EACH_TURN: POLICIES[EACH_TURN], SESSIONS: POLICIES[SESSIONS], LARGE: POLICIES[LARGE]}


def policies_table(found: Material, router: Router, names: Sequence[str] = SHOWN) -> Iterator[str]:
    yield _row(
        "conversations", "policy", *(f"{name}: cost | quality below the best" for name in names)
    )
    yield "|---|---|" + "---|" * (2 * len(names))
    for kind, conversations in found.reported.items():
        results = [compare(conversations, families()[name], router) for name in names]
        for policy in results[0]:
            yield _row(kind, policy, *(_cells(each[policy]) for each in results))


def _cells(of: Result) -> str:
    return f"{_interval(of.cost, 2)} | {_interval(of.below, 3)}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _interval(of: Estimate, digits: int) -> str:
    mean, low, high = (round(value, digits) + 0.0 for value in (of.mean, of.low, of.high))
    shown = f"{mean:.{digits}f}"
    return shown if low == high else f"{shown} ({low:.{digits}f} to {high:.{digits}f})"


def aim_table(found: Material) -> Iterator[str]:
    """The rule's cost and quality by how often the router is wrong."""
    yield _row("conversations", "models", *(f"{error:.0%}" for error in ERRORS))
    yield "|---|---|" + "---|" * len(ERRORS)
    for kind in [name for name in found.reported if name not in RECORDED]:
        for name, family in families().items():
            cells = []
            for error in ERRORS:
                router = SimulatedRouter(error)
                ran = compare(found.reported[kind], family, router, RULES, {})[SESSIONS]
                cells.append(f"{ran.cost.mean:.2f}, {round(ran.below.mean, 3) + 0.0:.3f}")
            yield _row(kind, name, *cells)


# How many further requests a move down may count on. The choice: the number with the highest
# objective on the choosing half, as a mean over kinds and families, for a router that is wrong 10%
# of the time. Of two within 0.001, the smaller.

FURTHER = (0, 1, 2, 4, 8, 16)
TIE = 0.001
ASKED_TWICE = "1, asked twice"


def constants_table(found: Material) -> Iterator[str]:
    """Each constant's objective on the choosing half, and its gain over 1 on the other half."""
    kinds = [kind for kind, _, _ in KINDS]
    yield _row("further requests", *kinds, "mean", *(f"{kind}, other half" for kind in kinds))
    yield "|---|" + "---|" * (2 * len(kinds) + 1)
    variants: dict[str, Policy] = {str(n): Sessions(n) for n in FURTHER}
    variants |= {ASKED_TWICE: AskedTwice(1), EACH_TURN: POLICIES[EACH_TURN]}
    values = {
        name: [float(objective(found.choosing[kind], policy).mean()) for kind in kinds]
        for name, policy in variants.items()
    }
    chosen = choose({n: float(np.mean(values[str(n)])) for n in FURTHER})
    one = [objective(found.reported[kind], Sessions(1)) for kind in kinds]
    for name, policy in variants.items():
        gains = [
            _interval(gain(objective(found.reported[kind], policy), product), 4)
            for kind, product in zip(kinds, one, strict=True)
        ]
        shown = [f"{value:.4f}" for value in (*values[name], np.mean(values[name]))]
        marked = f"**{name}**" if name == str(chosen) else name
        yield _row(marked, *shown, *gains)


def objective(conversations: Sequence[Conversation], policy: Policy) -> Floats:
    """Return each conversation's quality − λ · cost, as a mean over the families."""
    router = SimulatedRouter(ERROR)
    every = [rewards(conversations, each, router, policy) for each in families().values()]
    values: Floats = np.mean(every, axis=0)
    return values


def choose(objectives: Mapping[int, float]) -> int:
    best = max(objectives.values())
    return min(n for n, value in objectives.items() if value >= best - TIE)


def main(arguments: Sequence[str]) -> None:
    found = material(Path(arguments[0]) if arguments else None)
    for name, conversations in found.reported.items():
        turns = sum(len(each.turns) for each in conversations)
        calls = sum(len(turn.calls) for each in conversations for turn in each.turns)
        _print([f"{name}: {len(conversations)} conversations, {turns} turns, {calls} calls"])
    _print([*(f"{name}: {each.models}" for name, each in families().items()), ""])
    _print(policies_table(found, SimulatedRouter(ERROR)))
    _print(["", *aim_table(found), "", *constants_table(found), ""])
    _print(policies_table(found, EncoderRouter(), SHOWN[:1]))


def _print(lines: Iterator[str] | Sequence[str]) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
