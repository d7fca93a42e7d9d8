"""Every other provider, through LiteLLM, which is slow to import and therefore imported on the
first call."""

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from route_switch.adapters.models.openai_answer import read_completion
from route_switch.adapters.models.openai_stream import StreamReader, read_answer, read_stream
from route_switch.adapters.models.provider_errors import Problem, error_of, error_of_response
from route_switch.adapters.models.server_events import events
from route_switch.domain.errors import InvalidModelRequestError, ModelError
from route_switch.domain.json_values import InvalidJsonError, parse_json
from route_switch.domain.parameters import OPENAI_FIELDS
from route_switch.domain.ports import Chunk, ModelCall

if TYPE_CHECKING:
    from route_switch.adapters.models.litellm_http import Body, Heard

JSON_TOOL = "json_tool_call"
"""LiteLLM asks some providers for JSON by means of a tool of this name, and turns the call back."""


class LiteLlmClient:
    """Serves the models of one `provider` of LiteLLM's.

    LiteLLM sends requests through the boundary's own HTTP (`litellm_http`). An answer that already
    has OpenAI's form is read from there: LiteLLM's reading loses fields and fails on odd ones.
    """

    def __init__(self, provider: str, api_key: Callable[[], str | None]) -> None:
        self._provider = provider
        self._api_key = api_key

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        # It accepts its own settings alongside them, such as the address and the price.
        foreign = sorted(call.params.keys() - OPENAI_FIELDS)
        if foreign:
            raise InvalidModelRequestError(
                f"'{foreign[0]}' is not a field of a chat completion request. Leave it out."
            )
        litellm = imported_litellm()
        yield from self._streamed(litellm, call) if call.stream else self._whole(litellm, call)

    def _streamed(self, litellm: Any, call: ModelCall) -> Iterator[Chunk]:  # LiteLLM is not typed
        from route_switch.adapters.models.litellm_http import Body, listening

        with listening(call.timeout_s, call.is_cancelled) as heard:
            try:
                pieces = self._completed(litellm, call, stream=True)
                last = heard[-1] if heard else None
                if isinstance(last, Body) and _is_openai_stream(last):
                    yield from read_stream(call.model, last)
                    return
                reader = StreamReader(call.model)
                for piece in pieces:
                    yield from reader.read(piece.model_dump(exclude_none=True))
                yield from reader.end()
            except ModelError:
                raise
            except Exception as error:  # noqa: BLE001, RUF100 (LiteLLM's errors share no base class)
                _raise_heard(call.model, heard)
                raise _error(call.model, error) from error

    def _whole(self, litellm: Any, call: ModelCall) -> Iterator[Chunk]:
        from route_switch.adapters.models.litellm_http import listening
        from route_switch.adapters.models.provider_http import HttpAnswer

        completed: Any = None
        failed: Exception | None = None
        with listening(call.timeout_s) as heard:
            try:
                completed = self._completed(litellm, call)
            except Exception as error:  # noqa: BLE001, RUF100 (LiteLLM's errors share no base class)
                failed = error
        _raise_heard(call.model, heard)
        content = heard[-1].content if heard and isinstance(heard[-1], HttpAnswer) else None
        if content is not None and _is_in_openai_form(content, is_read=failed is None):
            yield from read_answer(call.model, content)
        elif failed is not None:
            raise _error(call.model, failed) from failed
        else:
            yield from read_completion(call.model, completed.model_dump(exclude_none=True))

    def _completed(self, litellm: Any, call: ModelCall, **options: bool) -> Any:
        return litellm.completion(
            model=f"{self._provider}/{call.model}",
            messages=list(call.messages),
            timeout=call.timeout_s,
            api_key=self._api_key(),
            num_retries=0,
            max_retries=0,
            # Otherwise it looks for its own MCP tools among a request's, for which it has to import
            # its proxy; that is not installed, and every request with tools would fail.
            _skip_mcp_handler=True,
            **options,
            **call.params,
        )


def imported_litellm() -> Any:
    # Without this, importing it fetches its price list over the network.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    from route_switch.adapters.models.litellm_http import HTTP

    litellm.suppress_debug_info = True  # it prints advice to the log for every error
    # Its own handlers take the transport, and OpenAI's SDK inside it takes the session.
    litellm.sync_transport, litellm.client_session = HTTP.transport, HTTP.session
    return litellm


def _raise_heard(model: str, heard: "Heard") -> None:
    """Raise the error of the provider, or of the connection to it."""
    from route_switch.adapters.models.provider_http import HttpAnswer, unanswered

    match heard:
        case [*_, Exception() as error]:
            raise unanswered(model, error) from error
        case [*_, HttpAnswer(status=status) as answer] if status >= 300:
            raise error_of_response(model, status, answer.headers, answer.content)


def _is_openai_stream(body: "Body") -> bool:
    """Whether the answer needs no translation. LiteLLM's reading loses fields."""
    beginning = body.beginning()
    if JSON_TOOL.encode() in body.request:
        return False
    first = next(events([beginning, b"\n\n"]), None)
    if not isinstance(first, dict):  # one body instead of a stream, or nothing but its end
        return True
    return "choices" in first or "error" in first


def _is_in_openai_form(content: bytes, *, is_read: bool) -> bool:
    """Whether the body needs no translation; `is_read` if LiteLLM could read it."""
    if JSON_TOOL.encode() in content:
        return False
    first = next(events([content]), None)
    is_stream = not isinstance(first, bytes)
    body = _parsed(first) if isinstance(first, bytes) else first
    if not isinstance(body, dict):
        return False
    choices = body.get("choices")
    is_chat = isinstance(choices, list) and any(
        isinstance(choice, dict) and (is_stream or "message" in choice) for choice in choices
    )
    is_error = bool(body.get("error")) or body.get("object") == "error"
    return is_chat or is_error or ("choices" in body and not is_read)


def _parsed(content: bytes) -> JsonValue:
    try:
        return parse_json(content)
    except InvalidJsonError:
        return None


def _error(model: str, error: Exception) -> ModelError:
    """Return the error of what LiteLLM did not send, or could not read."""
    status = getattr(error, "status_code", None)
    if not isinstance(status, int):
        return ModelError(f"{model} failed: {type(error).__name__}")
    return error_of(model, Problem(str(getattr(error, "message", error))), status)
