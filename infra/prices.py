"""Prices of the configured models and what they take, frozen when the stack is synthesized."""

from route_switch.adapters.models.litellm_catalog import LISTED_ON, list_capabilities, list_price
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.pricing import Price
from route_switch.domain.tiers import ModelCatalog

FREE = Price(input_usd_per_million=0, output_usd_per_million=0)


def with_prices(models: ModelCatalog) -> tuple[ModelCatalog, tuple[str, ...]]:
    """The catalog with every price that is known, and the names of the models without one.

    A price that the configuration states wins over the cost map's. An unknown price is absent.
    Their date is the map's where the configuration states none.
    """
    found = {name: models.price(name) or list_price(name) for name in models.names}
    known = {name: price for name, price in found.items() if price is not None}
    unknown = tuple(name for name, price in found.items() if price is None)
    dated = models.prices_date or LISTED_ON
    return models.model_copy(update={"prices": known, "prices_date": dated}), unknown


def with_capabilities(models: ModelCatalog) -> ModelCatalog:
    """The catalog with what its models take, as far as that is known. What the configuration
    states wins over the cost map."""
    found = {n: models.capabilities.get(n) or list_capabilities(n) for n in models.names}
    known = {name: takes for name, takes in found.items() if takes is not None}
    return models.model_copy(update={"capabilities": known})


def with_learning_prices(learning: LearningConfig) -> tuple[LearningConfig, tuple[str, ...]]:
    """The same for the models that only learning calls. Those in this process cost nothing."""
    names = [name for name in (learning.proposer, learning.judge) if name is not None]
    found = {name: learning.prices.get(name) or _price(name) for name in names}
    known = {name: price for name, price in found.items() if price is not None}
    unknown = tuple(name for name, price in found.items() if price is None)
    return learning.model_copy(update={"prices": known}), unknown


def _price(name: str) -> Price | None:
    return FREE if name.startswith("offline/") else list_price(name)
