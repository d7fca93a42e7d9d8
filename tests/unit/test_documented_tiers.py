"""What the pages say about tiers, aliases and names of models can be configured as printed."""

import json
import re
from pathlib import Path
from typing import Any

from route_switch.domain.router_config import RouterConfig
from route_switch.domain.tier_parameters import NO_PARAMETERS, name_with, split_name
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels

CATALOG = ModelCatalog(
    tiers={tier: TierModels(model=f"p/{tier.value}") for tier in Tier}, router="p/router"
)


def snippet(page: str, beginning: str) -> dict[str, Any]:
    text = Path("docs", page).read_text("utf-8")
    blocks = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    found: dict[str, Any] = json.loads(next(b for b in blocks if b.startswith(beginning)))
    return found


def test_the_tiers_of_the_routing_page_are_a_catalog() -> None:
    stated = {**snippet("routing.md", '{"tiers"'), "router": "openai/gpt-5-nano"}
    catalog = ModelCatalog.model_validate_json(json.dumps(stated))
    assert catalog.tiers[Tier.MEDIUM].name == "openai/gpt-5 (reasoning_effort=low)"
    assert catalog.tiers[Tier.LARGE].params.max_tokens == 20_000


def test_the_aliases_of_the_api_page_are_accepted() -> None:
    stated = snippet("api.md", '{"router"')["router"]
    assert RouterConfig.model_validate({"models": CATALOG, **stated}).aliases == stated["aliases"]


def test_the_names_of_the_data_page_are_names_of_models_with_parameters() -> None:
    for name in snippet("data.md", '{"query"')["models"]:
        model, params = split_name(name)
        assert params != NO_PARAMETERS
        assert name_with(model, params) == name
