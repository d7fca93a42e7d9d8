"""Model clients for learning, where no user waits for the answer."""

from route_switch.adapters.models.limited_clients import LimitedClients
from route_switch.adapters.models.registry import ModelClients, ProviderKeys
from route_switch.domain.router_config import RouterConfig
from route_switch.services.learning.metered_calls import CALL_TIMEOUT_S


def learning_clients(config: RouterConfig, keys: ProviderKeys) -> LimitedClients:
    """Allow calls to take longer than a request may. Answers have the limits of requests. Offline
    models answer at once: their time is for demonstrations of requests."""
    changes = {
        "request_deadline_s": CALL_TIMEOUT_S,
        "offline_answer_s": 0.0,
        "cache_points": "off",  # each example is asked once, so nothing would be read again
    }
    patient = config.model_copy(update=changes)
    return LimitedClients(ModelClients(patient, keys), config.output_limit)
