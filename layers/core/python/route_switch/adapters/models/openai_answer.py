"""The boundary: a provider's chat completion becomes chunks whose form this product guarantees.

Every client that receives OpenAI's form reads it here. Positions are this module's own, required
fields are filled in, an error inside an answer is an error, and everything unknown passes through.
(`complete` sees to it that text and numbers are valid, whichever client they come from.)
"""

from typing import Any

from pydantic import JsonValue

from route_switch.adapters.models.openai_message import (
    FAILED,
    plain_reason,
    read_finish_reason,
    read_logprobs,
    read_message,
    text_or_none,
)
from route_switch.adapters.models.provider_errors import error_in_answer, has_reason
from route_switch.domain.errors import ModelError
from route_switch.domain.ports import Chunk, JsonObject
from route_switch.domain.usage import Usage, read_usage, reported_usage

_OURS = frozenset({"id", "object", "created", "model", "choices", "usage", "system_fingerprint"})
"""Fields of an answer that are read or replaced; all others pass through."""
_OLLAMAS_COUNTS = ("prompt_eval_count", "eval_count")
_CHOICE = frozenset(
    {"index", "message", "delta", "text", "finish_reason", "logprobs", "error", "usage"}
)
_SERVICE_TIERS = ("auto", "default", "flex", "scale", "priority", "fast")
"""Those that OpenAI's schema has: strict clients refuse an answer with another one."""


def read_completion(model: str, answer: JsonValue) -> tuple[Chunk, ...]:
    """Return one chunk per choice of a whole answer.

    Raise `ModelError`, with the usage that the provider reports, if the body holds an error or no
    choice that can be used.
    """
    if isinstance(answer, list) and len(answer) == 1:  # as Gemini's endpoint wraps its errors
        [answer] = answer
    if not isinstance(answer, dict):
        raise _not_an_answer(model, None)
    usage = read_usage(usage_in(answer))
    if answer.get("error"):
        raise error_in_answer(model, answer, usage)
    choices = answer.get("choices")
    if not isinstance(choices, list):
        raise _not_an_answer(model, usage, answer)
    usable = [choice for choice in choices if isinstance(choice, dict) and _is_usable(choice)]
    if not usable:
        raise _no_choice(model, choices, usage)
    of_all = fields_of_answer(answer, usage)
    return tuple(_chunk(position, choice, of_all) for position, choice in enumerate(usable))


def fields_of_answer(answer: JsonObject, usage: Usage | None) -> dict[str, Any]:
    """Return the fields that the chunks of an answer have in common."""
    extra = {k: v for k, v in answer.items() if k not in _OURS and v not in (None, {}, "")}
    if extra.get("service_tier") not in _SERVICE_TIERS:
        extra.pop("service_tier", None)
    return {
        "usage": usage,
        "provider_model": text_or_none(answer.get("model")),
        "provider_usage": reported_usage(usage_in(answer), usage),
        "system_fingerprint": text_or_none(answer.get("system_fingerprint")),
        "extra": extra,
    }


def _chunk(position: int, choice: JsonObject, of_all: dict[str, Any]) -> Chunk:
    message = read_message(_message_of(choice))
    return Chunk(
        delta=message,
        index=position,
        finish_reason=read_finish_reason(choice.get("finish_reason"), message),
        logprobs=read_logprobs(choice.get("logprobs")),
        choice_extra={k: v for k, v in choice.items() if k not in _CHOICE and v is not None},
        **of_all,
    )


def _message_of(choice: JsonObject) -> JsonObject | None:
    """Return the message, which some servers call a delta; older ones have a text instead."""
    given = (choice.get("message"), choice.get("delta"))
    found = next((each for each in given if isinstance(each, dict)), None)
    text = choice.get("text")
    return {"content": text} if found is None and isinstance(text, str) else found


def usage_in(answer: JsonObject) -> JsonValue:
    """Return the usage: in its place, where Groq and Moonshot have it in streams, or next to the
    answer as in Ollama's own API."""
    choices, of_groq = answer.get("choices"), answer.get("x_groq")
    first = choices[0] if isinstance(choices, list) and choices else None
    inner = (each.get("usage") for each in (of_groq, first) if isinstance(each, dict))
    beside = {name: answer[name] for name in _OLLAMAS_COUNTS if name in answer}
    places = (answer.get("usage"), *inner, beside)
    return next((each for each in places if each), None)


def _is_usable(choice: JsonObject) -> bool:
    return (
        _message_of(choice) is not None
        and not choice.get("error")
        and plain_reason(choice.get("finish_reason")) not in FAILED
    )


def _no_choice(model: str, choices: list[JsonValue], usage: Usage | None) -> ModelError:
    for choice in choices:
        if isinstance(choice, dict) and choice.get("error"):
            return error_in_answer(model, {"error": choice["error"]}, usage)
        if isinstance(choice, dict) and plain_reason(choice.get("finish_reason")) in FAILED:
            return ModelError(f"{model} broke off its answer with an error", usage=usage)
    return ModelError(f"{model} answered without a choice that can be used", usage=usage)


def _not_an_answer(model: str, usage: Usage | None, answer: JsonValue = None) -> ModelError:
    if has_reason(answer):
        return error_in_answer(model, answer, usage)
    return ModelError(
        f"{model} answered with something that is not a chat completion. Check the base URL.",
        usage=usage,
    )
