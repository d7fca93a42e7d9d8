"""The strategy `prompt`: the router LLM reads the routing prompt and names a tier."""

from pydantic import JsonValue

from route_switch.domain.decision import parse_tier
from route_switch.domain.query import Query
from route_switch.domain.routing import RoutingContext, Suggestion

ROUTER_PARAMS: dict[str, JsonValue] = {"temperature": 0, "max_tokens": 16}
"""The prompt asks for a digit; the rest is room for a model that writes "Tier 2." instead."""


class PromptStrategy:
    def suggest(self, query: Query, context: RoutingContext) -> Suggestion:
        messages = context.prompt.render(query, context.config.router_max_input_tokens)
        reply = context.ask(messages, ROUTER_PARAMS)
        if reply is None:
            return Suggestion(None, "the router LLM did not answer")
        tier = parse_tier(reply)
        if tier is None:
            return Suggestion(None, "the router LLM's reply names no tier")
        return Suggestion(tier, "named by the router LLM")
