"""Plays conversations: a policy chooses each answer's tier, and the caches decide what it costs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from route_switch.domain.tiers import Tier
from route_switch.domain.usage import Usage
from tests.support.sessions.caches import Caches, Family
from tests.support.sessions.conversations import Conversation, Turn


@dataclass(frozen=True, slots=True)
class Served:
    """The last answer of the conversation. `answers` counts those of its tier in a row."""

    tier: Tier
    usage: Usage
    at_s: float
    answers: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as a policy sees it. `in_tool_loop` if it ends in tools' results. `tokens_in` are
    all of its input. `router` returns what the router says, and is paid with each call."""

    turn: Turn
    in_tool_loop: bool
    now_s: float
    tokens_in: int
    last: Served | None
    family: Family
    router: Callable[[], Tier]


Policy = Callable[[Asked], Tier]


class Router(Protocol):
    def __call__(self, conversation: int, turn: int, call: int, asked: Turn) -> Tier:
        """Return what the router LLM says to this call of this turn."""


@dataclass(frozen=True)
class SimulatedRouter:
    """Says the right tier, or with probability `error` any of the others. The same request gets the
    same reply under every policy."""

    error: float
    seed: int = 1

    def __call__(self, conversation: int, turn: int, call: int, asked: Turn) -> Tier:
        random = Random(f"{self.seed} {conversation} {turn} {call}")  # noqa: S311 (a simulation)
        if random.random() >= self.error:
            return asked.right
        return random.choice([tier for tier in sorted(asked.scores) if tier is not asked.right])


@dataclass(slots=True)
class Played:
    """`score` is the mean over turns of the mean over a turn's calls. `switches` counts answers of
    another tier than the one before."""

    cost_usd: float = 0.0
    score: float = 0.0
    turns: int = 0
    switches: int = 0
    switches_in_loops: int = 0
    answers: list["Served"] = field(default_factory=list)

    def count(self, asked: Asked, tier: Tier) -> None:
        if asked.last is not None and asked.last.tier is not tier:
            self.switches += 1
            self.switches_in_loops += asked.in_tool_loop


@dataclass(slots=True)
class Player:
    """Plays one conversation with one policy. `number` identifies the conversation."""

    conversation: Conversation
    number: int
    family: Family
    policy: Policy
    router: Router

    def __call__(self) -> Played:
        played, caches = Played(turns=len(self.conversation.turns)), Caches(self.family)
        now_s, tokens_in, last = 0.0, self.conversation.system_tokens, None
        for number, turn in enumerate(self.conversation.turns):
            total = 0.0
            for place, call in enumerate(turn.calls):
                now_s, tokens_in = now_s + call.pause_s, tokens_in + call.new_tokens
                router = self._paid(played, number, place, turn)
                asked = Asked(turn, place > 0, now_s, tokens_in, last, self.family, router)
                tier = self.policy(asked)
                played.count(asked, tier)
                usage = caches.call(tier, now_s, tokens_in, call.written[tier])
                played.cost_usd += caches.cost_usd(tier, usage)
                last = _served(asked, tier, usage)
                played.answers.append(last)
                tokens_in += usage.output_tokens
                total += turn.scores[tier]
            played.score += total / len(turn.calls) / played.turns
        return played

    def _paid(self, played: Played, number: int, place: int, turn: Turn) -> Callable[[], Tier]:
        def ask() -> Tier:
            played.cost_usd += self.family.router_usd
            return self.router(self.number, number, place, turn)

        return ask


def _served(asked: Asked, tier: Tier, usage: Usage) -> Served:
    last = asked.last
    in_a_row = last.answers + 1 if last is not None and last.tier is tier else 1
    return Served(tier, usage, asked.now_s, in_a_row)


def play(
    conversations: Sequence[Conversation], family: Family, policy: Policy, router: Router
) -> list[Played]:
    return [Player(each, n, family, policy, router)() for n, each in enumerate(conversations)]
