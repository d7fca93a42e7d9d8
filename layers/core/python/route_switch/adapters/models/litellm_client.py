"""Every other provider, through LiteLLM, which is slow to import and therefore imported on the
first call."""

import os
from collections.abc import Callable, Iterator

from route_switch.adapters.models.openai_compatible import REFUSALS, parse_usage
from route_switch.domain.errors import InvalidModelRequestError, ModelError, ModelTimeoutError
from route_switch.domain.ports import Chunk, ModelCall

FIELDS = frozenset(
    {
        *("audio", "frequency_penalty", "function_call", "functions", "logit_bias", "logprobs"),
        *("max_completion_tokens", "max_tokens", "metadata", "modalities", "n"),
        *("parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key"),
        *("reasoning_effort", "response_format", "safety_identifier", "seed", "service_tier"),
        *("stop", "store", "temperature", "tool_choice", "tools", "top_logprobs", "top_p"),
        *("user", "verbosity", "web_search_options"),
    }
)
"""OpenAI's fields. LiteLLM accepts its own settings alongside them, such as the provider's address
and price, and those belong to the owner."""


class LiteLlmClient:
    """Serves the models of one of LiteLLM's providers."""

    def __init__(self, provider: str, api_key: Callable[[], str | None]) -> None:
        self._provider = provider
        self._api_key = api_key

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        foreign = sorted(call.params.keys() - FIELDS)
        if foreign:
            raise InvalidModelRequestError(
                f"'{foreign[0]}' is not a field of a chat completion request. Remove it."
            )
        # Without this, importing litellm fetches its price list over the network.
        os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        import litellm

        litellm.suppress_debug_info = True  # otherwise it prints advice to the log for every error
        try:
            response = litellm.completion(
                model=f"{self._provider}/{call.model}",
                messages=list(call.messages),
                timeout=call.timeout_s,
                api_key=self._api_key(),
                num_retries=0,
                max_retries=0,
                **call.params,
            )
        except litellm.exceptions.Timeout as error:
            raise ModelTimeoutError(f"{call.model} did not answer in time") from error
        except Exception as error:
            raise _error(call.model, error) from error
        body = response.model_dump(mode="json", exclude_none=True)
        for choice in body["choices"]:
            yield Chunk(
                delta=choice["message"],
                index=choice["index"],
                finish_reason=choice.get("finish_reason"),
                logprobs=choice.get("logprobs"),
                usage=parse_usage(body.get("usage")),
                provider_model=body.get("model"),
            )


def _error(model: str, error: Exception) -> ModelError:
    """LiteLLM's errors share no base class, but each has the provider's status."""
    status = getattr(error, "status_code", None)
    if status in REFUSALS:
        return InvalidModelRequestError(f"{model} rejected the request: {error}", status=status)
    return ModelError(f"{model} failed: {type(error).__name__}", status=status)
