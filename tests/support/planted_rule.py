"""A world with a rule to find: the verb of a query decides which tier it needs.

The router follows the criteria in its instruction. The proposer reads GEPA's feedback and adds the
criterion that would have gained most. Without feedback, it only sees which tiers were chosen.
"""

import re
from collections import defaultdict

from route_switch.domain.criteria import parse_criteria
from route_switch.domain.learning.sides import Side
from route_switch.domain.ports import ModelCall
from route_switch.domain.query import text_of
from route_switch.domain.quoted_query import without_quotes
from route_switch.domain.routing_prompt import Demo, RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.optimizer.training import LabeledQuery
from tests.support.searching import Models

RULE = {"greet": Tier.SMALL, "convert": Tier.SMALL, "compare": Tier.MEDIUM, "prove": Tier.LARGE}
COSTS = (0.1, 0.4, 1.0)
LAMBDA = 0.2
ASSIGN = "Assign the query to a tier."

_SHOWN = re.compile(r'Query: "(\w+) [^\n]*"\nChosen: Tier (\d)\nFeedback:([^\n]*)')
_GAIN = re.compile(r"Tier (\d) would have been worth ([\d.]+) more")
_CURRENT = re.compile(r"\[\[ ## current_instruction ## \]\]\n(.*?)\n\n\[\[ ##", re.DOTALL)


def instruction(criteria: dict[str, Tier]) -> str:
    """Return an instruction with a criterion per verb. Other queries go to Tier 2."""
    lists = []
    for tier in Tier:
        verbs = [f"requests to {verb}" for verb, of in criteria.items() if of is tier]
        bullets = verbs or [f"no {tier.alias} requests so far"]
        lists.append("\n- ".join((f"Tier {tier.value} is for:", *bullets)))
    return "\n\n".join((ASSIGN, *lists))


def criteria_of(text: str) -> dict[str, Tier]:
    found = ((tier, criterion.split()) for tier, criterion in parse_criteria(text))
    return {words[-1]: tier for tier, words in found if words[:2] == ["requests", "to"]}


START = RoutingPrompt(
    instruction=instruction({}), demos=(Demo(query="Tell me the time.", tier=Tier.SMALL),)
)


def labeled(side: Side, rows: int) -> list[LabeledQuery]:
    verbs = list(RULE)
    return [_query(verbs[n % len(verbs)], f"{side.value} item {n}") for n in range(rows)]


def _query(verb: str, rest: str) -> LabeledQuery:
    as_good = tuple(tier >= RULE[verb] for tier in Tier)
    rewards = tuple(float(good) - LAMBDA * cost for good, cost in zip(as_good, COSTS, strict=True))
    return LabeledQuery(f"{verb} {rest}", rewards.index(max(rewards)), rewards, as_good=as_good)


class RuleModels(Models):
    def _answer(self, call: ModelCall) -> str:
        system, *_, last = (text_of(message) for message in call.messages)
        if call.model == "router":
            self.routed.append(call)
            verb = without_quotes(last.removeprefix("Query:\n")).split()[0]
            return str(criteria_of(system).get(verb, Tier.MEDIUM).value)
        self.proposed.append(call)
        return f"[[ ## new_instruction ## ]]\n{_revised(last)}\n\n[[ ## completed ## ]]"


def _revised(asked: str) -> str:
    current = _CURRENT.search(asked)
    assert current is not None
    gains: defaultdict[tuple[str, Tier], float] = defaultdict(float)
    for verb, chosen, feedback in _SHOWN.findall(asked):
        gain = _GAIN.search(feedback)
        better, worth = (gain[1], float(gain[2])) if gain else (chosen, 0.0)
        gains[verb, Tier(int(better))] += worth
    verb, tier = max(gains, key=lambda choice: gains[choice])
    return instruction({**criteria_of(current[1]), verb: tier})
