"""What calls of one conversation cost where providers cache prompts.

Prices are LiteLLM's. Lifetimes and minimum lengths that its map lacks are the providers' own
statements. Every model keeps its own cache: the longest prefix that it has seen, until it has not
been read for its lifetime. A conversation only grows, so a prefix is a number of tokens.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property

from route_switch.adapters.models.litellm_catalog import list_capabilities, list_price
from route_switch.domain.pricing import Price, cost_usd
from route_switch.domain.tiers import ALL_TIERS, ModelCatalog, Tier, TierModels
from route_switch.domain.usage import Usage

FIVE_MINUTES, ONE_HOUR = 300.0, 3600.0
ROUTER_USAGE = Usage(2548, 5)
"""The router call of `route-switch estimate`: the longest prompt and query allowed, uncached."""


@dataclass(frozen=True, slots=True)
class Caching:
    """`step` is the granularity of prefixes: OpenAI caches 1024, 1152, … tokens."""

    min_tokens: int
    step: int = 1
    lifetime_s: float = FIVE_MINUTES

    def prefix(self, tokens: int) -> int:
        return 0 if tokens < self.min_tokens else tokens - tokens % self.step


@dataclass(frozen=True, slots=True)
class Terms:
    """A tier's model, its price and how it caches; None if it does not."""

    model: str
    price: Price
    caching: Caching | None


@dataclass(frozen=True)
class Family:
    """A stage's models. `router_usd` is the cost of one router call."""

    name: str
    terms: Mapping[Tier, Terms]
    router_usd: float

    @property
    def models(self) -> str:
        return ", ".join(each.model for each in self.terms.values())

    @cached_property
    def catalog(self) -> ModelCatalog:
        """Return the family as a stage's models."""
        models = [each.model for each in self.terms.values()]
        capabilities = {model: list_capabilities(model) for model in models}
        return ModelCatalog(
            tiers={tier: TierModels(model=each.model) for tier, each in self.terms.items()},
            router=models[0],
            prices={each.model: each.price for each in self.terms.values()},
            capabilities={name: known for name, known in capabilities.items() if known},
        )

    def without_caching(self) -> "Family":
        plain = {tier: Terms(each.model, each.price, None) for tier, each in self.terms.items()}
        return Family(self.name, plain, self.router_usd)


@dataclass(slots=True)
class Caches:
    """The caches of one conversation: by tier, a warm prefix and when it expires, in seconds."""

    family: Family
    warm: dict[Tier, tuple[int, float]] = field(default_factory=dict)

    def call(self, tier: Tier, now_s: float, tokens_in: int, tokens_out: int) -> Usage:
        """Return what the provider reports. All input up to the last message is cached: by
        automatic caching, or by a cache point on the last message."""
        caching = self.family.terms[tier].caching
        if caching is None:
            return Usage(tokens_in, tokens_out)
        prefix, expires = self.warm.get(tier, (0, 0.0))
        read = min(prefix, tokens_in) if now_s <= expires else 0
        new = caching.prefix(tokens_in)
        if max(new, read) > 0:
            self.warm[tier] = (max(new, read), now_s + caching.lifetime_s)
        return Usage(tokens_in, tokens_out, read, max(new - read, 0))

    def cost_usd(self, tier: Tier, usage: Usage) -> float:
        return known_cost(usage, self.family.terms[tier].price)


def known_cost(usage: Usage, price: Price) -> float:
    cost = cost_usd(usage, price)
    assert cost is not None
    return cost


OPENAI = Caching(1024, step=128)
"""Automatic; kept for 5 to 10 minutes without use. Taken to be 5."""
NOVA = Caching(1000)
"""By cache points. Writes cost as much as input."""
GEMINI = Caching(1024)
"""Automatic. Google promises no lifetime; taken to be 5 minutes."""
ANTHROPIC = Caching(1024)
"""By cache points. Writes cost 1.25 times the input, or twice for the hour."""
ANTHROPIC_HOUR = Caching(1024, lifetime_s=ONE_HOUR)


def family(name: str, models: Mapping[str, Caching], router: str) -> Family:
    """Return a family of three models, cheapest first."""
    terms = {
        tier: _terms(model, caching)
        for tier, (model, caching) in zip(ALL_TIERS, models.items(), strict=True)
    }
    return Family(name, terms, known_cost(ROUTER_USAGE, _price(router)))


def _terms(model: str, caching: Caching) -> Terms:
    capabilities, price = list_capabilities(model), _price(model)
    known = capabilities.cache_min_tokens if capabilities else None
    shortest = caching.min_tokens if known is None else known
    if caching.lifetime_s == ONE_HOUR:
        hour = {"cache_write_usd_per_million": price.cache_write_1h_usd_per_million}
        price = price.model_copy(update=hour)
    return Terms(model, price, Caching(shortest, caching.step, caching.lifetime_s))


def _price(model: str) -> Price:
    price = list_price(model)
    assert price is not None, f"{model} has no price in LiteLLM's map"
    return price


HAIKU = "bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0"
OPUS = "bedrock/us.anthropic.claude-opus-4-6-v1"


@cache
def families() -> dict[str, Family]:
    """The default stage's models first."""
    found = (
        family(
            "Bedrock",
            {"bedrock/us.amazon.nova-lite-v1:0": NOVA, HAIKU: ANTHROPIC, OPUS: ANTHROPIC},
            "bedrock/us.amazon.nova-micro-v1:0",
        ),
        family(
            "Anthropic",
            {f"anthropic/claude-{name}": ANTHROPIC for name in CLAUDES},
            "anthropic/claude-haiku-4-5",
        ),
        family(
            "Anthropic, 1 h",
            {f"anthropic/claude-{name}": ANTHROPIC_HOUR for name in CLAUDES},
            "anthropic/claude-haiku-4-5",
        ),
        family(
            "OpenAI",
            {f"openai/gpt-5.4{name}": OPENAI for name in ("-nano", "-mini", "")},
            "openai/gpt-5.4-nano",
        ),
        family(
            "Gemini",
            {f"gemini/gemini-2.5-{name}": GEMINI for name in ("flash-lite", "flash", "pro")},
            "gemini/gemini-2.5-flash-lite",
        ),
    )
    return {each.name: each for each in found}


CLAUDES = ("haiku-4-5", "sonnet-4-6", "opus-4-6")
