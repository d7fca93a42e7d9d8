"""The strategy `prompt`: the router LLM reads the routing prompt and names a tier."""

from dataclasses import replace

from pydantic import JsonValue

from route_switch.domain.cache_points import Messages, with_prefix_point
from route_switch.domain.decision import parse_tier
from route_switch.domain.profiles import tier_for
from route_switch.domain.query import Query
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing import RouterReply, RoutingContext, Suggestion
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.thoughts import without_thoughts

NAMED = "chosen by the router LLM"
"""Why, if the router LLM chose the tier."""

ROUTER_PARAMS: dict[str, JsonValue] = {"temperature": 0, "max_tokens": 16}
"""The prompt asks for a digit; the rest is room for a model that writes "Tier 2." instead."""

REASONING_PARAMS: dict[str, JsonValue] = {"temperature": 0, "max_tokens": 2048}
"""The parameters for a model that thinks first: its thoughts count as output."""

MAX_REPLY = 100_000
"""Characters of a reply that is read: ten times as many as `REASONING_PARAMS` allow for."""


class PromptStrategy:
    def suggest(self, query: Query, context: RoutingContext) -> Suggestion:
        messages = router_messages(context.config, context.prompt, query)
        reply = context.ask(messages, router_params(context.config))
        if reply is None:
            return Suggestion(None, "the router LLM did not answer")
        return _for_profile(read_reply(reply), context)


def _for_profile(named: Suggestion, context: RoutingContext) -> Suggestion:
    if named.tier is None:
        return named
    tier = tier_for(context.profile, named.tier, context.prompt.profiles)
    if tier is named.tier:
        return named
    why = f"{named.why}, then moved for the profile {context.profile}"
    return replace(named, tier=tier, why=why, balanced=named.tier)


def router_messages(config: RouterConfig, prompt: RoutingPrompt, query: Query) -> Messages:
    """Return the messages of the router call. The prompt is marked for a router LLM whose provider
    caches on request."""
    known = config.models.capabilities_of(config.models.router)
    messages = prompt.render(query, config.router_max_input_tokens)
    return with_prefix_point(messages, known.cache_min_tokens)


def router_params(config: RouterConfig) -> dict[str, JsonValue]:
    thinks = config.models.capabilities_of(config.models.router).reasoning
    return REASONING_PARAMS if thinks else ROUTER_PARAMS


def read_reply(reply: RouterReply) -> Suggestion:
    """Read the tier that a reply names. Thoughts are not read, and a reply that was cut off counts
    only if it begins with the tier: what follows may have been anything."""
    if len(reply.text) > MAX_REPLY:
        return Suggestion(None, "the router LLM's reply is longer than its output limit allows")
    said = without_thoughts(reply.text)
    if said is None:
        return Suggestion(None, "the router LLM did not finish its thought")
    tier = parse_tier(said, leading=reply.cut_off)
    if tier is not None:
        return Suggestion(tier, NAMED)
    if reply.cut_off:
        return Suggestion(None, "the router LLM reached its output limit before it named a tier")
    return Suggestion(None, "the router LLM's reply names no tier")
