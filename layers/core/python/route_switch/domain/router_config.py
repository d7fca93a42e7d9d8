"""The configuration of routing: a stage defines it, and the functions read it."""

from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from route_switch.domain.aliases import DEFAULT_ALIASES
from route_switch.domain.cache_points import CachePoints
from route_switch.domain.profiles import BALANCED, Profile
from route_switch.domain.query import Query
from route_switch.domain.reasons import fault
from route_switch.domain.tiers import ModelCatalog, Tier

AliasPattern = Annotated[str, StringConstraints(pattern=r"^\S+$", max_length=200)]

TextStorage = Literal["full", "hash", "none"]


class RouterConfig(BaseModel):
    """How requests are routed. Functions receive it as JSON in an environment variable."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: ModelCatalog
    """Models of the tiers and of the router LLM, with their prices."""
    strategy: Annotated[str, Field(min_length=1)] | None = None
    """Routing strategy that overrides the live prompt's: `prompt`, `local`, `hybrid` or another of
    `domain/strategies/registry.py`. null keeps the live prompt's."""
    profile: Profile = BALANCED
    """Routing profile of requests whose body, header and key name none: `quality`, `balanced` or
    `cost`. `balanced` routes as the last learning run did."""
    sessions: Literal["on", "off"] = "on"
    """Whether a conversation stays on the model whose provider has it in its cache, unless the
    router asks for a larger tier or moving saves more. `off` routes each request by itself."""
    safe_tier: Tier = Tier.MEDIUM
    """Answers if the router LLM fails or its reply names no tier."""
    start: Literal["on", "shadow"] = "on"
    """How routing begins on a new stage. In `shadow` one tier answers, and routing decides beside
    it. Only the first deployment sets it; later `route-switch switch routing` does."""
    shadow_answer_tier: Tier = Tier.LARGE
    """The tier that answers in shadow, as far as the request and its key allow it."""
    shadow_monthly_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = 10.0
    """Budget of the router calls in shadow. They are sampled to stay within it. Those of dry runs
    are asked for, and neither sampled nor counted; null asks the router about every request."""
    bypass_tokens: Annotated[int, Field(ge=0)] = 8
    """A query with fewer estimated tokens goes to Tier 1 without a router call; 0 is off. System
    messages and the schema of the answer count; a query with a conversation, tools or attachments
    is never bypassed. The number of a learned prompt replaces it, unless it is 0."""
    router_max_input_tokens: Annotated[int, Field(ge=50)] = 1000
    """Most that the router LLM sees of a query and its conversation. At least 60% of it is the last
    message's if that is long; of a longer message it sees head and tail."""
    router_timeout_s: Annotated[float, Field(gt=0)] = 6.0
    """Time limit of a router call; after it the safe tier answers."""
    explain_max_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.02
    """Limit for the further router calls of a request that asks for an explanation; 0 allows none.
    Without a known price, only the number of calls is limited."""
    request_deadline_s: Annotated[float, Field(gt=0, le=870)] = 300.0
    """Time limit of a whole request: router, fallbacks and answer. API Gateway waits 900 s."""
    attempt_s: Annotated[float, Field(gt=0)] = 90.0
    """Time that a model has for a whole answer before the next one is asked as well; the first
    answer to arrive is used. The last model that may answer has all the time that is left."""
    stall_s: Annotated[float, Field(gt=0)] = 60.0
    """A model that sends nothing for this long while it streams has failed; before its first token,
    the next one is asked. The last model has all the time for its first token."""
    text_storage: TextStorage = "full"
    """What records keep of queries and answers: the text, a keyed hash (HMAC) of it, or nothing."""
    retention_days: Annotated[int, Field(ge=1)] = 90
    """How long records are kept."""
    max_upgrade_share: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Cap on the share of a key's routed requests that go to Tier 3, for keys without a cap of
    their own; null is no cap. While a key is clearly above it, routing sends its requests to Tier 2
    at most."""
    aliases: Annotated[dict[AliasPattern, str], Field(max_length=100)] = dict(DEFAULT_ALIASES)
    """What other names in `model` mean: patterns with `*`, `?` and `[…]`, and for each `auto`, a
    tier or a tier's model. The pattern with the most literal characters decides. Names of tiers and
    of their models are always themselves; `{}` refuses every other name. By default `claude-*`,
    `gpt-*`, `chatgpt-*`, `codex-*` and names such as `o3` and `o4-mini` mean `auto`."""
    cache_points: CachePoints = "off"
    """Whether a request without cache points gets them after its tools and system messages, where
    those are long enough: `auto` or `off`. Claude charges a quarter more for what it writes to its
    cache, and a tenth for what it reads within five minutes. Points of the request are always
    kept."""
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    """Most output tokens of any answer. A higher limit of a request is lowered to it, and
    `x-route-adjusted` says so; null is no limit. A tier may set a lower one (`params`)."""
    max_body_bytes: Annotated[int, Field(gt=0, le=4_500_000)] = 4_500_000
    """Largest request body that is accepted. API Gateway passes bodies on in Base64, and Lambda
    accepts events of 6 MB."""
    escalate_named: bool = False
    """Whether another tier may answer a request that names a tier or a model, if the named one and
    its fallbacks fail. If not, such a request fails: it never costs more than what it asked for."""
    openai_base_url: Annotated[str, Field(pattern=r"^https?://\S+$")] = "https://api.openai.com/v1"
    """Server of the `openai/…` models: any that offers OpenAI's API."""
    offline_answer_s: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Time that `offline/…` models take to answer a request, for demonstrations."""
    bedrock_region: str | None = None
    """Region in which Bedrock is called; null is the stage's own region."""

    @model_validator(mode="after")
    def _router_leaves_time_for_the_tier(self) -> Self:
        if self.router_timeout_s >= self.request_deadline_s:
            raise ValueError("router_timeout_s must be below request_deadline_s")
        return self

    @model_validator(mode="after")
    def _aliases_mean_something(self) -> Self:
        tiers = {"auto", *(tier.alias for tier in Tier)}
        for pattern, name in self.aliases.items():
            if name not in tiers and self.models.tier_of(name) is None:
                raise ValueError(
                    f"aliases: {pattern!r} means {name!r}, which is neither 'auto', a tier such as "
                    "'tier-1', nor a tier's model"
                )
        return self

    def output_limit(self, name: str) -> int | None:
        """Return the output tokens of a request that sets no limit, by the model's name with its
        parameters; None if the provider decides."""
        return self.models.output_limit(name, self.max_tokens)

    def stated_output_limit(self, name: str) -> int | None:
        """Return the part of it that the owner states, or None."""
        limits = (self.models.stated_output_limit(name), self.max_tokens)
        return min((each for each in limits if each is not None), default=None)

    def bypasses(self, query: Query) -> bool:
        """Whether the query is so short that it goes to Tier 1 without a router call."""
        return query.is_shorter_than(self.bypass_tokens)


def describe(error: ValidationError) -> str:
    """Return one line that names each invalid field and the reason."""
    problems = (
        f"{'.'.join(map(str, problem['loc'])) or error.title}: {fault(problem)}"
        for problem in error.errors(include_url=False, include_input=False)
    )
    return "; ".join(problems)
