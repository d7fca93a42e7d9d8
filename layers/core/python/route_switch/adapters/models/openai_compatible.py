"""Any server with the OpenAI chat completion API: OpenAI, vLLM, Ollama, llama.cpp, …"""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from pydantic import JsonValue

from route_switch.domain.errors import InvalidModelRequestError, ModelError, ModelTimeoutError
from route_switch.domain.ports import Chunk, JsonObject, ModelCall
from route_switch.domain.pricing import Usage

if TYPE_CHECKING:
    import httpx

REFUSALS = frozenset({400, 413, 422})
"""Status codes that concern the request itself: another model would not help."""


class OpenAiCompatibleClient:
    """`api_key` is called for each request, because the owner may add or change the key at any
    time. None sends no Authorization header."""

    def __init__(self, base_url: str, api_key: Callable[[], str | None]) -> None:
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        import httpx

        payload = {**call.params, "model": call.model, "messages": list(call.messages)}
        try:
            response = self._http.post(
                "/chat/completions",
                json=payload,
                headers=self._headers(),
                timeout=call.timeout_s,
            )
        except httpx.TimeoutException as error:
            raise ModelTimeoutError(f"{call.model} did not answer in time") from error
        except httpx.HTTPError as error:
            raise ModelError(f"{call.model} cannot be reached: {type(error).__name__}") from error
        yield from _chunks(call.model, response)

    def _headers(self) -> dict[str, str]:
        key = self._api_key()
        return {"authorization": f"Bearer {key}"} if key else {}

    @cached_property
    def _http(self) -> "httpx.Client":
        import httpx

        return httpx.Client(
            base_url=self._base_url,
            # Loading certificates takes longer than a call, so skip it without TLS.
            verify=self._base_url.startswith("https:"),
        )


def _chunks(model: str, response: "httpx.Response") -> Iterator[Chunk]:
    if response.status_code >= 400:
        raise _error(model, response)
    try:
        body = response.json()
        usage = parse_usage(body.get("usage"))
        choices = [
            Chunk(
                delta=_without_empty_fields(choice["message"]),
                index=choice.get("index", position),
                finish_reason=choice.get("finish_reason"),
                logprobs=choice.get("logprobs"),
                usage=usage,
                provider_model=body.get("model"),
                provider_usage=body["usage"] if usage else None,
                system_fingerprint=body.get("system_fingerprint"),
            )
            for position, choice in enumerate(body["choices"])
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(
            f"{model} did not return a chat completion. Check the base URL."
        ) from error
    yield from choices


def _without_empty_fields(message: JsonObject) -> JsonObject:
    """Keep `content` even if it is null, because OpenAI's clients expect it."""
    return {k: v for k, v in message.items() if v is not None or k == "content"}


def parse_usage(usage: JsonValue) -> Usage | None:
    """Return the usage in an OpenAI `usage` object, or None if it is not one."""
    if not isinstance(usage, dict):
        return None
    tokens = (usage.get("prompt_tokens"), usage.get("completion_tokens"))
    if not (isinstance(tokens[0], int) and isinstance(tokens[1], int)):
        return None
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    return Usage(tokens[0], tokens[1], cached if isinstance(cached, int) else 0)


def _error(model: str, response: "httpx.Response") -> ModelError:
    status = response.status_code
    if status in REFUSALS:
        return InvalidModelRequestError(
            f"{model} rejected the request: {_message(response)}", status=status
        )
    return ModelError(f"{model} failed with status {status}", status=status)


def _message(response: "httpx.Response") -> str:
    try:
        body: JsonObject = response.json()
        error = body.get("error", body)
        message = error.get("message") if isinstance(error, dict) else error
    except (ValueError, AttributeError):
        message = None
    return message if isinstance(message, str) else "no reason given"
