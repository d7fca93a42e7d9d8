"""Conversations for the simulation of sessions.

What is real: the scores of three models on each question, and the lengths of questions and answers.
What is simulated: which questions make up a conversation (*pairings*), system messages, documents,
tool calls and pauses. τ²-bench and MT-Bench are real conversations, whose calls are reconstructed
from the recorded sums of tokens.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from route_switch.domain.tiers import ALL_TIERS, Tier
from tests.support.sessions.rows import Row, right_tier


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `new_tokens` are those of the user's message or of the tools' results. `written`
    is the length of each tier's answer, and `pause_s` the time since the request before."""

    new_tokens: int
    written: Mapping[Tier, int]
    pause_s: float


@dataclass(frozen=True, slots=True)
class Turn:
    """A user's message and everything until the next one: all calls but the last end in tool calls.

    `scores` are 0 to 1. `task` changes where the conversation changes its subject.
    """

    query: str
    task: str
    scores: Mapping[Tier, float]
    calls: tuple[Call, ...]

    @property
    def right(self) -> Tier:
        return right_tier(self.scores)


@dataclass(frozen=True, slots=True)
class Conversation:
    system_tokens: int
    turns: tuple[Turn, ...]

    @property
    def tiers(self) -> tuple[Tier, ...]:
        return tuple(sorted(self.turns[0].scores))


@dataclass(frozen=True, slots=True)
class Kind:
    """How pairings of a kind look; all simulated. `shares` are those of the sets.

    A task ends with probability `new_task` before each further turn. Within a task, a turn needs
    the same tier as the one before with probability `alike`, else any. `calls` is the mean number
    of tool calls of a turn, and `result_tokens` the median length of a result. A share `documents`
    of conversations begins with a document. A share `away` of turns comes after the cache's end.
    """

    shares: Mapping[str, float]
    turns: tuple[int, int]
    system_tokens: tuple[int, int]
    calls: float = 0.0
    result_tokens: int = 500
    documents: float = 0.0
    new_task: float = 0.15
    alike: float = 0.5
    away: float = 0.15

    def limited_to(self, sets: Iterable[str]) -> "Kind":
        return replace(
            self, shares={name: self.shares[name] for name in self.shares if name in set(sets)}
        )


CHAT = Kind(
    {"mmlu_pro": 0.8, "crux_output": 0.12, "banking77": 0.08},
    turns=(2, 12),
    system_tokens=(100, 3000),
    documents=0.3,
)
AGENT = Kind(
    {"livecodebench": 0.4, "crux_output": 0.3, "mmlu_pro": 0.3},
    turns=(2, 8),
    system_tokens=(5000, 20000),
    calls=4.0,
)
LONG_AGENT = Kind(
    {"livecodebench": 0.3, "crux_output": 0.2, "mmlu_pro": 0.5},
    turns=(15, 40),
    system_tokens=(10000, 25000),
    calls=6.0,
    result_tokens=700,
)
"""A day with a coding agent: the history grows to 100,000 tokens and more."""
DOCUMENT_TOKENS = (3000, 20000)
TOOL_CALL_TOKENS = (40, 250)
LONG_TOOL = 0.01
"""The share of tools that run longer than caches live."""


class Pool:
    """Draws rows without replacement, and starts again when they are used up."""

    def __init__(self, rows: Mapping[str, Sequence[Row]], random: Random) -> None:
        self._rows, self._random = rows, random
        self._left: dict[tuple[str, Tier], list[Row]] = {}

    def draw(self, source: str, right: Tier | None) -> Row:
        """Return a row of the set that needs this tier; of any, each as likely as its share."""
        if right is None:
            right = self._random.choice(self._rows[source]).right
        left = self._left.setdefault((source, right), [])
        if not left:
            left += [row for row in self._rows[source] if row.right is right]
            self._random.shuffle(left)
        return left.pop()


def pairings(
    rows: Mapping[str, Sequence[Row]], kind: Kind, count: int, seed: int
) -> list[Conversation]:
    random = Random(seed)  # noqa: S311 (a simulation)
    pool = Pool(rows, random)
    return [_pairing(pool, kind, random) for _ in range(count)]


def _pairing(pool: Pool, kind: Kind, random: Random) -> Conversation:
    source, turns, task = _source(kind, random), list[Turn](), 0
    document = 0
    if random.random() < kind.documents:
        document = _log_uniform(random, *DOCUMENT_TOKENS)
    for number in range(random.randint(*kind.turns)):
        if turns and random.random() < kind.new_task:
            source, task = _source(kind, random), task + 1
        same = turns and turns[-1].task == f"{task} {source}" and random.random() < kind.alike
        row = pool.draw(source, turns[-1].right if same else None)
        pause = pause_s(kind, random) if number else 0.0
        new = row.tokens + (document if number == 0 else 0)
        calls = _calls(kind, row, new, pause, random)
        turns.append(Turn(row.query, f"{task} {source}", row.scores, calls))
    return Conversation(_log_uniform(random, *kind.system_tokens), tuple(turns))


def _source(kind: Kind, random: Random) -> str:
    return random.choices(list(kind.shares), list(kind.shares.values()))[0]


def _calls(kind: Kind, row: Row, new: int, pause: float, random: Random) -> tuple[Call, ...]:
    """All calls but the last write a tool call; the last one writes the recorded answer."""
    tools, goes_on = 0, kind.calls / (1 + kind.calls)
    while tools < 40 and random.random() < goes_on:
        tools += 1
    found = []
    for number in range(tools + 1):
        if number:
            new = round(random.lognormvariate(0.0, 0.8) * kind.result_tokens) + 1
            slow = random.random() < LONG_TOOL
            pause = random.uniform(301, 1200) if slow else random.lognormvariate(1.5, 0.8)
        calling = dict.fromkeys(ALL_TIERS, random.randint(*TOOL_CALL_TOKENS))
        found.append(Call(new, row.written if number == tools else calling, pause))
    return tuple(found)


def pause_s(kind: Kind, random: Random) -> float:
    """Half a minute, at the median; or minutes to hours."""
    if random.random() < kind.away:
        return random.uniform(6 * 60, 3 * 3600)
    return min(random.lognormvariate(3.4, 0.8), 290.0)


def _log_uniform(random: Random, low: int, high: int) -> int:
    return round(float(low * (high / low) ** random.random()))
