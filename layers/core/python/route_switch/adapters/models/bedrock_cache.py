"""Cache points in Bedrock's form: a block of its own after what is to be kept.

Which models take one, and where:
https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import JsonValue

from route_switch.domain.cache_points import MARK, Messages, Params, has_points, without_points
from route_switch.domain.needs import Capabilities
from route_switch.domain.ports import JsonObject, ModelCall

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime.type_defs import CachePointBlockTypeDef

_CLAUDE = re.compile(r"(?:^|\.|/)anthropic\.claude")
_NOVA = re.compile(r"(?:^|\.|/)amazon\.nova-")


def with_accepted_points(call: ModelCall, known: Capabilities) -> tuple[Messages, Params]:
    """Return the request's messages and parameters with only those points that the model takes:
    Claude all of them, Nova none after tools and none for an hour, other models none."""
    messages, params = call.messages, dict(call.params)
    if not has_points(messages, params):
        return messages, params
    caches = known.cache_min_tokens is not None  # the name of a profile may not reveal the model
    if _CLAUDE.search(call.model) or (caches and not _NOVA.search(call.model)):
        return (messages, params) if known.long_cache else _for_five_minutes(messages, params)
    if _NOVA.search(call.model):
        _, without = without_points((), params)
        return _for_five_minutes(messages, without)
    return without_points(messages, params)


def point_after(holder: Mapping[str, JsonValue]) -> "CachePointBlockTypeDef | None":
    """Return the cache point that a content part, a message or a tool asks for. Without a time,
    Bedrock keeps it for five minutes."""
    mark = holder.get(MARK)
    if not isinstance(mark, dict):
        return None
    if mark.get("ttl") == "1h":
        return {"type": "default", "ttl": "1h"}
    return {"type": "default"}


def _for_five_minutes(messages: Messages, params: Params) -> tuple[Messages, Params]:
    """Bedrock keeps a prefix for five minutes where no time is stated."""
    tools = params.get("tools")
    if isinstance(tools, list):
        params = {**params, "tools": [_without_ttl(tool) for tool in tools]}
    return tuple(map(_message_without_ttl, messages)), params


def _message_without_ttl(message: JsonObject) -> JsonObject:
    plain, content = _plain(message), message.get("content")
    if not isinstance(content, list):
        return plain
    return {**plain, "content": [*map(_without_ttl, content)]}


def _without_ttl(holder: JsonValue) -> JsonValue:
    return _plain(holder) if isinstance(holder, dict) else holder


def _plain(holder: JsonObject) -> JsonObject:
    mark = holder.get(MARK)
    return {**holder, MARK: {"type": mark.get("type")}} if isinstance(mark, dict) else holder
