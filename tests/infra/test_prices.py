"""Model prices: from the cost map if it has them, absent if they are unknown."""

import subprocess
import sys
from datetime import date
from importlib.metadata import version

import pytest

from infra.app import read_context
from infra.prices import with_capabilities, with_prices
from infra.stage import load_stage
from route_switch.adapters.models.litellm_catalog import (
    LISTED_ON,
    LISTED_VERSION,
    list_capabilities,
    list_price,
)
from route_switch.domain.needs import Capabilities
from route_switch.domain.pricing import Price
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels


def catalog(model: str, price: Price | None = None) -> ModelCatalog:
    tiers = {tier: TierModels(model=model) for tier in Tier}
    return ModelCatalog(tiers=tiers, router=model, prices={} if price is None else {model: price})


def test_prices_are_per_million_tokens_and_include_the_cached_price() -> None:
    assert list_price("openai/gpt-4o") == Price(
        input_usd_per_million=2.5, output_usd_per_million=10, cached_input_usd_per_million=1.25
    )


def test_writes_for_an_hour_and_audio_have_their_own_prices() -> None:
    opus, audio = list_price("anthropic/claude-opus-4-6"), list_price("openai/gpt-audio")
    assert opus is not None
    assert audio is not None
    assert (opus.cache_write_usd_per_million, opus.cache_write_1h_usd_per_million) == (6.25, 10)
    assert (audio.audio_input_usd_per_million, audio.audio_output_usd_per_million) == (32, 64)


def test_an_inference_profile_has_the_price_of_its_geography() -> None:
    us = list_price("bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0")
    worldwide = list_price("bedrock/global.anthropic.claude-haiku-4-5-20251001-v1:0")
    assert us is not None
    assert worldwide is not None
    assert us.input_usd_per_million > worldwide.input_usd_per_million


@pytest.mark.parametrize(
    "model", ["openai/nobody-knows", "bedrock/gpt-4o", "local/encoder", "openai/whisper-1"]
)
def test_a_model_without_a_token_price_from_its_provider_has_no_price(model: str) -> None:
    assert list_price(model) is None


def test_an_unknown_price_is_absent_and_reported_never_zero() -> None:
    priced, unknown = with_prices(catalog("openai/nobody-knows"))
    assert priced.prices == {}
    assert unknown == ("openai/nobody-knows",)


def test_prices_have_a_date_and_a_configured_date_wins() -> None:
    assert with_prices(catalog("openai/gpt-4o"))[0].prices_date == LISTED_ON
    stated = catalog("openai/gpt-4o").model_copy(update={"prices_date": date(2026, 1, 2)})
    assert with_prices(stated)[0].prices_date == date(2026, 1, 2)


def test_the_cost_maps_date_belongs_to_the_locked_version() -> None:
    """Fails after a new lock: check the new prices and update LISTED_VERSION and LISTED_ON."""
    assert version("litellm") == LISTED_VERSION


def test_a_configured_price_wins_over_the_cost_map() -> None:
    stated = Price(input_usd_per_million=1, output_usd_per_million=2)
    priced, unknown = with_prices(catalog("openai/gpt-4o", stated))
    assert priced.price("openai/gpt-4o") == stated
    assert unknown == ()


@pytest.mark.parametrize("profile", ["offline", "openai", "bedrock"])
def test_every_shipped_profile_has_all_its_prices(profile: str) -> None:
    stage = load_stage(read_context({}), "local", {"ROUTE_SWITCH_PROFILE": profile})
    _, unknown = with_prices(stage.router.models)
    assert unknown == ()


def test_reading_prices_does_not_import_litellm() -> None:
    code = (
        "import sys; from route_switch.adapters.models.litellm_catalog import list_price; "
        "assert list_price('openai/gpt-4o'); "
        "assert 'litellm' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_capabilities_are_known_for_models_in_the_cost_map() -> None:
    nova_micro = list_capabilities("bedrock/us.amazon.nova-micro-v1:0")
    assert nova_micro is not None
    assert not nova_micro.vision
    assert nova_micro.tools
    assert list_capabilities("openai/nobody-knows") is None


def test_a_configured_capability_wins_over_the_cost_map() -> None:
    stated = catalog("openai/gpt-4o").model_copy(
        update={"capabilities": {"openai/gpt-4o": Capabilities(vision=False)}}
    )
    assert not with_capabilities(stated).capabilities_of("openai/gpt-4o").vision
    assert with_capabilities(catalog("openai/gpt-4o")).capabilities_of("openai/gpt-4o").vision
