"""Answers of `POST /v1/route`, made up, in the words that the product has for such decisions."""

from collections.abc import Mapping

from route_switch.domain.decision import Reason, RoutingDecision
from route_switch.domain.explain_local import LocalView
from route_switch.domain.explain_words import Facts, explain_in_words
from route_switch.domain.explanation import Evidence, TierCost, WeighedText, Weighing
from route_switch.domain.local_model import Expected, LocalChoice
from route_switch.domain.pricing import cost_usd
from route_switch.domain.prompt_document import parse_prompt
from route_switch.domain.prompt_texts import PromptText, texts_of
from route_switch.domain.query import Query
from route_switch.domain.request_record import Attempt
from route_switch.domain.sessions import Ground, Move, SessionDecision
from route_switch.domain.strategies.prompt_strategy import NAMED
from route_switch.domain.tiers import Tier
from route_switch.domain.usage import Usage
from route_switch.services.estimate_costs import ASSUMED_OUTPUT_TOKENS
from tests.support.console_answers import MODELS, ROUTER, Answer, learned
from tests.support.console_traffic import PRICES

QUERY = Query("Is a gift from my aunt taxable, and at which rate?")
SPOKEN = "any question of tax, law or medicine"
ENCODER = "local/encoder"
LEAST_LEAD = 0.05
"""Below it, the hybrid strategy asks the router LLM."""


def route() -> Answer:
    """A router LLM named the tier, and then the criterion."""
    usage = Usage(2_100, 3, cached_input_tokens=1_792)
    call = Attempt(
        ROUTER, None, "answered", 210.0, usage, cost_usd(usage, PRICES[ROUTER]), purpose="explain"
    )
    evidence = Evidence(
        Tier.LARGE,
        text_with(SPOKEN),
        was_asked=True,
        without=Tier.MEDIUM,
        attempts=(call, call),
    )
    return decided("prompt", evidence)


def route_by_comparison() -> Answer:
    """A router model compared the query with the prompt's texts, which gives scores."""
    near = (
        WeighedText(text_with(SPOKEN), 0.61),
        WeighedText(text_with("a multiple-choice question about history"), 0.34),
        WeighedText(text_with("a customer's question about an account"), 0.21),
    )
    scores = {Tier.SMALL: 0.118, Tier.MEDIUM: 0.297, Tier.LARGE: 0.514}
    weighing = Weighing(Tier.LARGE, near, scores)
    evidence = Evidence(Tier.LARGE, near[0].text, weighing, by_comparison=True, without=Tier.MEDIUM)
    return decided("prompt", evidence, router=ENCODER)


def route_by_local_model() -> Answer:
    """A local model decided without a router call, by a lead that is large enough."""
    expected = {
        Tier.SMALL: Expected(0.42, 0.05),
        Tier.MEDIUM: Expected(0.71, 0.27),
        Tier.LARGE: Expected(0.98, 1.0),
    }
    objective = {tier: each.objective(0.2) for tier, each in expected.items()}
    lead = objective[Tier.LARGE] - objective[Tier.MEDIUM]
    choice = LocalChoice(Tier.LARGE, lead, expected)
    view = LocalView(choice, 0.2, LEAST_LEAD, Tier.MEDIUM, (("“taxable”", 0.83),))
    return decided("hybrid", None, view)


def text_with(words: str) -> PromptText:
    """Return the criterion of the live prompt with these words."""
    (found,) = (each for each in texts_of(parse_prompt(learned())) if words in each.text)
    return found


def decided(
    strategy: str, evidence: Evidence | None, view: LocalView | None = None, router: str = ROUTER
) -> Answer:
    session = SessionDecision(Move.NEW, Ground.FIRST_TURN, Tier.LARGE)
    decision = RoutingDecision(
        tier=Tier.LARGE,
        reason=Reason.ROUTER,
        prompt_version="live@3",
        router_tokens=0 if view else 2_101,
        latency_ms=212.0,
        routed_tier=Tier.LARGE,
        why=NAMED if view is None else "chosen by the local model",
        session=session,
        by_strategy=True,
        strategy=strategy,
    )
    costs = estimates()
    explanation = explain_in_words(
        Facts(
            query=QUERY,
            bypass_tokens=0,
            router=router,
            strategy=strategy,
            answer=decision,
            routed=decision,
            costs=tuple(TierCost(tier, MODELS[tier - 1], usd) for tier, usd in costs.items()),
            output_tokens=ASSUMED_OUTPUT_TOKENS,
            evidence=evidence,
            shows_demos=True,
            local=view,
        )
    )
    return {
        "id": "req-decided",
        "object": "route",
        "tier": decision.tier.value,
        "reason": decision.reason.value,
        "model": MODELS[decision.tier - 1],
        "profile": decision.profile,
        "prompt_version": decision.prompt_version,
        "why": decision.why,
        "router_tokens": decision.router_tokens,
        "query_tokens": QUERY.tokens,
        "bypass_tokens": 0,
        "assumed_output_tokens": ASSUMED_OUTPUT_TOKENS,
        "shadow_tier": None,
        "shadow_reason": None,
        "session": session.move.value,
        "session_saved_usd": None,
        "estimated_cost_usd": {str(tier.value): usd for tier, usd in costs.items()},
        "explanation": explanation.as_json(),
    }


def estimates() -> Mapping[Tier, float | None]:
    usage = Usage(QUERY.tokens + 8, ASSUMED_OUTPUT_TOKENS)
    return {tier: cost_usd(usage, PRICES[MODELS[tier - 1]]) for tier in Tier}
