"""Which tiers and models may answer, over all keys, ranges and needs."""

from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.needs import Capabilities, Needs, needs_of
from route_switch.domain.pricing import Price
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels
from route_switch.services.eligible_models import TierRange, find_eligible

NAMES = ("p/small", "p/small-2", "p/medium", "p/large", "p/router")
PRICE = Price(input_usd_per_million=1, output_usd_per_million=2)

capabilities = st.builds(
    Capabilities,
    tools=st.booleans(),
    vision=st.booleans(),
    input_tokens=st.none() | st.integers(1, 1000),
)
needs = st.builds(
    Needs, tools=st.booleans(), vision=st.booleans(), input_tokens=st.integers(0, 1200)
)
tiers = st.frozensets(st.sampled_from(Tier), min_size=1)


@st.composite
def catalogs(draw: st.DrawFn) -> ModelCatalog:
    return ModelCatalog(
        tiers={
            Tier.SMALL: TierModels(model="p/small", fallbacks=("p/small-2",)),
            Tier.MEDIUM: TierModels(model="p/medium"),
            Tier.LARGE: TierModels(model="p/large"),
        },
        router="p/router",
        prices={name: PRICE for name in NAMES if draw(st.booleans())},
        capabilities=draw(st.dictionaries(st.sampled_from(NAMES), capabilities)),
    )


@given(
    catalogs(),
    tiers,
    st.none() | st.just(5.0),
    st.sampled_from(["auto", "tier-1", "tier-2", "tier-3"]),
    st.sampled_from(Tier),
    st.sampled_from(Tier),
    needs,
)
def test_eligible_models_are_allowed_in_range_capable_and_priced(
    catalog: ModelCatalog,
    allowed: frozenset[Tier],
    budget_usd: float | None,
    model: str,
    lowest: Tier,
    highest: Tier,
    need: Needs,
) -> None:
    key = ApiKey("key", "a key", "client", allowed, monthly_budget_usd=budget_usd)
    wanted = TierRange(lowest, highest)

    def able(name: str) -> bool:
        priced = budget_usd is None or catalog.price(name) is not None
        return priced and need.unmet_by(catalog.capabilities_of(name)) is None

    expected = {t for t in allowed if lowest <= t <= highest and able(catalog.tiers[t].model)}
    named = None if model == "auto" else Tier(int(model[-1]))
    try:
        eligible, found = find_eligible(catalog, key, model, wanted, need)
    except RequestRefusedError as refused:
        assert refused.status in {400, 403, 503}
        assert not expected or (named is not None and named not in expected)
    else:
        assert found == named
        assert eligible.tiers == expected
        assert eligible.models == {name for name in catalog.names if able(name)}
        assert named in {None, *expected}
        assert eligible.router == (budget_usd is None or catalog.price("p/router") is not None)


def test_needs_are_derived_from_messages_and_tools() -> None:
    image: JsonValue = {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64," + "A" * 9000},
    }
    call: dict[str, JsonValue] = {"role": "assistant", "content": None, "tool_calls": [{"id": "c"}]}
    plain = needs_of([{"role": "user", "content": "x" * 400}], {})
    assert (plain.tools, plain.vision) == (False, False)
    assert 100 <= plain.input_tokens < 120
    seen = needs_of([{"role": "user", "content": [image]}], {})
    assert (seen.vision, 1000 <= seen.input_tokens < 1100) == (True, True)
    assert needs_of([{"role": "assistant", "function_call": {"name": "x"}}], {}).tools
    assert needs_of([call], {}).tools
    tools = needs_of([{"role": "user", "content": "x"}], {"tools": [{"type": "y" * 400}]})
    assert tools.tools
    assert tools.input_tokens > 100
