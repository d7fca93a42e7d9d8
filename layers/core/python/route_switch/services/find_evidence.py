"""Find the text of the routing prompt that speaks most for a router's choice.

A router model that compares texts can name it at no cost. A router LLM is asked on request, in a
call of its own after the decision; then the text that it named is left out of the prompt, and the
router is asked again. Its own words are never shown: it names a text by number.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from route_switch.domain.errors import ModelError
from route_switch.domain.explanation import Evidence, WeighingModel
from route_switch.domain.ports import JsonObject
from route_switch.domain.pricing import cost_usd
from route_switch.domain.prompt_texts import PromptText, texts_of, without_text
from route_switch.domain.query import Query, text_of
from route_switch.domain.request_record import Attempt
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing import RouterReply
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.strategies.prompt_strategy import (
    read_reply,
    router_messages,
    router_params,
)
from route_switch.domain.thoughts import without_thoughts
from route_switch.domain.tiers import Tier
from route_switch.domain.tokens import estimate_tokens
from route_switch.domain.usage import Usage
from route_switch.services.call_models import ModelCaller
from route_switch.services.call_result import CallResult
from route_switch.services.deadline import Deadline
from route_switch.services.estimate_costs import MAX_EXPLANATION_CALLS, explanation_cap_usd
from route_switch.services.estimate_router_calls import output_tokens, written_tokens

FIRST_NUMBER = 101
"""Texts are numbered from here on, so that a reply with the number of a tier names none of them."""

NOT_ASKED = (
    "The router LLM was not asked for its reason. That takes up to "
    f'{MAX_EXPLANATION_CALLS} more calls: request it with "explain": true in route_switch, or with '
    "route-switch explain --deep."
)
TURNED_OFF = (
    "The router LLM was not asked for its reason: the owner allows no calls for it "
    "(explain_max_usd is 0)."
)
NO_PRICE = (
    "The router LLM was not asked for its reason: its price is unknown, and this key has a budget."
)
OVER_CAP = (
    "A call was left out, because it would cost more than an explanation may (explain_max_usd)."
)
NO_ANSWER = "The router LLM gave no usable reply when it was asked for its reason."
NO_WEIGHING = "Comparing the texts again for this explanation failed, so it names none of them."
NO_TEXTS = "The routing prompt has no criteria and no demos for the chosen tier."

_NUMBER = re.compile(r"(?<![\w.,/-])(\d{1,6})(?![\w/-]|[.,]\d)")
_LEADING_NUMBER = re.compile(r"\W{0,5}(\d{1,6})(?![\w/-]|[.,]\d)")

WeighingModels = Callable[[str], WeighingModel | None]
"""Returns how the router model of this name weighs texts, or None if it cannot say."""


class FindEvidence:
    def __init__(self, config: RouterConfig, caller: ModelCaller, weighing: WeighingModels) -> None:
        self._config = config
        self._caller = caller
        self._weighing = weighing

    def __call__(
        self,
        query: Query,
        prompt: RoutingPrompt,
        chosen: Tier,
        deadline: Deadline,
        *,
        ask: bool,
        may_pay: bool = True,
        key_id: str | None = None,
    ) -> Evidence:
        """Return why `prompt` led to `chosen`. A router LLM is called only with `ask`, and only if
        it `may_pay`. `key_id` is the key that sent the request. Never raise, and never choose
        again."""
        model = self._weighing(self._config.models.router)
        if model is not None:
            return self._weighed(model, query, prompt, chosen)
        if not ask:
            return Evidence(chosen, note=NOT_ASKED)
        if not may_pay:
            return Evidence(chosen, note=NO_PRICE)
        if self._config.explain_max_usd == 0:
            return Evidence(chosen, note=TURNED_OFF)
        texts = [text for text in texts_of(prompt) if text.tier is chosen]
        if not texts:
            return Evidence(chosen, note=NO_TEXTS)
        calls = _Calls(self._config, self._caller.for_key(key_id), deadline)
        return self._asked(query, prompt, chosen, texts, calls)

    def _weighed(
        self, model: WeighingModel, query: Query, prompt: RoutingPrompt, chosen: Tier
    ) -> Evidence:
        try:
            weighing = model.weigh(self._render(query, prompt))
            nearest = weighing.nearest(chosen)
            if nearest is None:
                return Evidence(chosen, weighing=weighing, by_comparison=True)
            shorter = without_text(prompt, nearest.text)
            without = None if shorter is None else model.weigh(self._render(query, shorter)).tier
        except ModelError:
            return Evidence(chosen, note=NO_WEIGHING, by_comparison=True)
        return Evidence(chosen, nearest.text, weighing, by_comparison=True, without=without)

    def _asked(
        self,
        query: Query,
        prompt: RoutingPrompt,
        chosen: Tier,
        texts: Sequence[PromptText],
        calls: "_Calls",
    ) -> Evidence:
        messages = router_messages(self._config, prompt, query)
        reply = calls.ask((*messages, *_question(prompt, chosen, texts)))
        found = Evidence(chosen, was_asked=bool(calls.attempts), attempts=calls.attempts)
        if reply is None:
            return replace(found, note=calls.why_not or NO_ANSWER)
        text = _named(reply, texts)
        shorter = None if text is None else without_text(prompt, text)
        if shorter is None:
            return replace(found, text=text)
        again = calls.ask(self._render(query, shorter))  # no cache point: this is asked only once
        without = read_reply(again).tier if again else None
        return replace(
            found, text=text, without=without, note=calls.why_not, attempts=calls.attempts
        )

    def _render(self, query: Query, prompt: RoutingPrompt) -> tuple[JsonObject, ...]:
        return prompt.render(query, self._config.router_max_input_tokens)


class _Calls:
    """Router calls for one explanation, within its limits. `why_not` says why one was left out."""

    def __init__(self, config: RouterConfig, caller: ModelCaller, deadline: Deadline) -> None:
        self._config = config
        self._caller = caller
        self._deadline = deadline
        self._cap_usd = explanation_cap_usd(config)
        self._results: list[CallResult] = []
        self.why_not = ""

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        made = (self._caller.with_late_answer(result).attempt for result in self._results)
        return tuple(replace(attempt, purpose="explain") for attempt in made)

    def ask(self, messages: tuple[JsonObject, ...]) -> RouterReply | None:
        params = router_params(self._config)
        timeout_s = min(self._config.router_timeout_s, self._deadline.remaining_s)
        if not self._is_within_cap(messages):
            self.why_not = OVER_CAP
            return None
        if len(self._results) >= MAX_EXPLANATION_CALLS or timeout_s <= 0:
            return None
        name = self._config.models.router
        result = self._caller.call(name, messages, params, timeout_s, self._deadline)
        self._results.append(result)
        if result.completion is None:
            return None
        first = result.completion.choices[0]
        return RouterReply(result.completion.text, first.finish_reason == "length")

    def _is_within_cap(self, messages: Sequence[JsonObject]) -> bool:
        if self._cap_usd is None:
            return True
        read = sum(estimate_tokens(text_of(message)) for message in messages)
        written = written_tokens(self._config, read)
        usage = Usage(read, output_tokens(self._config), cache_write_tokens=written)
        next_usd = cost_usd(usage, self._config.models.price(self._config.models.router)) or 0.0
        spent_usd = sum(attempt.cost_usd or 0.0 for attempt in self.attempts)
        return spent_usd + next_usd <= self._cap_usd


def _question(
    prompt: RoutingPrompt, chosen: Tier, texts: Sequence[PromptText]
) -> tuple[JsonObject, JsonObject]:
    """Return the router LLM's reply and a question about it. The messages before are those of the
    router call, with its cache point, so that its provider can read them from its cache."""
    reply = prompt.messages.tier.replace("{tier}", str(chosen.value), 1)
    listed = "\n".join(
        f"{number}. {' '.join(text.text.split())}"
        for number, text in enumerate(texts, start=FIRST_NUMBER)
    )
    last = FIRST_NUMBER + len(texts) - 1
    question = (
        f"You chose Tier {chosen.value} for this query. These texts speak for Tier "
        f"{chosen.value}:\n{listed}\n\nWhich one of them decided? Answer with its number "
        f"({FIRST_NUMBER} to {last}) and nothing else, or with 0 if none of them did."
    )
    return {"role": "assistant", "content": reply}, {"role": "user", "content": question}


def _named(reply: RouterReply, texts: Sequence[PromptText]) -> PromptText | None:
    """Return the one text whose number the reply names. A reply that was cut off counts only if it
    begins with the number."""
    said = without_thoughts(reply.text)
    if said is None:
        return None
    if reply.cut_off:
        start = _LEADING_NUMBER.match(said)
        numbers = {start[1]} if start else set()
    else:
        numbers = set(_NUMBER.findall(said))
    if len(numbers) != 1:
        return None
    position = int(numbers.pop()) - FIRST_NUMBER
    return texts[position] if 0 <= position < len(texts) else None
