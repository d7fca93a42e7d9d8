"""Routing as a DSPy program that sends the router LLM exactly what serving sends it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import dspy
from dspy.lm15 import Config, Message, Request
from pydantic import JsonValue

from route_switch.domain.ports import JsonObject
from route_switch.domain.prompts.size_limit import fits
from route_switch.domain.query import Query
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing import RouterReply, RoutingContext, choose_tier
from route_switch.domain.routing_prompt import Demo, MessageParts, RoutingPrompt
from route_switch.domain.strategies.prompt_strategy import PromptStrategy
from route_switch.domain.tiers import Tier


class RouteQuery(dspy.Signature):  # type: ignore[misc]  # DSPy is untyped
    """Placeholder: a routing prompt's instruction replaces this text."""

    query: str = dspy.InputField(desc="What a user sent")
    tier: str = dspy.OutputField(desc="The number of a model tier: 1 small, 2 medium, 3 large")


class RouteToTier(dspy.Module):  # type: ignore[misc]  # DSPy is untyped
    """Assigns a query to the cheapest model tier that answers it as well as the largest would.

    Its instruction is a document that people read, review and edit. It begins with a sentence that
    says what to do, without a colon. It holds one bulleted list of criteria for each tier, under a
    line that names the tier, such as "Tier 1 (small model) is for:" followed by lines that begin
    with "- ". It is shorter than 3,000 characters.

    Improve the present criteria; do not start again. Keep a criterion that holds. Sharpen one that
    is too broad, merge those that say nearly the same, add one for a kind of query that has none,
    and drop one that does not tell the tiers apart. Each tier has two to nine criteria.

    Each criterion is one short phrase of at most 25 words, as an engineer would write it: "a
    multiple-choice question about law, such as torts, contracts or liability". It describes a kind
    of query in general words (subject, form, what is asked for). It is not a list of keywords,
    repeats no other criterion, quotes no example and no part of one, names no person and says
    nothing about other systems.
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
    """Return the routing prompt that a program represents."""
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
    """Routes queries through `choose_tier`, as production does; everything else (the proposer's
    calls) goes through DSPy's chat adapter.

    Queries that bypass the router are not part of a search, so nothing is bypassed here. A prompt
    that is too large for Parameter Store is not sent: its queries get no tier, which the metric
    counts as the worst choice. So do all queries while `is_refusing`. `router_usd` is the cost of
    the call.
    """

    def __init__(
        self,
        messages: MessageParts,
        tiers: frozenset[Tier],
        config: RouterConfig,
    ) -> None:
        super().__init__(use_json_adapter_fallback=False)
        self.is_refusing = False
        self._messages = messages
        self._tiers = tiers
        self._config = config.model_copy(update={"bypass_tokens": 0})

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
            return [_with_line_end(output) for output in outputs]
        pairs = tuple((demo["query"], demo["tier"]) for demo in demos)
        prompt = _prompt_that_fits(signature.instructions, pairs, self._messages)
        if prompt is None or self.is_refusing:
            return [{"tier": "", "router_usd": 0.0}]
        ask = _AskThroughDspy(lm)
        context = RoutingContext(self._config, prompt, ask)
        choice = choose_tier(_as_shown(inputs["query"]), PromptStrategy(), context, self._tiers)
        return [{"tier": str(choice.tier.value), "router_usd": ask.cost_usd}]

    def parse(self, signature: type[dspy.Signature], completion: str) -> dict[str, Any]:
        """Read a reply without field markers as the value of the only field, if there is just one.
        DSPy's own fallback would ask again and pay twice."""
        fields = list(signature.output_fields)
        if len(fields) == 1 and f"[[ ## {fields[0]} ## ]]" not in completion:
            return {fields[0]: completion.strip()}
        parsed: dict[str, Any] = super().parse(signature, completion)
        return parsed


def _with_line_end(output: dict[str, Any]) -> dict[str, Any]:
    """End observations with a line end: DSPy joins those of all batches with nothing between."""
    seen = output.get("observations")
    return {**output, "observations": f"{seen}\n"} if isinstance(seen, str) else output


def _as_shown(text: str) -> Query:
    """Return the query of a `LabeledQuery`, whose text is what the router LLM sees."""
    return Query(text, is_rendered=True)


class _AskThroughDspy:
    """Calls the router LLM through DSPy for one query, and keeps the cost."""

    def __init__(self, lm: dspy.LM) -> None:
        self._lm = lm
        self.cost_usd = 0.0

    def __call__(
        self, messages: tuple[JsonObject, ...], params: Mapping[str, JsonValue]
    ) -> RouterReply:
        system, *turns = messages
        request = Request(
            model=self._lm.model,
            system=str(system["content"]),
            messages=tuple(
                Message.user(str(turn["content"]))
                if turn["role"] == "user"
                else Message.assistant(str(turn["content"]))
                for turn in turns
            ),
            config=Config(**params),
        )
        response = self._lm(request)
        self.cost_usd = response.provider_data["cost_usd"]
        return RouterReply(response.text or "", response.provider_data["cut_off"])
