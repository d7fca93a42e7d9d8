"""Prices of the configured models, frozen when the stack is synthesized."""

from route_switch.adapters.models.list_prices import list_price
from route_switch.domain.tiers import ModelCatalog


def with_prices(models: ModelCatalog) -> tuple[ModelCatalog, tuple[str, ...]]:
    """The catalog with every price that is known, and the names of the models without one.

    A price that the configuration states wins over the cost map's. An unknown price is absent.
    """
    found = {name: models.price(name) or list_price(name) for name in models.names}
    known = {name: price for name, price in found.items() if price is not None}
    unknown = tuple(name for name, price in found.items() if price is None)
    return models.model_copy(update={"prices": known}), unknown
