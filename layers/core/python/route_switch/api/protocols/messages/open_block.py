"""The content block that is being written: at most one at a time."""

from collections.abc import Iterator

from pydantic import JsonValue

from route_switch.domain.ports import JsonObject


class OpenBlock:
    """Yields the events that begin, continue and end blocks. `key` tells whether a piece continues
    the block that is open."""

    def __init__(self) -> None:
        self._index = -1
        self._key: object = None
        self._signature = ""
        self._unsigned: list[str] = []
        """Pieces of the thought that is open and has no signature so far."""

    def text(self, text: str, key: str) -> Iterator[JsonObject]:
        yield from self._open(key, {"type": "text", "text": ""})
        yield self._delta({"type": "text_delta", "text": text})

    def unsigned_thought(self, text: str, field: str) -> Iterator[JsonObject]:
        """Continue a thought that has the name of its field for a signature."""
        yield from self._open(field, {"type": "thinking", "thinking": "", "signature": ""})
        self._signature = field
        self._unsigned.append(text)
        yield self._delta({"type": "thinking_delta", "thinking": text})

    def signed_thought(self, piece: JsonObject) -> Iterator[JsonObject]:
        """Continue a thought of which the last piece has the signature."""
        if piece.get("type") == "redacted_thinking":
            yield from self.close()
            yield from self._open(
                object(), {"type": "redacted_thinking", "data": str(piece.get("data") or "")}
            )
            return
        if self._unsigned and piece.get("thinking") == "".join(self._unsigned):
            # It has been shown without its signature, as Bedrock's clients do.
            self._signature = str(piece.get("signature") or self._signature)
            yield from self.close()
            return
        key = ("thought", piece.get("index"))
        yield from self._open(key, {"type": "thinking", "thinking": "", "signature": ""})
        if text := piece.get("thinking"):
            yield self._delta({"type": "thinking_delta", "thinking": str(text)})
        if signature := piece.get("signature"):
            self._signature = str(signature)
            yield from self.close()

    def tool(self, key: int, begun: JsonObject, arguments: str) -> Iterator[JsonObject]:
        yield from self._open(("tool", key), {"type": "tool_use", **begun, "input": {}})
        if arguments:
            yield self._delta({"type": "input_json_delta", "partial_json": arguments})

    def close(self) -> Iterator[JsonObject]:
        """End the block that is open, if there is one."""
        if self._key is None:
            return
        if self._signature:
            yield self._delta({"type": "signature_delta", "signature": self._signature})
        self._key, self._signature = None, ""
        self._unsigned.clear()
        yield {"type": "content_block_stop", "index": self._index}

    def _open(self, key: object, block: JsonObject) -> Iterator[JsonObject]:
        if self._key == key:
            return
        yield from self.close()
        self._index += 1
        self._key = key
        yield {"type": "content_block_start", "index": self._index, "content_block": block}

    def _delta(self, delta: JsonObject) -> JsonObject:
        value: dict[str, JsonValue] = {"index": self._index, "delta": delta}
        return {"type": "content_block_delta", **value}
