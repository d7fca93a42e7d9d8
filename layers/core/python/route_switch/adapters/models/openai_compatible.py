"""Any server with OpenAI's chat completion API: OpenAI, Azure, vLLM, Ollama, llama.cpp, …"""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from route_switch.adapters.models.openai_stream import read_answer, read_stream
from route_switch.adapters.models.openai_thoughts import without_thoughts
from route_switch.adapters.models.provider_errors import error_of_response
from route_switch.domain.cache_points import has_points, without_points
from route_switch.domain.errors import ModelError
from route_switch.domain.ports import Chunk, JsonObject, ModelCall

if TYPE_CHECKING:
    import httpx

    from route_switch.adapters.models.provider_http import ProviderHttp

_STRICT = (".openai.com", ".azure.com")
"""Servers that refuse messages with fields which they do not know. They cache prefixes by
themselves, and refuse a request with cache points."""


def request_body(host: str, call: ModelCall) -> JsonObject:
    """Return the body of a call of this server."""
    messages, params = call.messages, call.params
    if host.endswith(_STRICT):
        messages = without_thoughts(messages)
        if has_points(messages, params):
            messages, params = without_points(messages, params)
    return {**params, "model": call.model, "messages": [*messages]}


class OpenAiCompatibleClient:
    """Calls `base_url`, which may have a query (`…/deployments/x?api-version=…`).

    `api_key` is called before each request, since an owner may change the key at any time; None
    sends no Authorization header.
    """

    def __init__(self, base_url: str, api_key: Callable[[], str | None]) -> None:
        self._base_url = base_url
        self._api_key = api_key

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        try:
            yield from self._answer(call)
        except ModelError as error:
            error.host = self._url.netloc.decode()
            raise

    def _answer(self, call: ModelCall) -> Iterator[Chunk]:
        import httpx

        from route_switch.adapters.models.provider_http import unanswered

        body = request_body(self._url.host, call)
        try:
            yield from self._streamed(call, body) if call.stream else self._whole(call, body)
        except httpx.HTTPError as error:
            raise unanswered(call.model, error) from error

    def _whole(self, call: ModelCall, body: JsonObject) -> Iterator[Chunk]:
        answer = self._http.post(self._url, body, self._headers(), call.timeout_s)
        if answer.status >= 300:
            raise error_of_response(call.model, answer.status, answer.headers, answer.content)
        yield from read_answer(call.model, answer.content)

    def _streamed(self, call: ModelCall, body: JsonObject) -> Iterator[Chunk]:
        from route_switch.adapters.models.provider_http import finish, read_whole

        body = {**body, "stream": True}
        with self._http.open(
            self._url, body, self._headers(), call.timeout_s, call.is_cancelled
        ) as response:
            if response.status_code >= 300:
                content = read_whole(response)
                status, headers = response.status_code, response.headers
                raise error_of_response(call.model, status, headers, content)
            parts = response.iter_bytes()
            yield from read_stream(call.model, parts)
            finish(parts)

    def _headers(self) -> dict[str, str]:
        key = self._api_key()
        return {"authorization": f"Bearer {key}"} if key else {}

    @cached_property
    def _url(self) -> "httpx.URL":
        import httpx

        base = httpx.URL(self._base_url)
        return base.copy_with(path=f"{base.path.rstrip('/')}/chat/completions")

    @cached_property
    def _http(self) -> "ProviderHttp":
        from route_switch.adapters.models.provider_http import ProviderHttp

        return ProviderHttp(tls=self._url.scheme == "https")
