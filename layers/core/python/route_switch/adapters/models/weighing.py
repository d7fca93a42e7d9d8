"""Router models that can say which texts of the prompt their choice rests on, by name."""

from collections.abc import Callable

from route_switch.domain.explanation import WeighingModel


def _encoder() -> WeighingModel:
    from route_switch.adapters.models.encoder_weighing import WeighingEncoder

    return WeighingEncoder()


FACTORIES: dict[str, Callable[[], WeighingModel]] = {"local/encoder": _encoder}


def weighing_model(name: str) -> WeighingModel | None:
    """Return None for a model that can only be asked, such as an LLM."""
    factory = FACTORIES.get(name)
    return factory() if factory else None
