"""The strategy `hybrid`: the local model chooses where its lead is clear, else the router LLM."""

from route_switch.domain.local_model import choose
from route_switch.domain.query import Query
from route_switch.domain.routing import RoutingContext, Suggestion
from route_switch.domain.strategies.local_strategy import as_suggestion, numbers_of
from route_switch.domain.strategies.prompt_strategy import PromptStrategy


class HybridStrategy:
    """The lead is that at the run's λ, for every profile: the router LLM is asked about the same
    queries, so the share that pays for it stays what the run measured."""

    def __init__(self) -> None:
        self._prompt = PromptStrategy()

    def suggest(self, query: Query, context: RoutingContext) -> Suggestion:
        numbers = numbers_of(context)
        if numbers is None:
            return self._prompt.suggest(query, context)
        choice = choose(numbers, query)
        model = context.prompt.local_model
        ask_below = None if model is None else model.ask_below
        if ask_below is not None and choice.lead < ask_below:
            asked = self._prompt.suggest(query, context)
            if asked.tier is not None:
                return asked
        return as_suggestion(choice, numbers, context)
