"""What models take of a request's parameters, and how a request is changed to fit.

A change is always visible: it is noted, recorded with the attempt and shown by `x-route-debug`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from route_switch.domain.cache_points import MARK
from route_switch.domain.needs import Capabilities
from route_switch.domain.tier_parameters import TierParameters

Params = dict[str, JsonValue]

OPENAI_FIELDS = frozenset(
    {
        *("audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs"),
        *("max_completion_tokens", "max_tokens", "metadata", "modalities", "n"),
        *("parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key"),
        *("reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier"),
        *("stop", "store", "stream_options", "temperature", "tool_choice", "tools"),
        *("top_logprobs", "top_p", "user", "verbosity"),
        *("thinking", "top_k"),
    }
)
"""OpenAI's fields, and Anthropic's that no field of OpenAI's stands for."""
FIELDS = OPENAI_FIELDS | {
    *(MARK, "chat_template_kwargs", "min_p", "prompt_cache_retention", "reasoning"),
    *("guided_choice", "guided_grammar", "guided_json", "guided_regex", "structured_outputs"),
    "repetition_penalty",
}
"""The fields of a request that a provider gets. Any other may choose another model or provider, or
cost what the owner has not agreed to."""

SAMPLING = ("temperature", "top_p", "presence_penalty", "frequency_penalty")
OPTIONAL = frozenset(
    {
        *SAMPLING,
        *("seed", "reasoning_effort", "verbosity", "service_tier", "store", "metadata", "user"),
        *("parallel_tool_calls", "prompt_cache_key", "safety_identifier", "top_k", "min_p"),
        *("prediction", "stream_options", "repetition_penalty", "prompt_cache_retention"),
        "thinking",
    }
)
"""Parameters that tune or label an answer. Without one of these the answer is still an answer to
the same request; any other is never left out."""
CHOICES = ("reasoning_effort", "verbosity")
"""A model may take one value of these and refuse another. The refused value is left out: without
any value, the model thinks and writes as much as it likes."""
LONGEST_CHOICE, MAX_CHOICES = 20, 16
"""Bounds of what is remembered of a key's requests."""
LIMITS = ("max_tokens", "max_completion_tokens")
"""Two names of the same limit; a model may take only one of them."""

