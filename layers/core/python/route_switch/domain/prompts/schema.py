"""Prompts of earlier schema versions in learning."""

from collections.abc import Iterable

from route_switch.domain.query import QUOTED_SINCE, Query
from route_switch.domain.routing_prompt import RoutingPrompt


def in_todays_form(prompt: RoutingPrompt) -> RoutingPrompt:
    """Return the prompt in the newest schema version, in which learning writes prompts."""
    newest = RoutingPrompt.model_fields["schema_version"].default
    return prompt.model_copy(update={"schema_version": newest})


def plain(prompt: RoutingPrompt) -> RoutingPrompt:
    """Return what the router LLM reads of a prompt, without a local model, a learned bypass and
    tables of profiles."""
    nothing = {"strategy": "prompt", "local_model": None, "bypass_tokens": None, "profiles": None}
    return prompt.model_copy(update=nothing)


def unless_the_same(
    best: RoutingPrompt, incumbent: RoutingPrompt, queries: Iterable[Query], max_tokens: int
) -> RoutingPrompt:
    """Return `best`, or the incumbent if `best` is only the same text in a newer form and the
    router LLM sees the same of every query in both, apart from quotes: to test it would use up rows
    for nothing. The incumbent's tables of profiles were fitted after its own search, so they are
    no difference."""
    if best.version != in_todays_form(incumbent).model_copy(update={"profiles": None}).version:
        return best
    old, new = (min(p.schema_version, QUOTED_SINCE - 1) for p in (incumbent, best))
    alike = all(q.for_router(max_tokens, old) == q.for_router(max_tokens, new) for q in queries)
    return incumbent if alike else best
