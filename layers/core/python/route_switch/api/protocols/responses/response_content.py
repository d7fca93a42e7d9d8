"""The content of Responses messages and tool outputs as chat content parts."""

from pydantic import JsonValue

from route_switch.api.protocols.responses.response_refusals import invalid, shown, unsupported
from route_switch.domain.ports import JsonObject

_UPLOADED = "this router stores no files. Send the data itself in '{}'"
_TEXTS = ("input_text", "output_text", "text", "summary_text", "reasoning_text")


def chat_content(content: JsonValue, place: str) -> JsonValue:
    """Return a text or a list of chat content parts. A single plain text part becomes a text, which
    every provider takes."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise invalid(place, "must be a text or a list of content parts, each with a 'type'")
    parts = [_part(part, f"{place}[{index}]") for index, part in enumerate(content)]
    if len(parts) == 1 and parts[0].keys() == {"type", "text"}:
        return parts[0]["text"]
    return [*parts]


def said_and_refused(content: JsonValue, place: str) -> tuple[str, str]:
    """Return the text and the refusal of an assistant's message."""
    if isinstance(content, str):
        return content, ""
    if not isinstance(content, list):
        raise invalid(place, "must be a text or a list of content parts, each with a 'type'")
    texts, refusals = [], []
    for index, part in enumerate(content):
        match part:
            case {"type": "refusal", "refusal": str(refusal)}:
                refusals.append(refusal)
            case {"type": str(kind), "text": str(text)} if kind in _TEXTS:
                texts.append(text)
            case _:
                raise invalid(
                    f"{place}[{index}]", "must be an output_text or a refusal with its text"
                )
    return "".join(texts), "".join(refusals)


def _part(part: JsonValue, place: str) -> JsonObject:
    if not isinstance(part, dict):
        raise invalid(place, 'must be a content part, such as {"type": "input_text", "text": "…"}')
    match part:
        case {"type": str(kind), "text": str(text)} if kind in _TEXTS:
            translated: JsonObject = {"type": "text", "text": text}
        case {"type": "input_image"}:
            translated = _image(part, place)
        case {"type": "input_file"}:
            translated = _file(part, place)
        case {"type": "input_audio", "input_audio": dict(audio)}:
            translated = {"type": "input_audio", "input_audio": audio}
        case {"type": "refusal", "refusal": str(refusal)}:
            translated = {"type": "text", "text": refusal}
        case {"type": str(kind)} if kind in (*_TEXTS, "input_audio", "refusal"):
            raise invalid(place, f"is an {kind} without its content")
        case _:
            raise unsupported(
                place,
                f"a content part {shown(part.get('type'))} cannot be passed on. Send input_text, "
                "input_image, input_file or input_audio",
            )
    return translated | _cache_point(part)


def _cache_point(part: JsonObject) -> JsonObject:
    """Return the end of a prefix to cache, in the form that every provider's client knows."""
    if isinstance(mark := part.get("cache_control"), dict):
        return {"cache_control": mark}
    return {"cache_control": {"type": "ephemeral"}} if part.get("prompt_cache_breakpoint") else {}


def _image(part: JsonObject, place: str) -> JsonObject:
    url, detail = part.get("image_url"), part.get("detail")
    if not isinstance(url, str):
        if part.get("file_id") is not None:
            raise unsupported(f"{place}.file_id", _UPLOADED.format("image_url"))
        raise invalid(f"{place}.image_url", "must be the image's URL or a data URL")
    image: JsonObject = {"url": url}
    if detail is not None and detail != "auto":
        image["detail"] = "high" if detail == "original" else detail
    return {"type": "image_url", "image_url": image}


def _file(part: JsonObject, place: str) -> JsonObject:
    for name in ("file_id", "file_url"):
        if part.get(name) is not None and part.get("file_data") is None:
            raise unsupported(f"{place}.{name}", _UPLOADED.format("file_data"))
    data, filename = part.get("file_data"), part.get("filename")
    if not isinstance(data, str):
        raise invalid(f"{place}.file_data", "must be the file as a data URL")
    file: JsonObject = {"file_data": data}
    return {"type": "file", "file": file | ({"filename": filename} if filename is not None else {})}
