"""The parts of a provider's choice, as OpenAI's schema demands them.

A field that the schema knows has the schema's form or is left out; unknown fields pass through.
"""

import json
import re
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from route_switch.domain.call_ids import new_call_id
from route_switch.domain.json_values import (
    LOWEST_LOGPROB,
    InvalidJsonError,
    parse_json,
    valid_json,
)
from route_switch.domain.ports import JsonObject

FINISH_REASONS = {
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "model_length"), "length"),
    "model_context_window_exceeded": "length",
    **dict.fromkeys(("tool_calls", "tool_use", "tool_call"), "tool_calls"),
    "function_call": "function_call",
    **dict.fromkeys(
        ("content_filter", "safety", "recitation", "blocklist", "prohibited_content", "spii"),
        "content_filter",
    ),
    **dict.fromkeys(
        ("content_filtered", "refusal", "sensitive", "model_armor", "image_safety"),
        "content_filter",
    ),
}
"""OpenAI's reasons, and what other providers call them; in lower case."""
FAILED = frozenset(
    {
        *("error", "abort", "aborted", "cancelled", "timeout"),
        *("engine_error", "network_error", "insufficient_system_resource"),
        *("malformed_function_call", "malformed_response", "unexpected_tool_call"),
    }
)
"""Reasons to stop which say that there is no answer."""


def read_message(message: JsonValue) -> JsonObject:
    """Return an assistant message, unknown fields included."""
    given = message if isinstance(message, dict) else {}
    read: JsonObject = {k: v for k, v in given.items() if v is not None and k not in _READ}
    text, thought = read_content(given.get("content"))
    if thought:
        read.setdefault("reasoning_content", thought)
    if has_other_parts(given.get("content")):
        read["content_parts"] = given["content"]
    known: JsonObject = {
        "refusal": text_or_none(given.get("refusal")),
        "audio": audio if isinstance(audio := given.get("audio"), dict) else None,
        "annotations": [*read_annotations(given.get("annotations"))],
        "tool_calls": _read_calls(given.get("tool_calls")),
        "function_call": _read_function(given.get("function_call")),
    }
    read |= {name: value for name, value in known.items() if value}
    return {"role": "assistant", "content": text, **read}


_READ = ("role", "content", "refusal", "audio", "annotations", "tool_calls", "function_call")


def read_finish_reason(reason: JsonValue, message: Mapping[str, JsonValue]) -> str:
    """Return one of OpenAI's reasons. A message with tool calls that simply ended ends in them, and
    one without does not."""
    known = FINISH_REASONS.get(plain_reason(reason), "stop")
    if known in ("stop", "tool_calls", "function_call"):
        calls = ("tool_calls", "function_call")
        return next((name for name in calls if message.get(name)), "stop")
    return known


def plain_reason(reason: JsonValue) -> str:
    """Return the reason in lower case with underscores; some servers have it inside an object."""
    word = reason.get("type") if isinstance(reason, dict) else reason
    return str(word).lower().replace("-", "_")


def read_logprobs(logprobs: JsonValue) -> JsonObject | None:
    """Return log probabilities in which every token has a number and a list of alternatives."""
    if not isinstance(logprobs, dict):
        return None
    read = dict(logprobs)
    for side in {"content", "refusal"} & read.keys():
        tokens = read[side]
        read[side] = [*map(_token, _objects(tokens))] if isinstance(tokens, list) else None
    return read


