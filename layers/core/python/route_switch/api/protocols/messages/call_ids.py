"""Ids of tool calls, which Anthropic's clients expect to be unique in a conversation."""

from pydantic import JsonValue

from route_switch.api.client_call import ClientCall


class CallIds:
    """Some servers number the calls of each answer anew (`call_0`). Claude Code drops a call whose
    id it has seen before, so such an id gets the end of the answer's own."""

    def __init__(self, call: ClientCall, request_id: str) -> None:
        self._seen = {id_ for message in call.messages for id_ in _ids(message.get("tool_calls"))}
        self._suffix = request_id[-8:]

    def unique(self, id_: JsonValue) -> str:
        return f"{id_}_{self._suffix}" if id_ in self._seen else str(id_)


def _ids(calls: JsonValue) -> list[str]:
    found = calls if isinstance(calls, list) else []
    return [str(each.get("id")) for each in found if isinstance(each, dict)]
