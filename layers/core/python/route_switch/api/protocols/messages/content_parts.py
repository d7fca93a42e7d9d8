"""Content blocks of Anthropic's API as parts of chat messages.

`cache_control` stays on its part, for providers that know it.
"""

import binascii
from collections.abc import Iterator

from pydantic import JsonValue

from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.ports import JsonObject

CACHE_LIFETIMES = ("5m", "1h")


def blocks_of(content: JsonValue, place: str) -> Iterator[tuple[str, JsonObject]]:
    """Yield each block with its place, such as `messages[0].content[2]`. A text is one block."""
    if isinstance(content, str):
        yield place, {"type": "text", "text": content}
    for index, block in enumerate(content if isinstance(content, list) else ()):
        if isinstance(block, dict):
            yield f"{place}[{index}]", block


def parts_of(content: JsonValue, place: str) -> list[JsonObject]:
    """Return texts, images and documents in their order."""
    return [
        part for where, block in blocks_of(content, place) for part in block_parts(block, where)
    ]


def as_content(parts: list[JsonObject]) -> JsonValue:
    """Return one text as a string, which every server takes, and anything else as parts."""
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        return parts[0]["text"]
    return [*parts]


def text_field(block: JsonObject, name: str, place: str) -> str:
    value = block.get(name)
    if not isinstance(value, str):
        raise invalid(f"{place}.{name}", "must be a string.")
    return value


def invalid(place: str, problem: str) -> RequestRefusedError:
    return RequestRefusedError(f"'{place}' {problem}", code="invalid_value", param=place)


def unsupported(place: str, what: str, instead: str) -> RequestRefusedError:
    return RequestRefusedError(
        f"'{place}' {what} {instead}", code="unsupported_parameter", param=place
    )


def marked(part: JsonObject, block: JsonObject) -> JsonObject:
    """Return the part with the block's cache mark. Raise `RequestRefusedError` for a mark that
    Anthropic does not have."""
    mark = block.get("cache_control")
    if not isinstance(mark, dict):
        return part
    check_mark(mark)
    return {**part, "cache_control": mark}


def check_mark(mark: JsonObject) -> None:
    """Raise `RequestRefusedError` for a cache mark that Anthropic does not have."""
    if mark.get("type", "ephemeral") != "ephemeral":
        raise invalid("cache_control.type", "must be 'ephemeral'.")
    if mark.get("ttl") not in (None, *CACHE_LIFETIMES):
        raise invalid("cache_control.ttl", f"must be one of {', '.join(CACHE_LIFETIMES)}.")


def block_parts(block: JsonObject, place: str) -> Iterator[JsonObject]:
    """Yield the parts of one block; usually it is one."""
    match block.get("type"):
        case "text":
            yield marked({"type": "text", "text": text_field(block, "text", place)}, block)
        case "image":
            url: JsonObject = {"url": _image_url(_source(block, place), f"{place}.source")}
            yield marked({"type": "image_url", "image_url": url}, block)
        case "document":
            yield from _document(block, place)
        case "tool_reference":
            # From here on, `message_params` shows the tool to the model.
            name = text_field(block, "tool_name", place)
            yield marked({"type": "text", "text": f"The tool {name} is available."}, block)
        case kind:
            raise unsupported(
                place,
                f"has the type {str(kind)[:40]!r}, which is not supported here.",
                "Send text, image and document blocks, tool calls and their results.",
            )


def _document(block: JsonObject, place: str) -> Iterator[JsonObject]:
    source = _source(block, place)
    citations = block.get("citations")
    if isinstance(citations, dict) and citations.get("enabled"):
        raise unsupported(f"{place}.citations", "cannot be kept.", "Remove it.")
    heading = [v for name in ("title", "context") if isinstance(v := block.get(name), str) and v]
    match source.get("type"):
        case "text":
            text = "\n".join([*heading, text_field(source, "data", f"{place}.source")])
            yield marked({"type": "text", "text": text}, block)
        case "content":
            for text in heading:
                yield {"type": "text", "text": text}
            parts = parts_of(source.get("content"), f"{place}.source.content")
            yield from parts[:-1]
            yield from (marked(part, block) for part in parts[-1:])
        case "base64":
            media_type = text_field(source, "media_type", f"{place}.source")
            data = _base64(source, f"{place}.source")
            file: JsonObject = {
                "filename": heading[0] if heading else "document",
                "file_data": f"data:{media_type};base64,{data}",
            }
            yield marked({"type": "file", "file": file}, block)
        case kind:
            raise _unread(place, kind)


def _image_url(source: JsonObject, place: str) -> str:
    match source.get("type"):
        case "base64":
            media_type = text_field(source, "media_type", place)
            return f"data:{media_type};base64,{_base64(source, place)}"
        case "url":
            return text_field(source, "url", place)
        case kind:
            raise _unread(place.removesuffix(".source"), kind)


def _base64(source: JsonObject, place: str) -> str:
    data = text_field(source, "data", place)
    try:
        size = len(binascii.a2b_base64("".join(data.split()), strict_mode=True))
    except ValueError:
        size = 0
    if size == 0:
        raise invalid(f"{place}.data", "must be base64 of a file that is not empty.")
    return data


def _source(block: JsonObject, place: str) -> JsonObject:
    source = block.get("source")
    if not isinstance(source, dict):
        raise invalid(f"{place}.source", "must be an object with a type.")
    return source


def _unread(place: str, kind: JsonValue) -> RequestRefusedError:
    return unsupported(
        f"{place}.source",
        f"has the type {str(kind)[:40]!r}, which the router cannot read.",
        "Send the data itself, as base64.",
    )
