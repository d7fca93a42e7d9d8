"""The numbers of a prompt's local model, from their store."""

import logging

from route_switch.domain.errors import LocalModelError
from route_switch.domain.local_model import LocalModelStore
from route_switch.domain.routing_prompt import RoutingPrompt

logger = logging.getLogger(__name__)


def with_stored_numbers(prompt: RoutingPrompt, models: LocalModelStore) -> RoutingPrompt:
    """Return the prompt as it is served: with the numbers of its local model, or without them if
    they are missing or broken, so that the router LLM decides. Raise `StoreError`."""
    model = prompt.local_model
    if model is None or model.numbers is not None:
        return prompt
    try:
        return prompt.with_numbers(models.get(model.sha256))
    except LocalModelError as error:
        logger.warning("The local model %s cannot be used: %s", model.name, error)
        return prompt