def text_or_none(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and value else None


def _token(token: JsonObject) -> JsonValue:
    return {
        **_probability(token),
        "top_logprobs": [*map(_probability, _objects(token.get("top_logprobs")))],
    }


def _probability(token: JsonObject) -> JsonObject:
    number = valid_json(token.get("logprob"))
    known = isinstance(number, int | float)
    return {
        **token,
        "token": text_or_none(token.get("token")) or "",
        "logprob": number if known else LOWEST_LOGPROB,
    }


def _objects(values: JsonValue) -> Iterator[JsonObject]:
    return (each for each in (values if isinstance(values, list) else ()) if isinstance(each, dict))


def read_content(content: JsonValue) -> tuple[JsonValue, str]:
    """Return text and thought. Some providers write the content as a list of parts, and some parse
    structured output themselves."""
    if content is None or isinstance(content, str):
        return content, ""
    if isinstance(content, dict) and content.get("type") in ("text", "output_text"):
        content = [content]
    if not isinstance(content, list):
        return json_text(content), ""
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


def has_other_parts(content: JsonValue) -> bool:
    """Whether there are parts that are neither text nor thought, such as images or references."""
    known = ("text", "output_text", "thinking", "reasoning", None)
    return any(part.get("type") not in known for part in _objects(content))


def _joined(value: JsonValue) -> str:
    if isinstance(value, list):
        return "".join(_joined(v.get("text") if isinstance(v, dict) else v) for v in value)
    return value if isinstance(value, str) else ""


def read_annotations(annotations: JsonValue) -> Iterator[JsonObject]:
    """Yield citations of pages as OpenAI nests them, and anything else as it came."""
    for annotation in _objects(annotations):
        nested = annotation.get("url_citation")
        citation = nested if isinstance(nested, dict) else annotation
        url = citation.get("url")
        if isinstance(url, str):
            places = {n: p if isinstance(p := citation.get(n), int) else 0 for n in _PLACES}
            title = text_or_none(citation.get("title")) or url
            read = {**citation, **places, "url": url, "title": title}
            read.pop("type", None)
            yield {"type": "url_citation", "url_citation": read}
        else:
            yield annotation


_PLACES = ("start_index", "end_index")


def _read_calls(calls: JsonValue) -> list[JsonValue]:
    """Number tool calls by position; give each an id of its own, a type and text arguments."""
    read: list[JsonValue] = []
    seen: set[str] = set()
    for call in _objects([calls] if isinstance(calls, dict) else calls):
        identity = read_id(call.get("id"))
        if identity is None or identity in seen:
            identity = new_call_id()
        seen.add(identity)
        rest = fields_of_call(call)
        if function := _read_function(rest.get("function")):
            rest["function"] = function
        kind = "function" if function else text_or_none(call.get("type")) or "function"
        read.append({"id": identity, "type": kind, **rest})
    return read


def read_id(number: JsonValue) -> str | None:
    return str(number) if type(number) is int else text_or_none(number)


def fields_of_call(call: JsonObject) -> JsonObject:
    """Return a call's fields except id, type and index; some servers do not nest the function."""
    rest: JsonObject = {
        k: v for k, v in call.items() if k not in ("id", "type", "index") and v is not None
    }
    if "function" not in rest and isinstance(rest.get("name"), str):
        given = next((rest.pop(n) for n in ("arguments", "input") if n in rest), None)
        rest["function"] = {"name": rest.pop("name"), "arguments": given}
    return rest


def _read_function(function: JsonValue) -> JsonObject | None:
    if not isinstance(function, dict):
        return None
    name = text_or_none(function.get("name")) or ""
    return {**function, "name": name, "arguments": _read_arguments(function.get("arguments"))}


_MAY_BREAK = re.compile(r"\\ud|NaN|Infinity|^\s*\"", re.IGNORECASE)


def _read_arguments(arguments: JsonValue) -> str:
    """Return arguments as JSON text. What breaks the client that parses it is fixed: no text at
    all, half a surrogate pair, NaN, or JSON inside a JSON string."""
    if not isinstance(arguments, str):
        return json_text({} if arguments is None else arguments)
    if not arguments.strip():
        return "{}"
    if not _MAY_BREAK.search(arguments):
        return arguments
    try:
        parsed = parse_json(arguments)
        return json_text(parse_json(parsed) if isinstance(parsed, str) else parsed)
    except InvalidJsonError:  # a model wrote it
        return arguments


def json_text(value: JsonValue) -> str:
    return json.dumps(valid_json(value), ensure_ascii=False)
