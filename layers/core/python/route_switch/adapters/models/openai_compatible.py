"""Any server with OpenAI's chat completion API: OpenAI, Azure, vLLM, Ollama, llama.cpp, …"""

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING

from pydantic import JsonValue

from route_switch.adapters.models.openai_answer import read_completion
from route_switch.adapters.models.provider_errors import error_of_response
from route_switch.domain.errors import ModelError, ModelTimeoutError
from route_switch.domain.json_values import InvalidJsonError, parse_json
from route_switch.domain.ports import Chunk, JsonObject, ModelCall

if TYPE_CHECKING:
    import httpx

MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""A longer answer is broken off: it could not be delivered, and must not fill the memory."""


class OpenAiCompatibleClient:
    """Calls `base_url`, which may have a query (`…/deployments/x?api-version=…`).

    `api_key` is called before each request, since an owner may change the key at any time; None
    sends no Authorization header.
    """

    def __init__(self, base_url: str, api_key: Callable[[], str | None]) -> None:
        self._base_url = base_url
        self._api_key = api_key

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        import httpx

        from route_switch.adapters.models.http_deadline import deadline_in

        payload: JsonObject = {**call.params, "model": call.model, "messages": [*call.messages]}
        try:
            with deadline_in(call.timeout_s):
                response, content = self._answered(payload, call.timeout_s)
        except httpx.TimeoutException as error:
            raise ModelTimeoutError(f"{call.model} did not answer in time") from error
        except httpx.HTTPError as error:
            raise ModelError(f"{call.model} cannot be reached: {type(error).__name__}") from error
        if response.status_code >= 300:
            raise error_of_response(call.model, response.status_code, response.headers, content)
        yield from read_completion(call.model, _parsed(content))

    def _answered(self, payload: JsonObject, timeout_s: float) -> "tuple[httpx.Response, bytes]":
        """Return the response and its body."""
        response = self._sent(
            self._http.build_request(
                "POST", self._url, json=payload, headers=self._headers(), timeout=timeout_s
            )
        )
        with closing(response):
            return response, _body(response)

    def _sent(self, request: "httpx.Request") -> "httpx.Response":
        """Send the request; once more, on a new connection, if the first one breaks before anything
        was answered. That happens to connections which were idle while Lambda was frozen."""
        import httpx

        try:
            return self._http.send(request, stream=True)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            return self._http.send(request, stream=True)

    def _headers(self) -> dict[str, str]:
        key = self._api_key()
        return {"authorization": f"Bearer {key}"} if key else {}

    @cached_property
    def _url(self) -> "httpx.URL":
        import httpx

        base = httpx.URL(self._base_url)
        return base.copy_with(path=f"{base.path.rstrip('/')}/chat/completions")

    @cached_property
    def _http(self) -> "httpx.Client":
        from route_switch.adapters.models.http_deadline import http_client

        return http_client(tls=self._url.scheme == "https")


def _body(response: "httpx.Response") -> bytes:
    parts, size = [], 0
    for part in response.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise ModelError(f"The answer is longer than {MAX_ANSWER_BYTES:,} bytes")
    return b"".join(parts)


def _parsed(content: bytes) -> JsonValue:
    try:
        return parse_json(content)
    except InvalidJsonError:
        return None
