"""The form of a dialect file: what a provider answers, and what a client must see of it."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

DIALECTS = Path(__file__).with_name("dialects")
"""Folders by the form that the provider's API has."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Upstream(_Part):
    """One response of the provider: `body` as JSON, or `raw` as the text that it is.

    `hangs_up`: the provider closes the connection instead.
    """

    status: int = 200
    headers: dict[str, str] = Field(default_factory=dict)
    body: Any = None
    raw: str | None = None
    hangs_up: bool = False


class SeenError(_Part):
    """`message` is a part of the whole message; None where a field must be null."""

    type: str
    code: str | None
    param: str | None = None
    message: str = ""


class Seen(_Part):
    """What a client must see.

    Objects are compared by the fields that are stated here, and null stands for an absent field;
    lists are compared item by item. `cost_usd` is that of the whole request, by `PRICE`; None if it
    must be unknown. `tier` answers; the router chooses Tier 2. `calls` counts the calls of tiers.
    """

    status: int = 200
    choices: list[dict[str, Any]] = Field(default_factory=list)
    usage: dict[str, Any] | None = None
    cost_usd: float | None
    calls: int = 1
    tier: int = 2
    reason: str = "router"
    more: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the answer itself."""
    error: SeenError | None = None
    headers: dict[str, str | None] = Field(default_factory=dict)
    sent: dict[str, Any] = Field(default_factory=dict)
    """Fields of the last request that the provider received."""
    adjusted: list[str] = Field(default_factory=list)
    """Notes of the answering attempt, as `x-route-debug` shows them."""


class Dialect(_Part):
    """`source` is a public report (owner/repo#n) or the documentation that describes the form.

    The upstream's responses come in the order of the calls, and the last one repeats. `router` has
    those to the router model; without them it answers "2".
    """

    about: str
    source: list[str] = Field(min_length=1)
    request: dict[str, Any] = Field(default_factory=dict)
    upstream: list[Upstream] = Field(min_length=1)
    router: list[Upstream] = Field(default_factory=list)
    seen: Seen
    streamed: Seen | None = None
    """What is seen of a stream, if that differs: what has been passed on cannot be taken back."""


def names(form: str) -> list[str]:
    return sorted(path.stem for path in (DIALECTS / form).glob("*.json"))


def load(form: str, name: str) -> Dialect:
    return Dialect.model_validate(json.loads((DIALECTS / form / f"{name}.json").read_text("utf-8")))
