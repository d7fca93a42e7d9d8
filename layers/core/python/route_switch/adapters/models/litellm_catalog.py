"""List prices, capabilities and provider names from LiteLLM's files, read without importing it:
importing LiteLLM takes seconds and would use the network."""

import ast
import json
import re
from datetime import date
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.needs import Capabilities
from route_switch.domain.pricing import Price

LISTED_VERSION = "1.106.2"
LISTED_ON = date(2026, 11, 24)
"""The LiteLLM version whose map is read, and the date of that map. Change them together."""

_COSTS = {
    "input_usd_per_million": "input_cost_per_token",
    "output_usd_per_million": "output_cost_per_token",
    "cached_input_usd_per_million": "cache_read_input_token_cost",
    "cache_write_usd_per_million": "cache_creation_input_token_cost",
    "cache_write_1h_usd_per_million": "cache_creation_input_token_cost_above_1hr",
    "audio_input_usd_per_million": "input_cost_per_audio_token",
    "audio_output_usd_per_million": "output_cost_per_audio_token",
    "reasoning_usd_per_million": "output_cost_per_reasoning_token",
}
_LONG = re.compile(r"^input_cost_per_token_above_(\d+)k_tokens$", re.MULTILINE)
_COST_MAP = "model_prices_and_context_window_backup.json"


class _Entry(BaseModel):
    """The fields of an entry of LiteLLM's cost map that are read here; costs in USD per token."""

    model_config = ConfigDict(extra="allow")  # the costs of long requests, whose names vary

    litellm_provider: str = ""
    mode: str = ""
    input_cost_per_token: float | None = None
    output_cost_per_token: float | None = None
    cache_read_input_token_cost: float | None = None
    cache_creation_input_token_cost: float | None = None
    cache_creation_input_token_cost_above_1hr: float | None = None
    input_cost_per_audio_token: float | None = None
    output_cost_per_audio_token: float | None = None
    output_cost_per_reasoning_token: float | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    supports_function_calling: bool | None = None
    supports_vision: bool | None = None
    supports_reasoning: bool | None = None
    supports_adaptive_thinking: bool | None = None
    supports_sampling_params: bool | None = None
    supports_response_schema: bool | None = None
    supports_prompt_caching: bool | None = None
    prompt_cache_min_tokens: int | None = None

    @property
    def keeps_an_hour(self) -> bool:
        """Whether the map has a price for writing to the cache for an hour, if it has any."""
        if self.cache_creation_input_token_cost is None:
            return True
        return "cache_creation_input_token_cost_above_1hr" in self.model_fields_set

    def cost(self, name: str, above_k: int | None = None) -> float | None:
        """Return the cost in USD per million tokens; for calls above `above_k` thousand tokens of
        input, the cost that applies there."""
        cost = getattr(self, name)
        if above_k is not None:
            stated = (self.model_extra or {}).get(f"{name}_above_{above_k}k_tokens")
            cost = stated if isinstance(stated, float | int) else cost
        return None if cost is None else round(cost * 1_000_000, 6)


def list_price(model: str) -> Price | None:
    """Return the price of `provider/name` by LiteLLM's cost map; None if the map has none.

    The map lists most models by their bare name; that counts only for the same provider.
    """
    entry = _entry(model)
    if entry is None:
        return None
    rates = _rates(entry, None)
    if rates is None:
        return None
    above_k = min(map(int, _LONG.findall("\n".join(entry.model_extra or ()))), default=None)
    if above_k is None:
        return Price.model_validate(rates)
    long = {**(_rates(entry, above_k) or rates), "above_tokens": above_k * 1000}
    return Price.model_validate({**rates, "long_context": long})


def is_listed_chat_model(model: str) -> bool:
    """Whether LiteLLM's cost map has `provider/name` as a model for chat completions."""
    entry = _entry(model)
    return entry is not None and entry.mode == "chat"


def _rates(entry: _Entry, above_k: int | None) -> dict[str, float | None] | None:
    rates = {field: entry.cost(name, above_k) for field, name in _COSTS.items()}
    if rates["input_usd_per_million"] is None or rates["output_usd_per_million"] is None:
        return None
    return rates


def list_capabilities(model: str) -> Capabilities | None:
    """Return what `provider/name` takes by the same map; None if the map does not list it."""
    entry = _entry(model)
    if entry is None:
        return None
    return Capabilities(
        tools=bool(entry.supports_function_calling),
        vision=bool(entry.supports_vision),
        input_tokens=entry.max_input_tokens or None,
        output_tokens=entry.max_output_tokens or None,
        reasoning=bool(entry.supports_reasoning),
        adaptive_thinking=bool(entry.supports_adaptive_thinking),
        sampling=entry.supports_sampling_params is not False,
        long_cache=entry.keeps_an_hour,
        cache_min_tokens=entry.prompt_cache_min_tokens if entry.supports_prompt_caching else None,
    )


def takes_schema(model: str) -> bool:
    """Whether the same map says that replies of `provider/name` can follow a JSON schema."""
    entry = _entry(model)
    return entry is not None and entry.supports_response_schema is True


def refuses_effort(model: str, effort: str) -> bool:
    """Whether the same map says that `provider/name` does not take this reasoning effort."""
    entry = _entry(model)
    stated = (entry.model_extra or {}) if entry else {}
    return stated.get(f"supports_{effort}_reasoning_effort") is False


def _entry(model: str) -> _Entry | None:
    provider, _, name = model.partition("/")
    entry = _cost_map().get(model) or _cost_map().get(name)
    if entry is None or not entry.litellm_provider.startswith(provider):
        return None
    return entry


@lru_cache(maxsize=1)
def _cost_map() -> dict[str, _Entry]:
    spec = find_spec("litellm")
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "litellm, the source of prices, is not installed. Install `route-switch[litellm]`."
        )
    entries = json.loads(Path(spec.origin).with_name(_COST_MAP).read_text(encoding="utf-8"))
    del entries["sample_spec"]  # a description, not an entry
    return TypeAdapter(dict[str, _Entry]).validate_python(entries)


_ENUM = "LlmProviders"
_MORE_THAN_A_KEY = frozenset(
    {"azure", "azure_ai", "azure_text", "sagemaker", "sagemaker_chat", "vertex_ai"}
    | {"vertex_ai_beta", "watsonx", "watsonx_text"}
)
"""These need an address, a project or other credentials; `LiteLlmClient` only passes a key."""


def litellm_providers() -> frozenset[str]:
    """Return the name prefixes of the providers that LiteLLM serves with just a key."""
    spec = find_spec("litellm")
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "litellm, the source of provider names, is not installed. Install "
            "`route-switch[litellm]`."
        )
    source = Path(spec.origin).with_name("types").joinpath("utils.py").read_text(encoding="utf-8")
    enums = [n for n in ast.parse(source).body if isinstance(n, ast.ClassDef) and n.name == _ENUM]
    return (
        frozenset(
            item.value.value
            for enum in enums
            for item in enum.body
            if isinstance(item, ast.Assign)
            and isinstance(item.value, ast.Constant)
            and isinstance(item.value.value, str)
        )
        - _MORE_THAN_A_KEY
    )
