"""Requests without an output limit get their tier's, in the call and in its worst cost."""

from collections.abc import Iterator

import pytest

from route_switch.adapters.models.limited_clients import LimitedClients
from route_switch.domain.needs import Capabilities, Needs
from route_switch.domain.ports import Chunk, JsonObject, ModelCall
from route_switch.domain.pricing import Price
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels
from route_switch.services.estimate_costs import worst_cost_usd

CATALOG = ModelCatalog(
    tiers={
        Tier.SMALL: TierModels(model="openai/small"),
        Tier.MEDIUM: TierModels(model="bedrock/medium", fallbacks=("openai/small",)),
        Tier.LARGE: TierModels(
            model="bedrock/large", fallbacks=("bedrock/medium",), max_output_tokens=900
        ),
    },
    router="openai/router",
    prices={
        name: Price(input_usd_per_million=0, output_usd_per_million=1)
        for name in ("openai/small", "bedrock/medium", "bedrock/large", "bedrock/judge")
    },
)
CONFIG = RouterConfig(models=CATALOG)


class Client:
    """Keeps the parameters of its calls."""

    def __init__(self) -> None:
        self.params: list[JsonObject] = []

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        self.params.append(dict(call.params))
        return iter(())


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("openai/small", None),  # its provider's own limit
        ("bedrock/medium", 900),  # also a fallback of Tier 3, which sets a limit
        ("bedrock/large", 900),
        ("bedrock/judge", 4096),  # of no tier
    ],
)
def test_the_call_and_the_budget_use_the_same_limit(model: str, limit: int | None) -> None:
    client = Client()
    provider, _, name = model.partition("/")
    limited = LimitedClients(lambda _: client, CATALOG.output_limit)(provider)
    list(limited.stream(ModelCall(name, ())))
    assert client.params == [{} if limit is None else {"max_tokens": limit}]
    needs = Needs(tools=False, vision=False, input_tokens=5, reserved_tokens=20)
    worst = worst_cost_usd(CONFIG, [model], needs, {})
    assert worst == pytest.approx((limit or 1000) / 1e6)


def test_no_limit_is_above_what_the_model_can_write() -> None:
    known = {
        "bedrock/large": Capabilities(output_tokens=500),
        "openai/small": Capabilities(output_tokens=300),
        "bedrock/judge": Capabilities(output_tokens=64_000),
    }
    catalog = CATALOG.model_copy(update={"capabilities": known})
    assert catalog.output_limit("bedrock/large") == 500
    assert catalog.output_limit("bedrock/judge") == 4096
    assert catalog.output_limit("openai/small") is None, "its provider decides"
    needs = Needs(tools=False, vision=False, input_tokens=5, reserved_tokens=20)
    for params in ({}, {"max_tokens": 5000}):
        worst = worst_cost_usd(RouterConfig(models=catalog), ["bedrock/large"], needs, params)
        assert worst == pytest.approx(500 / 1e6)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_the_requests_own_limit_wins(name: str) -> None:
    client = Client()
    limited = LimitedClients(lambda _: client, CATALOG.output_limit)("bedrock")
    list(limited.stream(ModelCall("large", (), {name: 5000})))
    assert client.params == [{name: 5000}]
    needs = Needs(tools=False, vision=False, input_tokens=5, reserved_tokens=20)
    worst = worst_cost_usd(CONFIG, ["bedrock/large"], needs, {name: 5000})
    assert worst == pytest.approx(5000 / 1e6)
