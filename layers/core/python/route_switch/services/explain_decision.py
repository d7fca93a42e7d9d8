"""Explain a decision after it was made. Nothing here can change it."""

import logging
from dataclasses import dataclass

from route_switch.domain.decision import Reason, RoutingDecision
from route_switch.domain.errors import describe_defect
from route_switch.domain.explain_local import local_view
from route_switch.domain.explain_words import Facts, explain_in_words, rests_on_prompt
from route_switch.domain.explanation import Evidence, Explanation, TierCost
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing import bypass_below
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.strategies.registry import strategy_in_effect
from route_switch.domain.tiers import Tier
from route_switch.services.decide_beside import ShadowChoice
from route_switch.services.estimate_costs import assumed_output_tokens, estimated_costs_usd
from route_switch.services.find_evidence import FindEvidence
from route_switch.services.inbound_request import AdmittedRequest
from route_switch.services.live_prompt import ServedPrompt

logger = logging.getLogger(__name__)

FAILED = "The decision stands, but explaining it failed. The owner's log has the error."


@dataclass(frozen=True, slots=True)
class ExplainDecision:
    config: RouterConfig
    find_evidence: FindEvidence

    def __call__(
        self,
        admitted: AdmittedRequest,
        served: ServedPrompt,
        answer: RoutingDecision,
        shadow: ShadowChoice | None,
    ) -> Explanation:
        """`answer` says where the request goes, `shadow` what routing decided in shadow. Never
        raise: the decision is made, and has to be recorded."""
        evidence: Evidence | None = None
        try:
            routed = _routed(answer, shadow)
            evidence = self._evidence(admitted, served, routed)
            return explain_in_words(
                self._facts(admitted, served.prompt, answer, shadow, routed, evidence)
            )
        except Exception as error:  # noqa: BLE001, RUF100 (a defect here must not cost a decision)
            logger.error("Explaining a decision failed: %s", describe_defect(error))
            return Explanation(
                (FAILED,), (), evidence=None, attempts=evidence.attempts if evidence else ()
            )

    def _facts(
        self,
        admitted: AdmittedRequest,
        prompt: RoutingPrompt,
        answer: RoutingDecision,
        shadow: ShadowChoice | None,
        routed: RoutingDecision | None,
        evidence: Evidence | None,
    ) -> Facts:
        request, strategy = admitted.request, strategy_in_effect(self.config, prompt)
        return Facts(
            query=admitted.query,
            bypass_tokens=bypass_below(self.config, prompt),
            router=self.config.models.router,
            strategy=strategy,
            answer=answer,
            routed=routed,
            costs=self._costs(admitted),
            output_tokens=assumed_output_tokens(request.params),
            shadow=shadow.reason if shadow else None,
            named=admitted.named is not None,
            evidence=evidence,
            shows_demos=request.key.role == "admin",
            local=local_view(prompt, strategy, admitted.query),
        )

    def _evidence(
        self, admitted: AdmittedRequest, served: ServedPrompt, routed: RoutingDecision | None
    ) -> Evidence | None:
        """Only a choice of the router LLM rests on texts of the prompt."""
        strategy = strategy_in_effect(self.config, served.prompt)
        if routed is None or not rests_on_prompt(strategy, routed):
            return None
        return self.find_evidence(
            admitted.query,
            served.prompt,
            routed.routed_tier or routed.tier,
            admitted.request.deadline,
            ask=admitted.request.explain,
            may_pay=admitted.eligible.router,
            key_id=admitted.request.key.key_id,
        )

    def _costs(self, admitted: AdmittedRequest) -> tuple[TierCost, ...]:
        models = self.config.models
        usd = estimated_costs_usd(models, Tier, admitted.needs, admitted.request.params)
        allowed = admitted.eligible.tiers
        return tuple(
            TierCost(tier, models.tiers[tier].model, usd[tier], tier in allowed) for tier in Tier
        )


def _routed(answer: RoutingDecision, shadow: ShadowChoice | None) -> RoutingDecision | None:
    if shadow is not None:
        return shadow.decision
    is_fixed = answer.reason in {Reason.OVERRIDE, Reason.DEGRADED, Reason.SHADOW}
    return None if is_fixed else answer
