"""How much a model may think, in the form that it takes, and what a request allows.

Older Claude models take a budget of tokens in Anthropic's field `thinking`. Newer ones, and those
of other families, take an effort.

Claude refuses a request that thinks and also has sampling parameters, a forced tool call, an output
limit below the budget, or a tool loop without the thoughts of its earlier turns:
https://docs.claude.com/en/docs/build-with-claude/extended-thinking. The answer matters more than
the thoughts, and the thoughts more than sampling parameters, which only tune it.
"""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from route_switch.domain.conversation import last_answer, tool_loop_is_open
from route_switch.domain.efforts import EFFORT_TOKENS, MIN_THINKING_TOKENS, effort_of
from route_switch.domain.parameters import LIMITS, Params
from route_switch.domain.ports import JsonObject

_TUNING = ("temperature", "top_p", "top_k")
_FIELDS = ("reasoning_effort", "thinking")
_THOUGHTS = ("thinking", "redacted_thinking")

Fitted = tuple[Params, tuple[str, ...]]


def fit_thinking(
    params: Mapping[str, JsonValue], messages: Sequence[JsonObject], *, adaptive: bool
) -> Fitted:
    """Return Claude's parameters as it takes them, and a note for each change.

    An `adaptive` model takes an effort and decides itself how long it thinks; others get a budget
    of tokens in Anthropic's field `thinking`.
    """
    fitted = dict(params)
    if not _thinks(fitted):
        return fitted, ()
    why_not = _why_no_thoughts(fitted, messages)
    if why_not is None and not adaptive:
        fitted, why_not, lowered = _with_budget(fitted)
    else:
        lowered = ()
    if why_not is not None:
        left_out = [name for name in _FIELDS if fitted.pop(name, None) is not None]
        return fitted, tuple(f"{name} left out: {why_not}" for name in left_out)
    left_out = [name for name in _TUNING if fitted.pop(name, None) is not None]
    notes = (f"{name} left out, since the model thinks" for name in left_out)
    return fitted, (*lowered, *notes)


def as_effort(params: Mapping[str, JsonValue]) -> Fitted:
    """Return the parameters for a model that knows no `thinking`: with an effort in its place,
    unless the request states one."""
    thinking = params.get("thinking")
    if not isinstance(thinking, dict):
        return dict(params), ()
    fitted = {name: value for name, value in params.items() if name != "thinking"}
    if fitted.get("reasoning_effort") is not None or thinking.get("type") == "disabled":
        return fitted, ("thinking left out",)
    fitted["reasoning_effort"] = effort = effort_for(thinking) or "medium"
    return fitted, (f"thinking sent as reasoning_effort {effort}",)


def effort_for(thinking: JsonValue) -> str | None:
    """Return the effort for a budget, or None if no budget is stated."""
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    return effort_of(budget) if isinstance(budget, int) else None


def _thinks(params: Params) -> bool:
    thinking = params.get("thinking")
    if isinstance(thinking, dict):
        return thinking.get("type") != "disabled"
    return params.get("reasoning_effort") not in (None, "none")


def _why_no_thoughts(params: Mapping[str, JsonValue], messages: Sequence[JsonObject]) -> str | None:
    """Return why the request leaves no room for thoughts, or None."""
    if params.get("tool_choice") not in (None, "auto", "none"):
        return "the model does not think when it must call a tool"
    if _is_in_loop_without_thoughts(messages):
        return "the open tool calls came without their thoughts"
    return None


def _is_in_loop_without_thoughts(messages: Sequence[JsonObject]) -> bool:
    if not tool_loop_is_open(messages):
        return False
    calling = last_answer(messages) or {}
    content = calling.get("content")
    parts = content if isinstance(content, list) else []
    return not calling.get("thinking_blocks") and not any(
        isinstance(part, dict) and part.get("type") in _THOUGHTS for part in parts
    )


def _with_budget(params: Params) -> tuple[Params, str | None, tuple[str, ...]]:
    """Return the parameters with a budget that leaves half of the output limit to the answer; or
    why none does."""
    budget = _budget(params)
    stated = (params.get(name) for name in LIMITS)
    limit = min((each for each in stated if isinstance(each, int)), default=None)
    fitting = budget if limit is None or budget < limit else limit // 2
    if fitting < MIN_THINKING_TOKENS:
        return params, f"an output limit of {limit} leaves no room for thoughts", ()
    fitted = {k: v for k, v in params.items() if k != "reasoning_effort"}
    fitted["thinking"] = {"type": "enabled", "budget_tokens": fitting}
    lowered = (f"thinking lowered to {fitting} tokens",) if fitting < budget else ()
    return fitted, None, lowered


def _budget(params: Params) -> int:
    thinking = params.get("thinking")
    stated = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    if isinstance(stated, int):
        return max(stated, MIN_THINKING_TOKENS)
    effort = params.get("reasoning_effort")
    name = effort if isinstance(effort, str) else "medium"
    return EFFORT_TOKENS.get(name, EFFORT_TOKENS["medium"]).budget
