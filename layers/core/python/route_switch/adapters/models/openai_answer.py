"""The boundary: a provider's chat completion becomes chunks that this product vouches for.

Every client that receives OpenAI's form reads it here. Positions are this module's own, required
fields are filled in, an error inside an answer is an error, and everything unknown passes through.
(`complete` sees to it that text and numbers are valid, whichever client they come from.)
"""

import json
from collections.abc import Mapping
from uuid import uuid4

from pydantic import JsonValue

from route_switch.adapters.models.provider_errors import error_of, read_problem
from route_switch.domain.errors import ModelError
from route_switch.domain.ports import Chunk, JsonObject
from route_switch.domain.usage import Usage, read_usage

FINISH_REASONS = {
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "model_length"), "length"),
    **dict.fromkeys(("tool_calls", "tool_use", "tool_call"), "tool_calls"),
    "function_call": "function_call",
    **dict.fromkeys(
        ("content_filter", "safety", "recitation", "blocklist", "prohibited_content", "spii"),
        "content_filter",
    ),
}
"""OpenAI's reasons, and what other providers call them; in lower case."""
FAILED = frozenset({"error", "malformed_function_call", "abort", "cancelled", "engine_error"})
"""Reasons to stop which say that there is no answer."""

_OURS = frozenset({"id", "object", "created", "model", "choices", "usage", "system_fingerprint"})
"""Fields of an answer that are read or replaced; all others pass through."""
_CHOICE = frozenset({"index", "message", "delta", "finish_reason", "logprobs", "error"})


def read_completion(model: str, answer: JsonValue) -> tuple[Chunk, ...]:
    """Return one chunk per choice of a whole answer.

    Raise `ModelError`, with the usage that the provider reports, if the body holds an error or no
    choice that can be used.
    """
    if not isinstance(answer, dict):
        raise _not_an_answer(model, None)
    usage = read_usage(answer.get("usage"))
    if answer.get("error"):
        raise error_of(model, read_problem(answer), None, usage=usage)
    choices = answer.get("choices")
    if not isinstance(choices, list):
        raise _not_an_answer(model, usage)
    usable = [choice for choice in choices if isinstance(choice, dict) and _is_usable(choice)]
    if not usable:
        raise _no_choice(model, choices, usage)
    extra: JsonObject = {k: v for k, v in answer.items() if k not in _OURS and v is not None}
    reported = answer.get("usage")
    return tuple(
        Chunk(
            delta=message,
            index=position,
            finish_reason=read_finish_reason(choice.get("finish_reason"), message),
            logprobs=choice.get("logprobs"),
            usage=usage,
            provider_model=_text(answer.get("model")),
            provider_usage=reported if isinstance(reported, dict) else None,
            system_fingerprint=_text(answer.get("system_fingerprint")),
            extra=extra,
            choice_extra={k: v for k, v in choice.items() if k not in _CHOICE and v is not None},
        )
        for position, choice in enumerate(usable)
        for message in (read_message(choice["message"]),)
    )


def read_message(message: JsonValue) -> JsonObject:
    """Return an assistant message as OpenAI's schema demands it, unknown fields included."""
    given = message if isinstance(message, dict) else {}
    read = {k: v for k, v in given.items() if v is not None and k not in ("role", "content")}
    text, thought = _read_content(given.get("content"))
    if thought and "reasoning_content" not in read:
        read["reasoning_content"] = thought
    calls = _read_calls(given.get("tool_calls"))
    read.pop("tool_calls", None)
    if calls:
        read["tool_calls"] = calls
    if isinstance(call := given.get("function_call"), dict):
        read["function_call"] = _read_function(call)
    return {"role": "assistant", "content": text, **read}


def read_finish_reason(reason: JsonValue, message: Mapping[str, JsonValue]) -> str:
    """Return one of OpenAI's reasons; a message with tool calls that simply ended ends in them."""
    known = FINISH_REASONS.get(str(reason).lower(), "stop")
    if known == "stop" and message.get("tool_calls"):
        return "tool_calls"
    if known == "stop" and message.get("function_call"):
        return "function_call"
    return known


def _is_usable(choice: JsonObject) -> bool:
    return (
        isinstance(choice.get("message"), dict)
        and not choice.get("error")
        and str(choice.get("finish_reason")).lower() not in FAILED
    )


def _read_content(content: JsonValue) -> tuple[JsonValue, str]:
    """Return text and thought. Some providers write the content as a list of parts."""
    if not isinstance(content, list):
        return (content if content is None or isinstance(content, str) else str(content)), ""
    texts, thoughts = [], []
    for part in content:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict):
            thinking = part.get("thinking") or part.get("reasoning")
            if part.get("type") in ("thinking", "reasoning") or thinking:
                thoughts.append(_joined(thinking) or _joined(part.get("text")))
            else:
                texts.append(_joined(part.get("text")))
    return "".join(texts), "".join(thoughts)


def _joined(value: JsonValue) -> str:
    if isinstance(value, list):
        return "".join(_joined(v.get("text") if isinstance(v, dict) else v) for v in value)
    return value if isinstance(value, str) else ""


def _read_calls(calls: JsonValue) -> list[JsonValue]:
    """Number tool calls by position; give each an id of its own, a type and text arguments."""
    read: list[JsonValue] = []
    seen: set[str] = set()
    for call in calls if isinstance(calls, list) else ():
        if not isinstance(call, dict):
            continue
        identity = _text(call.get("id"))
        if identity is None or identity in seen:
            identity = f"call_{uuid4().hex[:24]}"
        seen.add(identity)
        rest = {k: v for k, v in call.items() if k not in ("id", "type", "index") and v is not None}
        kind = _text(call.get("type")) or "function"
        function = call.get("function")
        if isinstance(function, dict):
            rest["function"] = _read_function(function)
        elif kind == "function" and isinstance(call.get("name"), str):
            rest["function"] = _read_function(
                {"name": rest.pop("name"), "arguments": rest.pop("arguments", None)}
            )
        read.append({"id": identity, "type": kind, **rest})
    return read


def _read_function(function: Mapping[str, JsonValue]) -> JsonObject:
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        arguments = json.dumps({} if arguments is None else arguments, ensure_ascii=False)
    return {**function, "name": _text(function.get("name")) or "", "arguments": arguments}


def _no_choice(model: str, choices: list[JsonValue], usage: Usage | None) -> ModelError:
    for choice in choices:
        if isinstance(choice, dict) and choice.get("error"):
            return error_of(model, read_problem({"error": choice["error"]}), None, usage=usage)
        if isinstance(choice, dict) and str(choice.get("finish_reason")).lower() in FAILED:
            return ModelError(f"{model} broke off its answer with an error", usage=usage)
    return ModelError(f"{model} answered without a choice that can be used", usage=usage)


def _not_an_answer(model: str, usage: Usage | None) -> ModelError:
    return ModelError(
        f"{model} answered with something that is not a chat completion. Check the base URL.",
        usage=usage,
    )


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and value else None
