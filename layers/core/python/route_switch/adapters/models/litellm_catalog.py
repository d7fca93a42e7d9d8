"""List prices, capabilities and provider names from LiteLLM's files, read without importing it:
importing LiteLLM takes seconds and would use the network."""

import ast
import json
from datetime import date
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from pydantic import BaseModel, TypeAdapter

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.needs import Capabilities
from route_switch.domain.pricing import Price

LISTED_VERSION = "1.106.2"
LISTED_ON = date(2026, 11, 24)
"""The LiteLLM version whose map is read, and the date of that map. Change them together."""

_COST_MAP = "model_prices_and_context_window_backup.json"


class _Entry(BaseModel):
    """The fields read from an entry of LiteLLM's cost map, in USD per token. The map omits
    unsupported capabilities."""

    litellm_provider: str = ""
    input_cost_per_token: float | None = None
    output_cost_per_token: float | None = None
    cache_read_input_token_cost: float | None = None
    max_input_tokens: int | None = None
    supports_function_calling: bool | None = None
    supports_vision: bool | None = None


def list_price(model: str) -> Price | None:
    """Return the price of `provider/name` in LiteLLM's cost map, or None when it has none.

    The map lists most models by bare name, which counts only for the same provider.
    """
    entry = _entry(model)
    if entry is None:
        return None
    if entry.input_cost_per_token is None or entry.output_cost_per_token is None:
        return None
    return Price(
        input_usd_per_million=_per_million(entry.input_cost_per_token),
        output_usd_per_million=_per_million(entry.output_cost_per_token),
        cached_input_usd_per_million=(
            None
            if entry.cache_read_input_token_cost is None
            else _per_million(entry.cache_read_input_token_cost)
        ),
    )


def list_capabilities(model: str) -> Capabilities | None:
    """Return the capabilities of `provider/name` in the same map, or None when it is unknown."""
    entry = _entry(model)
    if entry is None:
        return None
    return Capabilities(
        tools=bool(entry.supports_function_calling),
        vision=bool(entry.supports_vision),
        input_tokens=entry.max_input_tokens or None,
    )


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


def _per_million(usd_per_token: float) -> float:
    return round(usd_per_token * 1_000_000, 6)


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
