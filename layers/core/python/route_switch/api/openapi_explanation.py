"""Response schemas of an explanation, for the OpenAPI document."""

from typing import Literal

from pydantic import BaseModel

from route_switch.domain.prompt_texts import TextKind
from route_switch.domain.tiers import Tier


class QuotedText(BaseModel):
    """A text of the routing prompt, by its number among the tier's texts of its kind. `text` is
    null for a demo, unless an admin key asks: it may hold the words of a user."""

    kind: TextKind
    number: int
    tier: Tier
    text: str | None


class DecisionEvidence(BaseModel):
    """The text that speaks most for the tier that the router chose; null if none is known.
    `without_text` is the tier that the router chooses if that text is left out of the prompt.
    `scores` are those of a router model that compares texts. If `was_asked`, the router LLM was
    asked for its reason in `calls` further calls."""

    text: QuotedText | None
    scores: dict[Literal["1", "2", "3"], float] | None
    without_text: Tier | None
    was_asked: bool
    calls: int
    cost_usd: float | None


class ExpectedOfTier(BaseModel):
    """`chance` that the tier's answer is no worse than Tier 3's, 0 to 1; `cost` in units of what a
    query costs on Tier 3 on average; `objective` is the chance less λ times the cost."""

    chance: float
    cost: float
    objective: float


class LocalExplanation(BaseModel):
    """What a local model expects of each tier. `tier` leads by `lead` points of the objective; the
    router LLM is `asked` if that is less than `ask_below`, which is null if it never is."""

    tier: Tier
    lead: float
    ask_below: float | None
    asked: bool
    expected: dict[Literal["1", "2", "3"], ExpectedOfTier]


class DecisionExplanation(BaseModel):
    """Why the query goes to its tier, in sentences, and what would change that. `evidence` is null
    if the decision does not rest on the routing prompt, and `local` if no local model took part."""

    sentences: list[str]
    changes: list[str]
    evidence: DecisionEvidence | None
    local: LocalExplanation | None
