"""The routing prompt: the versioned artifact that the router LLM reads and learning rewrites."""

import hashlib
import json
from functools import lru_cache
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)

from route_switch.domain.criteria import parse_criteria
from route_switch.domain.local_model import LocalModel, LocalNumbers
from route_switch.domain.ports import JsonObject
from route_switch.domain.profiles import ProfileTables
from route_switch.domain.query import QUOTED_SINCE, Query
from route_switch.domain.quoted_query import as_data
from route_switch.domain.tiers import Tier

MAX_BYTES = 8192
"""What SSM Parameter Store holds in one advanced parameter."""

Text = Annotated[str, StringConstraints(min_length=1)]
Provenance = dict[str, str | int | float | bool]
StrategyName = Literal["prompt", "local", "hybrid"]


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

    `strategy` says what decides: the router LLM that reads the prompt, `local_model`, or both.
    `bypass_tokens` replaces the stage's, if it is set. `profiles` says what the tiers that the
    router LLM names mean for the profiles of requests (`domain.profiles`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1, 2, 3] = 3
    instruction: Text
    demos: tuple[Demo, ...] = ()
    messages: MessageParts = MessageParts()
    strategy: StrategyName = "prompt"
    local_model: LocalModel | None = None
    bypass_tokens: Annotated[int, Field(ge=0)] | None = None
    profiles: ProfileTables | None = None
    provenance: Provenance = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_what_its_strategy_needs(self) -> Self:
        if self.strategy != "prompt" and self.local_model is None:
            raise ValueError(f"strategy '{self.strategy}' needs a local_model")
        if self.strategy == "hybrid" and self.local_model and self.local_model.ask_below is None:
            raise ValueError("strategy 'hybrid' needs ask_below")
        return self

    @model_serializer(mode="wrap")
    def _without_what_is_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, object]:
        """A prompt without a local model keeps the document and the version that it always had."""
        content: dict[str, object] = handler(self)
        for name in ("strategy", "local_model", "bypass_tokens", "profiles"):
            if getattr(self, name) == RoutingPrompt.model_fields[name].default:
                content.pop(name, None)
        return content

    @property
    def version(self) -> str:
        """Twelve hex digits of the SHA-256 of all that decides: equal content has equal versions,
        and an edit always changes the version."""
        content = self.model_dump(
            mode="json",
            exclude={"provenance": True, "local_model": {"strongest", "numbers"}},
        )
        text = json.dumps(content, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def without_numbers(self) -> Self:
        """The prompt as Parameter Store holds it: its local model is only named."""
        if self.local_model is None or self.local_model.numbers is None:
            return self
        return self.with_numbers(None)

    def with_numbers(self, numbers: LocalNumbers | None) -> Self:
        """Requires a local model."""
        assert self.local_model is not None  # noqa: S101 (for the type checker)
        model = self.local_model.model_copy(update={"numbers": numbers})
        return self.model_copy(update={"local_model": model})

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
        return _frozen_messages(self.instruction, self.demos, self.messages, self.schema_version)

    def render(self, query: Query, max_query_tokens: int) -> tuple[JsonObject, ...]:
        """Return the messages for the router LLM. Learning and serving both send exactly these."""
        text = query.for_router(max_query_tokens, self.schema_version)
        last = _message("user", self.messages.query.replace("{query}", text, 1))
        return (*self.frozen_messages, last)


@lru_cache(maxsize=64)
def _frozen_messages(
    instruction: str, demos: tuple[Demo, ...], parts: MessageParts, schema_version: int
) -> tuple[JsonObject, ...]:
    frozen = [_message("system", parts.system.replace("{instruction}", instruction, 1))]
    for demo in demos:
        shown = as_data(demo.query) if schema_version >= QUOTED_SINCE else demo.query
        frozen.append(_message("user", parts.query.replace("{query}", shown, 1)))
        frozen.append(_message("assistant", parts.tier.replace("{tier}", str(demo.tier.value), 1)))
    return tuple(frozen)


def _message(role: str, content: str) -> JsonObject:
    return {"role": role, "content": content}
