"""Translate how much to think into the fields of the model families on Bedrock.

`converse` has no field for it: each family has its own among `additionalModelRequestFields`. Other
families think as they please, or not at all.
"""

import re
from collections.abc import Mapping

from pydantic import JsonValue

from route_switch.domain.ports import JsonObject
from route_switch.domain.thinking import effort_for

_CLAUDE = re.compile(r"(?:^|\.|/)anthropic\.claude")
_NOVA_2 = re.compile(r"(?:^|\.|/)amazon\.nova-2-")
_GPT_OSS = re.compile(r"(?:^|\.|/)openai\.gpt-oss")

_LOW = ("minimal", "low")


def takes_effort(model: str) -> bool:
    """Whether an effort reaches this model."""
    return any(family.search(model) for family in (_CLAUDE, _NOVA_2, _GPT_OSS))


def takes_budget(model: str) -> bool:
    """Whether a budget of thinking tokens reaches this model."""
    return _CLAUDE.search(model) is not None


def reasoning_fields(model: str, params: Mapping[str, JsonValue], *, adaptive: bool) -> JsonObject:
    """Return the model's own fields; empty if the request does not ask for thoughts."""
    if _CLAUDE.search(model):
        return _claude(params, adaptive=adaptive)
    effort = params.get("reasoning_effort")
    if not isinstance(effort, str) or effort == "none":
        return {}
    if _NOVA_2.search(model):
        # At high effort, Nova takes no output limit, and every call here has one.
        level = "low" if effort in _LOW else "medium"
        return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": level}}
    if _GPT_OSS.search(model):
        level = "low" if effort in _LOW else "medium" if effort == "medium" else "high"
        return {"reasoning_effort": level}
    return {}


def _claude(params: Mapping[str, JsonValue], *, adaptive: bool) -> JsonObject:
    """`fit_thinking` has chosen the budget of a model that needs one."""
    thinking = params.get("thinking")
    if isinstance(thinking, dict) and thinking.get("type") == "disabled":
        return {}
    if not adaptive:
        return {"thinking": thinking} if isinstance(thinking, dict) else {}
    effort = _effort(thinking, params.get("reasoning_effort"))
    if effort is None:
        return {"thinking": {"type": "adaptive"}} if isinstance(thinking, dict) else {}
    return {"thinking": {"type": "adaptive"}, "output_config": {"effort": effort}}


def _effort(thinking: JsonValue, effort: JsonValue) -> str | None:
    if isinstance(effort, str) and effort != "none":
        return "low" if effort in _LOW else effort
    return effort_for(thinking)
