"""Why `route-switch route` chose a tier: as `explain` says it, but without a stage."""

from dataclasses import dataclass

from route_switch.cli.terminal import say
from route_switch.domain.decision import RoutingDecision
from route_switch.domain.explain_local import local_view
from route_switch.domain.explain_words import Facts, explain_in_words, rests_on_prompt
from route_switch.domain.explanation import Explanation
from route_switch.domain.query import Query
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing import bypass_below
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.strategies.registry import strategy_in_effect
from route_switch.services.deadline import Deadline
from route_switch.services.find_evidence import FindEvidence


@dataclass(frozen=True, slots=True)
class ExplainRow:
    config: RouterConfig
    prompt: RoutingPrompt
    find_evidence: FindEvidence

    def __call__(self, query: Query, decision: RoutingDecision) -> Explanation:
        evidence, strategy = None, strategy_in_effect(self.config, self.prompt)
        if rests_on_prompt(strategy, decision):
            chosen = decision.routed_tier or decision.tier
            deadline = Deadline(self.config.request_deadline_s)
            evidence = self.find_evidence(query, self.prompt, chosen, deadline, ask=True)
        return explain_in_words(
            Facts(
                query=query,
                bypass_tokens=bypass_below(self.config, self.prompt),
                router=self.config.models.router,
                strategy=strategy,
                answer=decision,
                routed=decision,
                costs=(),
                output_tokens=0,
                evidence=evidence,
                shows_demos=True,
                local=local_view(self.prompt, strategy, query),
            )
        )


def print_explained(row_id: str, decision: RoutingDecision, explanation: Explanation) -> None:
    say(f"{row_id}  Tier {decision.tier.value} ({decision.reason.value})")
    for sentence in (*explanation.sentences, *explanation.changes):
        say(f"  {sentence}")