_REFUSED = re.compile(
    r"unsupported|unknown|unrecogni[sz]ed|unexpected|not (?:supported|permitted|allowed|available)|"
    r"does(?: not|n't) support|extra (?:inputs|fields)|deprecated",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")
_NOT_BOTH = re.compile(
    r"(?:temperature\b.{0,40}\btop_?p|top_?p\b.{0,40}\btemperature)\b.{0,40}\bboth\b",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Refused:
    """What one model refused so far: parameters to leave out, values of `CHOICES` to leave out,
    limits to rename, whether it takes temperature or top_p alone, and whether it refuses cache
    points."""

    left_out: set[str] = field(default_factory=set)
    choices: set[tuple[str, str]] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)
    both: bool = False
    cache_points: bool = False

    def leaves_out(self, name: str, value: JsonValue) -> bool:
        is_refused = isinstance(value, str) and (name, value) in self.choices
        return is_refused or name in self.left_out

    def note_choice(self, name: str, value: JsonValue) -> bool:
        """Return whether the value is noted now. A value that no model takes may be long, and is
        not noted."""
        is_choice = isinstance(value, str) and len(value) <= LONGEST_CHOICE
        if not is_choice or len(self.choices) >= MAX_CHOICES or self.leaves_out(name, value):
            return False
        self.choices.add((name, str(value)))
        return True


def with_provider_rules(provider: str, model: str, known: Capabilities) -> Capabilities:
    """Add what a provider documents for all of its models.

    Sources: Amazon Bedrock API reference, InferenceConfiguration (temperature 0 to 1); Anthropic's
    migration guide for Claude 4.5 (temperature or top_p, not both); OpenAI's reasoning guide
    (`max_completion_tokens`, no sampling parameters).
    """
    changes: dict[str, object] = {}
    is_claude = "claude" in model
    if (provider == "bedrock" or is_claude) and known.max_temperature is None:
        changes["max_temperature"] = 1.0
    if is_claude:
        changes["one_of_temperature_and_top_p"] = True
    if provider == "openai" and known.reasoning:
        changes |= {"sampling": False, "limit_name": "max_completion_tokens"}
    return known.model_copy(update=changes) if changes else known


def fit_parameters(
    params: Mapping[str, JsonValue], model: Capabilities, refused: Refused
) -> tuple[Params, tuple[str, ...]]:
    """Return the parameters as the model takes them, and a note for each change."""
    fitted, notes = _passed_on(params)
    for name in LIMITS:
        new = refused.renamed.get(name) or (model.limit_name if name in fitted else None)
        if new and new != name and name in fitted:
            value = fitted.pop(name)
            fitted.setdefault(new, value)
            notes.append(f"{name} sent as {new}")
    if model.output_tokens is not None:
        fitted, lowered = lower_limits(fitted, model.output_tokens)
        notes += lowered
    untaken = () if model.sampling else SAMPLING
    left_out = sorted(n for n, v in fitted.items() if n in untaken or refused.leaves_out(n, v))
    notes += [f"{name} left out" for name in left_out if fitted.pop(name) is not None]
    highest, temperature = model.max_temperature, fitted.get("temperature")
    if highest is not None and isinstance(temperature, int | float) and temperature > highest:
        fitted["temperature"] = highest
        notes.append(f"temperature lowered to {highest:g}")
    both = fitted.get("temperature") is not None and fitted.get("top_p") is not None
    if both and (model.one_of_temperature_and_top_p or refused.both):
        del fitted["top_p"]
        notes.append("top_p left out, since the model takes temperature or top_p")
    return fitted, tuple(notes)


def _passed_on(params: Mapping[str, JsonValue]) -> tuple[Params, list[str]]:
    """Return what a provider gets of a request's fields, and notes. They name no unknown field:
    its name may be a text. What a provider would store, no deletion could reach; `metadata` labels
    what is stored, and may be refused without it."""
    passed = {name: value for name, value in params.items() if name in FIELDS}
    notes = [] if len(passed) == len(params) else ["unknown fields left out"]
    if passed.get("store"):
        stored = [name for name in ("store", "metadata") if name in passed]
        notes += [f"{name} left out" for name in stored if passed.pop(name) is not None]
    return passed, notes


def lower_limits(params: Mapping[str, JsonValue], most: int) -> tuple[Params, tuple[str, ...]]:
    """Lower output limits above `most`; return a note for each."""
    above = [n for n in LIMITS if isinstance(asked := params.get(n), int) and asked > most]
    notes = tuple(f"{name} lowered to {most}" for name in above)
    return {**params, **dict.fromkeys(above, most)}, notes


_DECISIONS = (("reasoning_effort", "thinking", "reasoning"), ("temperature", "top_p"))
"""Fields that decide the same thing: where the request sets one, the tier sets none of them."""


def with_tier_parameters(
    params: Mapping[str, JsonValue], tier: TierParameters
) -> tuple[Params, tuple[str, ...]]:
    """Add a tier's parameters to a request's, and return a note for each difference to what either
    asked for. What the request sets itself wins, except for the tier's output limit."""
    own = tier.as_request
    for together in _DECISIONS:
        if any(params.get(name) is not None for name in together):
            own = {name: value for name, value in own.items() if name not in together}
    stated = {name: value for name, value in params.items() if value is not None}
    merged: Params = {**params, **own, **stated}
    notes = tuple(f"{name} of the request replaces the tier's" for name in overrides(params, tier))
    if tier.max_tokens is None:
        return merged, notes
    limited, lowered = lower_limits(merged, tier.max_tokens)
    return limited, (*notes, *lowered)


def overrides(params: Mapping[str, JsonValue], tier: TierParameters) -> tuple[str, ...]:
    """Return the request's parameters that replace the tier's by other values. An answer to them is
    not what the tier's name says."""
    own = tier.as_request
    found: list[str] = []
    for together in (*_DECISIONS, ("verbosity",)):
        of_tier = {name: own[name] for name in together if name in own}
        of_request = {name: params[name] for name in together if params.get(name) is not None}
        if of_tier and of_request and of_tier != of_request:
            found += of_request
    return tuple(found)


def without_overrides(params: Mapping[str, JsonValue], tier: TierParameters) -> Params:
    """Return the request's parameters without those that replace the tier's."""
    replaced = overrides(params, tier)
    return {name: value for name, value in params.items() if name not in replaced}


def note_refusal(
    message: str, param: str | None, params: Mapping[str, JsonValue], refused: Refused
) -> bool:
    """Note the parameter that a provider's refusal is about; return whether a repeat can help."""
    if _NOT_BOTH.search(message):
        can_help = not refused.both and {"temperature", "top_p"} <= params.keys()
        refused.both = True
        return can_help
    if not _REFUSED.search(message):
        return False
    if MARK in message and not refused.cache_points:
        refused.cache_points = True
        return True
    name = _named(message, param, params)
    if name in LIMITS:
        other = next(limit for limit in LIMITS if limit != name)
        if name in refused.renamed or refused.renamed.get(other) == name:
            return False
        refused.renamed[name] = other
        return True
    if name in CHOICES:
        return refused.note_choice(name, params[name])
    if name not in OPTIONAL or name in refused.left_out:
        return False
    refused.left_out.add(name)
    return True


def _named(message: str, param: str | None, params: Mapping[str, JsonValue]) -> str | None:
    """Return the parameter of the request that the refusal names first, in snake case or camel
    case."""
    if param in params:
        return param
    places = {_plain(word[0]): -word.start() for word in _WORD.finditer(message)}
    named = [name for name in (*LIMITS, *OPTIONAL) if name in params and _plain(name) in places]
    return max(named, key=lambda name: places[_plain(name)], default=None)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
