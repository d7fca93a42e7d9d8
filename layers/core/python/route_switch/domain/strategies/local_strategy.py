"""The strategy `local`: a trained model of plain numbers chooses, without a router call."""

from route_switch.domain.local_model import LocalChoice, LocalNumbers, best_of, choose
from route_switch.domain.profiles import lambda_of
from route_switch.domain.query import Query
from route_switch.domain.routing import RoutingContext, Suggestion


class LocalStrategy:
    def suggest(self, query: Query, context: RoutingContext) -> Suggestion:
        numbers = numbers_of(context)
        if numbers is None:
            return Suggestion(None, "the live prompt has no local model")
        return as_suggestion(choose(numbers, query), numbers, context)


def numbers_of(context: RoutingContext) -> LocalNumbers | None:
    """Return None if the prompt comes without the numbers of a local model."""
    model = context.prompt.local_model
    return None if model is None else model.numbers


def as_suggestion(
    choice: LocalChoice, numbers: LocalNumbers, context: RoutingContext
) -> Suggestion:
    """Suggest the choice, or what the request's profile makes of it."""
    wanted = best_of(choice.expected, lambda_of(context.profile, numbers.lambda_)).tier
    confidence = choice.expected[wanted].quality
    if wanted is choice.tier:
        return Suggestion(wanted, "chosen by the local model", confidence)
    why = f"chosen by the local model for the profile {context.profile}"
    return Suggestion(wanted, why, confidence, balanced=choice.tier)
