"""The routing prompt: the versioned artifact that the router LLM reads and learning rewrites."""

import hashlib
import json
from functools import lru_cache
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from route_switch.domain.criteria import parse_criteria
from route_switch.domain.errors import PromptError
from route_switch.domain.ports import JsonObject
from route_switch.domain.query import Query
from route_switch.domain.tiers import Tier

MAX_BYTES = 8192
"""What SSM Parameter Store holds in one advanced parameter."""

Text = Annotated[str, StringConstraints(min_length=1)]
Provenance = dict[str, str | int | float | bool]


class Demo(BaseModel):
    """A worked example: a query and the tier that it belongs to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: Text
    tier: Tier


class MessageParts(BaseModel):
    """The frozen texts of the messages. Each holds exactly one slot.

    They are part of the prompt, so every release sends a prompt the way it was learned. Slots are
    replaced once, by position: braces in a query have no meaning.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: str = "{instruction}\n\nAnswer with the number of the tier and nothing else: 1, 2 or 3."
    query: str = "Query:\n{query}"
    tier: str = "{tier}"

    @model_validator(mode="after")
    def _each_has_its_slot_once(self) -> Self:
        for name, slot in (("system", "instruction"), ("query", "query"), ("tier", "tier")):
            if getattr(self, name).count(f"{{{slot}}}") != 1:
                raise ValueError(f"messages.{name} must hold {{{slot}}} exactly once")
        return self


class RoutingPrompt(BaseModel):
    """`instruction` holds one bulleted list of criteria per tier, in plain English.

    `provenance` says how the prompt was made: origin, date and figures of the learning run.
    `schema_version` is the form in which the router LLM gets a query (`Query.for_router`): a prompt
    keeps the form that it was written or learned for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1, 2] = 2
    instruction: Text
    demos: tuple[Demo, ...] = ()
    messages: MessageParts = MessageParts()
    provenance: Provenance = Field(default_factory=dict)

    @property
    def version(self) -> str:
        """Twelve hex digits of the SHA-256 of the text that the router LLM is sent: equal texts
        have equal versions, and an edit always changes the version."""
        content = self.model_dump(mode="json", exclude={"provenance"})
        text = json.dumps(content, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def criteria(self) -> dict[Tier, tuple[str, ...]]:
        """The criteria of each tier (`domain.criteria`); a tier without any is absent."""
        found: dict[Tier, list[str]] = {}
        for tier, criterion in parse_criteria(self.instruction):
            found.setdefault(tier, []).append(criterion)
        return {tier: tuple(bullets) for tier, bullets in found.items()}

    @property
    def frozen_messages(self) -> tuple[JsonObject, ...]:
        """Every message but the last; these are the same for each query."""
        return _frozen_messages(self.instruction, self.demos, self.messages)

    def render(self, query: Query, max_query_tokens: int) -> tuple[JsonObject, ...]:
        """Return the messages for the router LLM. Learning and serving both send exactly these."""
        text = query.for_router(max_query_tokens, self.schema_version)
        last = _message("user", self.messages.query.replace("{query}", text, 1))
        return (*self.frozen_messages, last)


@lru_cache(maxsize=64)
def _frozen_messages(
    instruction: str, demos: tuple[Demo, ...], parts: MessageParts
) -> tuple[JsonObject, ...]:
    frozen = [_message("system", parts.system.replace("{instruction}", instruction, 1))]
    for demo in demos:
        frozen.append(_message("user", parts.query.replace("{query}", demo.query, 1)))
        frozen.append(_message("assistant", parts.tier.replace("{tier}", str(demo.tier.value), 1)))
    return tuple(frozen)


def _message(role: str, content: str) -> JsonObject:
    return {"role": role, "content": content}


def check_may_go_live(prompt: RoutingPrompt, document: str) -> None:
    """Raise `PromptError` unless each tier has criteria and Parameter Store can hold `document`."""
    missing = [tier.value for tier in Tier if tier not in prompt.criteria]
    if missing:
        raise PromptError(
            f"The instruction has no bulleted list of criteria for tier {missing[0]}. Write a line "
            f"that names the tier (such as 'Tier {missing[0]}: …') and '- ' lines below it."
        )
    size = len(document.encode())
    if size > MAX_BYTES:
        raise PromptError(
            f"The prompt is {size} bytes long and Parameter Store holds {MAX_BYTES}. "
            "Shorten the criteria or remove demos."
        )
    if "{{" in document:
        raise PromptError(
            "The prompt contains '{{', which Parameter Store refuses as a reference. "
            "Write it with a space between the braces."
        )
