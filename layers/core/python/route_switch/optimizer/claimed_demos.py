"""The clients whose requests the demos of a candidate were taken from."""

from collections.abc import Sequence

from route_switch.domain.learning.example import Example, query_key
from route_switch.domain.learning.text_policy import LearnFromText, as_demo, text_for_learning
from route_switch.domain.operations.deletion import OWNER, Claims, keys_of_demos
from route_switch.domain.prompts.stated_evidence import HAND_WRITTEN
from route_switch.domain.routing_prompt import RoutingPrompt


def claims_to_demos(
    candidate: RoutingPrompt,
    incumbent: RoutingPrompt,
    examples: Sequence[Example],
    policy: LearnFromText,
    since: float,
) -> Claims:
    """Return the claims to the candidate's demos. Those of an incumbent that a person wrote are the
    owner's."""
    shown, claims = keys_of_demos(candidate), dict[str, dict[str, float]]()
    if incumbent.provenance.get("origin") == HAND_WRITTEN:
        claims = {key: {OWNER: since} for key in keys_of_demos(incumbent)}
    for example in examples if shown else ():
        key = query_key(as_demo(example.as_query, text_for_learning(example, policy) or ""))
        if key in shown:
            claims.setdefault(key, {}).update(dict.fromkeys(example.asked_by or (OWNER,), since))
    return claims
