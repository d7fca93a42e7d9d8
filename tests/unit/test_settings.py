"""An invalid setting is named."""

import json

import pytest

from route_switch.domain.errors import ConfigurationError
from route_switch.wiring.settings import parse_settings

MODELS = {
    "tiers": {str(n): {"model": f"openai/m{n}"} for n in (1, 2, 3)},
    "router": "openai/r",
}
ENVIRONMENT = {
    "RESULTS_TABLE": "r",
    "KEYS_TABLE": "k",
    "TEXTS_BUCKET": "b",
    "RECORDS_QUEUE_URL": "q",
    "LEARNING_BUCKET": "l",
    "LIVE_PROMPT_PARAMETER": "/live",
    "SEED_PROMPT_PARAMETER": "/seed",
    "SWITCHES_PARAMETER": "/switches",
    "IDEMPOTENCY_TABLE": "i",
}


def parse(**router: object) -> None:
    config = {"models": MODELS, **router}
    parse_settings({**ENVIRONMENT, "ROUTE_SWITCH_CONFIG": json.dumps(config)})


def test_a_minimal_environment_is_enough() -> None:
    parse()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bypass_tokens": -1}, "bypass_tokens"),
        ({"text_storage": "some"}, "text_storage"),
        ({"safe_tier": 4}, "safe_tier"),
        ({"router_timeout_s": 300}, "router_timeout_s must be below"),
        ({"typo": 1}, "typo"),
        ({"models": {**MODELS, "tiers": {"1": {"model": "openai/m"}}}}, "tier 2 has no model"),
        ({"models": {**MODELS, "router": "gpt-4"}}, "models.router"),
    ],
)
def test_an_invalid_router_setting_is_named(change: dict[str, object], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        parse(**change)


def test_a_missing_variable_is_named() -> None:
    config = json.dumps({"models": MODELS})
    with pytest.raises(ConfigurationError, match="RESULTS_TABLE"):
        parse_settings({**ENVIRONMENT, "RESULTS_TABLE": "", "ROUTE_SWITCH_CONFIG": config})
    with pytest.raises(ConfigurationError, match="RouterConfig"):
        parse_settings(ENVIRONMENT)
