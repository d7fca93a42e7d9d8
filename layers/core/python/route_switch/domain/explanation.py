"""Why a request goes to its tier, in figures and sentences. An explanation quotes at most single
words of the query."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from pydantic import JsonValue

from route_switch.domain.ports import JsonObject
from route_switch.domain.pricing import add_known
from route_switch.domain.prompt_texts import PromptText
from route_switch.domain.request_record import Attempt
from route_switch.domain.tiers import Tier


@dataclass(frozen=True, slots=True)
class WeighedText:
    """A text of the routing prompt. `similarity` to the query is a cosine, -1 to 1."""

    text: PromptText
    similarity: float


class Compared(StrEnum):
    """What of a request was compared with the texts of the prompt. The context is an earlier
    message or the system message."""

    MESSAGE = "message"
    CONTEXT = "context"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Weighing:
    """What the choice of a router model that compares texts rests on. `texts` are all that it
    compared with what it read of the request; `scores` has every tier that could be chosen."""

    tier: Tier
    texts: tuple[WeighedText, ...]
    scores: Mapping[Tier, float]
    compared: Compared = Compared.MESSAGE

    def nearest(self, *tiers: Tier) -> WeighedText | None:
        """Return the text of these tiers that is most like the query."""
        own = (weighed for weighed in self.texts if weighed.text.tier in tiers)
        return max(own, key=lambda weighed: weighed.similarity, default=None)

    def runner_up(self) -> Tier | None:
        """Return the tier with the second highest score."""
        others = [tier for tier in sorted(self.scores) if tier is not self.tier]
        return max(others, key=lambda tier: self.scores[tier], default=None)


class WeighingModel(Protocol):
    """A router model that can say which texts its choice rests on, at no cost."""

    def weigh(self, messages: Sequence[JsonObject]) -> Weighing:
        """`messages` are those of the router call. Raise `ModelError`."""
        ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """Which text of the prompt speaks most for the tier that the router chose, if one is known.

    A router model that compares texts (`by_comparison`) gives a `weighing`, unless that fails. A
    router LLM was asked if `was_asked`;
    `text` is then what it named. `without` is the tier that the router chooses if `text` is left
    out of the prompt, None if that is unknown. `note` says why something is missing. `attempts` are
    the calls that were made for it.
    """

    chosen: Tier
    text: PromptText | None = None
    weighing: Weighing | None = None
    was_asked: bool = False
    without: Tier | None = None
    note: str = ""
    attempts: tuple[Attempt, ...] = ()
    by_comparison: bool = False

    @property
    def cost_usd(self) -> float | None:
        return add_known(*(attempt.cost_usd for attempt in self.attempts))


@dataclass(frozen=True, slots=True)
class TierCost:
    """The estimated cost of an answer, None if the price is unknown. `is_allowed` says whether the
    tier may answer the request."""

    tier: Tier
    model: str
    usd: float | None
    is_allowed: bool = True


@dataclass(frozen=True, slots=True)
class Explanation:
    """`sentences` say what was decided and why, `changes` what would change it. The text of a demo
    may be a user's: it is shown only if `shows_demos`."""

    sentences: tuple[str, ...]
    changes: tuple[str, ...]
    costs: tuple[TierCost, ...] = ()
    evidence: Evidence | None = None
    shows_demos: bool = False
    attempts: tuple[Attempt, ...] = field(default=())
    local: JsonObject | None = None
    """What a local model expects of each tier; None if none takes part."""

    def as_json(self) -> JsonObject:
        return {
            "sentences": [*self.sentences],
            "changes": [*self.changes],
            "evidence": None if self.evidence is None else self._evidence(self.evidence),
            "local": self.local,
        }

    def _evidence(self, evidence: Evidence) -> JsonObject:
        text, weighing = evidence.text, evidence.weighing
        scores = weighing.scores if weighing else {}
        return {
            "text": None if text is None else self._text(text),
            "scores": {str(tier.value): round(score, 6) for tier, score in scores.items()} or None,
            "without_text": evidence.without and evidence.without.value,
            "was_asked": evidence.was_asked,
            "calls": len(evidence.attempts),
            "cost_usd": evidence.cost_usd,
        }

    def _text(self, text: PromptText) -> JsonValue:
        shown = text.kind == "criterion" or self.shows_demos
        return {
            "kind": text.kind,
            "number": text.number,
            "tier": text.tier.value,
            "text": text.text if shown else None,
        }
