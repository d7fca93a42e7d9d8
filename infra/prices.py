"""Prices and capabilities of the configured models, frozen at synthesis."""

from route_switch.adapters.models.litellm_catalog import LISTED_ON, list_capabilities, list_price
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.pricing import Price
from route_switch.domain.providers import is_simulated
from route_switch.domain.tiers import ModelCatalog

FREE = Price(input_usd_per_million=0, output_usd_per_million=0)


def with_prices(models: ModelCatalog) -> tuple[ModelCatalog, tuple[str, ...]]:
    """Return the catalog with every known price, and the names of the models without one.

    A configured price overrides the cost map's. An unknown price is absent. `prices_date` is the
    configured date, or else the map's.
    """
    found = {name: models.price(name) or list_price(name) for name in models.models}
    known = {name: price for name, price in found.items() if price is not None}
    unknown = tuple(name for name, price in found.items() if price is None)
    dated = models.prices_date or LISTED_ON
    return models.model_copy(update={"prices": known, "prices_date": dated}), unknown


def with_capabilities(models: ModelCatalog) -> ModelCatalog:
    """Return the catalog with the capabilities of its models, as far as they are known.

    A configured capability overrides the cost map's.
    """
    found = {n: models.capabilities.get(n) or list_capabilities(n) for n in models.models}
    known = {name: takes for name, takes in found.items() if takes is not None}
    return models.model_copy(update={"capabilities": known})


def with_learning_prices(learning: LearningConfig) -> tuple[LearningConfig, tuple[str, ...]]:
    """Do the same for the models that only learning calls. Offline models are free."""
    names = [name for name in (learning.proposer, learning.judge) if name is not None]
    found = {name: learning.prices.get(name) or _price(name) for name in names}
    known = {name: price for name, price in found.items() if price is not None}
    unknown = tuple(name for name, price in found.items() if price is None)
    return learning.model_copy(update={"prices": known}), unknown


def _price(name: str) -> Price | None:
    return FREE if is_simulated(name) else list_price(name)
