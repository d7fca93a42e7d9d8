"""The strategy `local`: a trained model of plain numbers chooses, without a router call."""

from route_switch.domain.local_model import LocalChoice, choose
from route_switch.domain.query import Query
from route_switch.domain.routing import RoutingContext, Suggestion


class LocalStrategy:
    def suggest(self, query: Query, context: RoutingContext) -> Suggestion:
        choice = local_choice(query, context)
        if choice is None:
            return Suggestion(None, "the live prompt has no local model")
        return as_suggestion(choice)


def local_choice(query: Query, context: RoutingContext) -> LocalChoice | None:
    """Return None if the prompt comes without the numbers of a local model."""
    model = context.prompt.local_model
    return None if model is None or model.numbers is None else choose(model.numbers, query)


def as_suggestion(choice: LocalChoice) -> Suggestion:
    return Suggestion(
        choice.tier, "chosen by the local model", choice.expected[choice.tier].quality
    )
