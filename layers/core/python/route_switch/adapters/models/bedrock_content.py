"""Translate the content of OpenAI chat messages into Bedrock's content blocks.

Blank texts are dropped, because Bedrock rejects them. Nothing is fetched: images and files must be
included in the request as data: URLs. Errors name the place of a part and never quote it.
"""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from pydantic import JsonValue

from route_switch.adapters.models.bedrock_cache import point_after
from route_switch.domain.errors import InvalidModelRequestError

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime.literals import DocumentFormatType, ImageFormatType
    from mypy_boto3_bedrock_runtime.type_defs import (
        CachePointBlockTypeDef,
        ContentBlockTypeDef,
        DocumentBlockTypeDef,
        ImageBlockTypeDef,
    )

IMAGE_FORMATS: "dict[str, ImageFormatType]" = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}
DOCUMENT_FORMATS: "dict[str, DocumentFormatType]" = {
    "application/pdf": "pdf",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/csv": "csv",
    "text/html": "html",
    "text/markdown": "md",
    "text/plain": "txt",
}

_TEXTS = ("text", "refusal")
_KNOWN = (*_TEXTS, "image_url", "file", "input_audio")
_DATA_URL = re.compile(r"data:([^;,]+)(?:;[^;,]+)*;base64,", re.IGNORECASE)
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9()\[\]-]+")
_MAX_NAME_LENGTH = 150
"""Bedrock allows 200 characters. The rest is for the place."""


class Part(NamedTuple):
    """A part of a content array: its place (`messages[3].content[0]`), the value under the field
    that its type names (`image_url` for type `image_url`), and the cache point after it."""

    place: str
    kind: str
    value: JsonValue
    cache_point: "CachePointBlockTypeDef | None"


def user_blocks(content: JsonValue, place: str) -> "list[ContentBlockTypeDef]":
    """Return texts, images and documents in order. `place` is the message's (`messages[3]`)."""
    blocks: list[ContentBlockTypeDef] = []
    for part in _parts(content, place):
        match part.kind:
            case "image_url":
                blocks.append({"image": _image(part)})
            case "file":
                blocks.append({"document": _document(part)})
            case _:
                blocks += [{"text": text} for text in _text(part)]
        if part.cache_point and blocks:
            blocks.append({"cachePoint": part.cache_point})
    return blocks


def text_blocks(content: JsonValue, place: str) -> "list[ContentBlockTypeDef]":
    """Return the texts of content that must contain nothing else, with their cache points."""
    blocks: list[ContentBlockTypeDef] = []
    for part in _parts(content, place):
        blocks += [{"text": text} for text in _text(part)]
        if part.cache_point and blocks:
            blocks.append({"cachePoint": part.cache_point})
    return blocks


def last_cache_point(content: JsonValue, place: str) -> "CachePointBlockTypeDef | None":
    """Return the last cache point of content that has no room for one itself."""
    points = [part.cache_point for part in _parts(content, place) if part.cache_point]
    return points[-1] if points else None


def texts_of(content: JsonValue, place: str) -> list[str]:
    """Return the texts of content that must contain nothing else."""
    return [text for part in _parts(content, place) for text in _text(part)]


def _parts(content: JsonValue, place: str) -> Iterator[Part]:
    if content is None:
        return
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise InvalidModelRequestError(f"{place}.content must be a string or an array of parts.")
    for index, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if not (isinstance(part, dict) and isinstance(kind, str)):
            raise InvalidModelRequestError(
                f"{place}.content[{index}] must be an object with a type."
            )
        yield Part(f"{place}.content[{index}]", kind, part.get(kind), point_after(part))


def _text(part: Part) -> list[str]:
    """Return at most one text."""
    if part.kind not in _TEXTS:
        name = f" ({part.kind})" if part.kind in _KNOWN else ""
        raise InvalidModelRequestError(
            f"{part.place}{name} cannot be sent to Bedrock. User messages may contain text, "
            "image_url and file parts; all others, only text. Remove it, or configure a provider "
            "that supports it."
        )
    if not isinstance(part.value, str):
        raise InvalidModelRequestError(f"{part.place}.{part.kind} must be a string.")
    return [part.value] if part.value.strip() else []


def _image(part: Part) -> "ImageBlockTypeDef":
    media_type, data = _decode(part, "url")
    form = IMAGE_FORMATS.get(media_type)
    if form is None:
        raise InvalidModelRequestError(
            f"{part.place} has an image format that Bedrock does not support. Send png, jpeg, gif "
            "or webp."
        )
    return {"format": form, "source": {"bytes": data}}


def _document(part: Part) -> "DocumentBlockTypeDef":
    media_type, data = _decode(part, "file_data")
    form = DOCUMENT_FORMATS.get(media_type)
    if form is None:
        raise InvalidModelRequestError(
            f"{part.place} has a media type that Bedrock does not support. Send one of "
            f"{', '.join(DOCUMENT_FORMATS.values())}, with its media type."
        )
    filename = part.value.get("filename") if isinstance(part.value, dict) else None
    return {
        "format": form,
        "name": _document_name(filename, part.place),
        "source": {"bytes": data},
    }


def _document_name(filename: JsonValue, place: str) -> str:
    """Keep only characters that Bedrock allows. The place makes the name unique, as Bedrock
    requires."""
    name = _NOT_IN_A_NAME.sub(" ", filename if isinstance(filename, str) else "").strip()
    position = "-".join(re.findall(r"\d+", place))
    return f"{name[:_MAX_NAME_LENGTH].strip() or 'document'} ({position})"


def _decode(part: Part, field: str) -> tuple[str, bytes]:
    """Return the media type and bytes of the data: URL in this field."""
    url = part.value.get(field) if isinstance(part.value, Mapping) else None
    head = _DATA_URL.match(url) if isinstance(url, str) else None
    if not (isinstance(url, str) and head):
        raise InvalidModelRequestError(
            f"{part.place}.{part.kind}.{field} must be a base64 data: URL. Remote URLs are not "
            "fetched, and uploaded files are not supported."
        )
    try:
        data = b64decode(url[head.end() :], validate=True)
    except ValueError as error:
        raise InvalidModelRequestError(f"{part.place} is not valid base64.") from error
    if not data:
        raise InvalidModelRequestError(f"{part.place} is empty.")
    return head[1].lower(), data
