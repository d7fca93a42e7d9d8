"""Parameters of a tier, and the name of a model that is called with them.

`openai/gpt-5 (reasoning_effort=low)` names a model with parameters. It stands wherever a model's
name does: in records, learning, recorded results and metrics. So one model at two efforts is two
columns of an outcome table. A model without parameters has its plain name.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from route_switch.domain.efforts import EFFORT_TOKENS, MIN_THINKING_TOKENS, Effort

T = TypeVar("T")


class TierParameters(BaseModel):
    """What a tier sends with each request. A value that the request sets itself overrides these,
    except for `max_tokens`, which no request exceeds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reasoning_effort: Effort | None = None
    """How much the model thinks before it answers. Not every model takes every value."""
    thinking_budget_tokens: Annotated[int, Field(ge=MIN_THINKING_TOKENS)] | None = None
    """Most tokens that the model thinks with, for models that take a budget in place of an effort,
    such as Claude. They count as output, so output limits must be higher."""
    verbosity: Literal["low", "medium", "high"] | None = None
    """How long the answer is, for models that take it, such as GPT-5."""
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    """Randomness of the answer, from 0 to 2."""
    top_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    """Share of the probability from which tokens are drawn, up to 1."""
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    """Most output tokens of the tier's answers, thoughts included: a lower limit of the request is
    kept, a higher one is lowered."""

    @model_validator(mode="after")
    def _parameters_agree(self) -> Self:
        budget = self.thinking_budget_tokens
        if budget is not None and self.reasoning_effort is not None:
            raise ValueError(
                "reasoning_effort and thinking_budget_tokens both say how much to think. Set one"
            )
        if budget is not None and self.max_tokens is not None and self.max_tokens <= budget:
            raise ValueError(
                f"max_tokens is {self.max_tokens}, but the model may think with "
                f"thinking_budget_tokens = {budget}, which leaves nothing for the answer. Raise "
                "max_tokens, or lower the budget"
            )
        return self

    @property
    def thinking_room(self) -> int:
        """Output tokens to allow for thoughts, on top of the answer, where no limit is stated."""
        if self.thinking_budget_tokens is not None:
            return self.thinking_budget_tokens
        tokens = EFFORT_TOKENS.get(self.reasoning_effort or "none")
        return tokens.most if tokens else 0

    @property
    def as_request(self) -> dict[str, JsonValue]:
        """The same as fields of a request, without the limit. `thinking` is Anthropic's field;
        LiteLLM and `bedrock_reasoning` translate it."""
        fields: dict[str, JsonValue] = self.model_dump(
            exclude_none=True, exclude={"thinking_budget_tokens", "max_tokens"}
        )
        if self.thinking_budget_tokens is not None:
            budget = self.thinking_budget_tokens
            fields["thinking"] = {"type": "enabled", "budget_tokens": budget}
        return fields


NO_PARAMETERS = TierParameters()

_NAME = re.compile(r"(\S+/\S+) \(([^()]+)\)")
_SEPARATOR = "; "


@lru_cache(maxsize=256)
def name_with(model: str, parameters: TierParameters) -> str:
    """Return the name of the model with these parameters, in the order of the fields."""
    stated = parameters.model_dump(exclude_none=True)
    if not stated:
        return model
    return f"{model} ({_SEPARATOR.join(f'{name}={_text(stated[name])}' for name in stated)})"


def _text(value: object) -> str:
    """Return one text for each value: 1 and 1.0 are the same temperature."""
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


@lru_cache(maxsize=256)
def split_name(name: str) -> tuple[str, TierParameters]:
    """Return the model and its parameters. A text in parentheses that is not a list of parameters
    belongs to the model's name: benchmarks name models freely."""
    match = _NAME.fullmatch(name)
    pairs = [] if match is None else [pair.split("=") for pair in match[2].split(_SEPARATOR)]
    if match is None or any(len(pair) != 2 for pair in pairs):
        return name, NO_PARAMETERS
    try:
        return match[1], TierParameters.model_validate_strings(dict(pairs))
    except ValidationError:
        return name, NO_PARAMETERS


def model_of(name: str) -> str:
    """Return the model's name without parameters."""
    return split_name(name)[0]


@lru_cache(maxsize=256)
def cached_as(name: str) -> str:
    """Return the name without the parameters that a provider's cache does not depend on. Models
    with the same result read the same cache.

    How much a model thinks is part of what is cached: Anthropic drops cached messages when the
    thinking parameters change (https://docs.claude.com/en/docs/build-with-claude/prompt-caching),
    users measure the same for the effort, and OpenAI counts a changed effort among the causes of
    misses. Nothing is known about `verbosity`, so it counts as well. Sampling and limits concern
    the output alone.
    """
    model, parameters = split_name(name)
    output_only = dict.fromkeys(("temperature", "top_p", "max_tokens"))
    return name_with(model, parameters.model_copy(update=output_only))


def of_model(values: Mapping[str, T], name: str) -> T | None:
    """Return the value for a model with parameters, by its whole name or else by its model's."""
    return values[name] if name in values else values.get(model_of(name))
