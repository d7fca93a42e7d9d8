"""Routing as a DSPy program that sends the router LLM exactly what serving sends it."""

from functools import lru_cache
from typing import Any

import dspy
from dspy.lm15 import Config, Message, Request

from route_switch.domain.decision import nearest_allowed, parse_tier
from route_switch.domain.prompts.size_limit import fits
from route_switch.domain.query import Query
from route_switch.domain.routing_prompt import Demo, MessageParts, RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.services.choose_tier import ROUTER_PARAMS


class RouteQuery(dspy.Signature):  # type: ignore[misc]  # DSPy is untyped
    """Replaced by a routing prompt's instruction."""

    query: str = dspy.InputField(desc="What a user sent")
    tier: str = dspy.OutputField(desc="The number of a model tier: 1 small, 2 medium, 3 large")


class RouteToTier(dspy.Module):  # type: ignore[misc]  # DSPy is untyped
    """Assigns a query to the cheapest model tier that answers it as well as the largest would.

    Its instruction is a document that people read, review and edit. It holds one bulleted list of
    criteria for each tier, under a line that names the tier, such as "Tier 1 (small model) is for:"
    followed by lines that begin with "- ". Each criterion describes a kind of query in general
    words (subject, form, what is asked for): it quotes no example, names no person and says nothing
    about other systems. The instruction begins with a sentence that says what to do, without a
    colon, and is shorter than 3,000 characters.
    """

    def __init__(self, prompt: RoutingPrompt) -> None:
        super().__init__()
        self.choose = dspy.Predict(RouteQuery.with_instructions(prompt.instruction))
        self.choose.demos = [
            dspy.Example(query=demo.query, tier=str(demo.tier.value)) for demo in prompt.demos
        ]

    def forward(self, query: str) -> dspy.Prediction:
        return self.choose(query=query)


def prompt_of(program: RouteToTier, messages: MessageParts) -> RoutingPrompt:
    """The artifact that a program stands for."""
    return _prompt(
        program.choose.signature.instructions,
        tuple((demo["query"], demo["tier"]) for demo in program.choose.demos),
        messages,
    )


def _prompt(
    instruction: str, demos: tuple[tuple[str, str], ...], messages: MessageParts
) -> RoutingPrompt:
    return RoutingPrompt(
        instruction=instruction,
        demos=tuple(Demo(query=query, tier=Tier(int(tier))) for query, tier in demos),
        messages=messages,
    )


@lru_cache(maxsize=256)
def _prompt_that_fits(
    instruction: str, demos: tuple[tuple[str, str], ...], messages: MessageParts
) -> RoutingPrompt | None:
    prompt = _prompt(instruction, demos, messages)
    return prompt if fits(prompt) else None


class RoutingAdapter(dspy.ChatAdapter):  # type: ignore[misc]  # as above
    """Renders routing calls as `RoutingPrompt` does, and everything else (the proposer's calls) as
    DSPy's chat adapter does.

    A prompt that is too large for Parameter Store is not sent: its queries get no tier, which the
    metric takes for the worst choice. A reply that names no tier is routed as in production. What
    the call cost comes along as `router_usd`.
    """

    def __init__(
        self,
        messages: MessageParts,
        tiers: frozenset[Tier],
        safe_tier: Tier,
        max_query_tokens: int,
    ) -> None:
        super().__init__(use_json_adapter_fallback=False)
        self._messages = messages
        self._tiers = tiers
        self._safe_tier = safe_tier
        self._max_query_tokens = max_query_tokens

    def __call__(
        self,
        lm: dspy.LM,
        lm_kwargs: dict[str, Any],
        signature: type[dspy.Signature],
        demos: list[dspy.Example],
        inputs: dict[str, Any],
    ) -> list[dict[str, Any]]:
        if set(signature.output_fields) != {"tier"}:
            outputs: list[dict[str, Any]] = super().__call__(
                lm, lm_kwargs, signature, demos, inputs
            )
            return outputs
        pairs = tuple((demo["query"], demo["tier"]) for demo in demos)
        prompt = _prompt_that_fits(signature.instructions, pairs, self._messages)
        if prompt is None:
            return [{"tier": "", "router_usd": 0.0}]
        response = lm(_request(lm, prompt, Query(inputs["query"]), self._max_query_tokens))
        tier = self.tier_of(response.text or "")
        return [{"tier": str(tier.value), "router_usd": response.provider_data["cost_usd"]}]

    def tier_of(self, reply: str) -> Tier:
        return nearest_allowed(parse_tier(reply) or self._safe_tier, self._tiers)

    def parse(self, signature: type[dspy.Signature], completion: str) -> dict[str, Any]:
        """A proposer that forgets the field's marks still has its text read, where there is but
        one field: DSPy's own way out would ask again and pay twice."""
        fields = list(signature.output_fields)
        if len(fields) == 1 and f"[[ ## {fields[0]} ## ]]" not in completion:
            return {fields[0]: completion.strip()}
        parsed: dict[str, Any] = super().parse(signature, completion)
        return parsed


def _request(lm: dspy.LM, prompt: RoutingPrompt, query: Query, max_query_tokens: int) -> Request:
    system, *turns = prompt.render(query, max_query_tokens)
    return Request(
        model=lm.model,
        system=str(system["content"]),
        messages=tuple(
            Message.user(str(turn["content"]))
            if turn["role"] == "user"
            else Message.assistant(str(turn["content"]))
            for turn in turns
        ),
        config=Config(**ROUTER_PARAMS),
    )
