"""A client that sends a model only what the model takes."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace

from pydantic import JsonValue

from route_switch.domain.cache_points import (
    CachePoints,
    Messages,
    at_most_four,
    has_points,
    with_points,
    without_points,
)
from route_switch.domain.errors import (
    InvalidModelRequestError,
    ModelError,
    ModelTimeoutError,
    ModelUnusableError,
)
from route_switch.domain.needs import Capabilities
from route_switch.domain.parameters import (
    Params,
    Refused,
    fit_parameters,
    note_refusal,
    with_provider_rules,
)
from route_switch.domain.ports import Chunk, JsonObject, ModelCall, ModelClient
from route_switch.domain.thinking import Fitted, as_effort, fit_thinking

TAKES_BUDGET = frozenset({"bedrock", "anthropic"})
"""Providers of Claude whose older models take a budget of thinking tokens."""

MAX_REPEATS = 3
"""A model that refuses several parameters names one at a time."""

INCLUDE_USAGE: JsonObject = {"include_usage": True}

NOT_ABOUT_PARAMETERS = frozenset({401, 402, 403, 404, 413, 429})
"""Statuses that a provider gives other reasons."""

_REFUSALS = (InvalidModelRequestError, ModelUnusableError)


class FittingClient:
    """Fit parameters to the model, and repeat a call without a parameter that it refuses.

    A refusal is remembered for the life of the process and for the key whose request it was,
    because a provider may quote a request. Safe to share between threads: at worst two threads
    learn the same.
    """

    def __init__(
        self,
        client: ModelClient,
        provider: str,
        capabilities: Mapping[str, Capabilities],
        cache_points: CachePoints = "off",
    ) -> None:
        """`capabilities` are known ones, by `provider/model`. `cache_points` says whether requests
        without cache points get some."""
        self._client = client
        self._provider = provider
        self._capabilities = capabilities
        self._cache_points = cache_points
        self._refused: dict[tuple[str | None, str], Refused] = {}
        """Refusals by key and model."""

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        known = self._capabilities.get(f"{self._provider}/{call.model}", Capabilities())
        model = with_provider_rules(self._provider, call.model, known)
        refused = self._refused.setdefault((call.key_id, call.model), Refused())
        ends_at = time.monotonic() + call.timeout_s
        for repeats_left in reversed(range(MAX_REPEATS + 1)):
            left_s = ends_at - time.monotonic()
            if left_s <= 0:
                raise ModelTimeoutError(f"{call.model} did not answer in time")
            # Without it, most providers report no usage of a stream, and costs are estimates.
            asked = {**call.params, "stream_options": INCLUDE_USAGE} if call.stream else call.params
            messages, asked = self._with_cache_points(call.messages, asked, model, refused)
            params, notes = fit_parameters(asked, model, refused)
            params, more = self._with_fitted_thinking(params, messages, call.model, model)
            notes += more
            fitted = replace(call, messages=messages, params=params, timeout_s=left_s)
            call.before_sending()
            try:
                for chunk in self._client.stream(fitted):
                    yield replace(chunk, adjusted=notes) if notes else chunk
                return
            except ModelError as error:
                error.adjusted = notes
                if not isinstance(error, _REFUSALS):
                    raise
                # Words such as "billing" near a parameter make a refusal the owner's fault.
                if error.status in NOT_ABOUT_PARAMETERS:
                    raise
                reason = str(error).partition(": ")[2]  # without the model's name
                noted = note_refusal(reason, error.param, params, refused)
                if not (noted and repeats_left):
                    raise

    def _with_fitted_thinking(
        self, params: Params, messages: Messages, name: str, model: Capabilities
    ) -> Fitted:
        """Claude gets what it allows; other gateways than its own translate an effort themselves.
        Models of OpenAI and Bedrock know no `thinking`."""
        if "claude" in name:
            by_effort = model.adaptive_thinking or self._provider not in TAKES_BUDGET
            return fit_thinking(params, messages, adaptive=by_effort)
        if "thinking" in params and model.reasoning and self._provider in ("openai", "bedrock"):
            return as_effort(params)
        return params, ()

    def _with_cache_points(
        self,
        messages: Messages,
        params: Mapping[str, JsonValue],
        model: Capabilities,
        refused: Refused,
    ) -> tuple[Messages, Mapping[str, JsonValue]]:
        if has_points(messages, params):
            change = without_points if refused.cache_points else at_most_four
            return change(messages, params)
        least = model.cache_min_tokens
        if self._cache_points == "off" or least is None or refused.cache_points:
            return messages, params
        return with_points(messages, params, least)
