"""What a conversation asks of the models that may continue it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from route_switch.domain.ports import JsonObject
from route_switch.domain.request_record import Attempt
from route_switch.domain.session_turns import LEFT_OUT, split_after_answers, without_state
from route_switch.domain.signer import Signer
from route_switch.domain.tier_parameters import cached_as


@dataclass(frozen=True, slots=True)
class Continuation:
    """`first` is the model to call first, before the tier's own; None for the usual order.

    `carries_state` says that the messages carry state that only its `signer` can read, except for
    older state. If it is not known who that is, the first model that is called gets it. The model
    of the last answer may have `history_tokens` of the input in its cache.
    """

    first: str | None = None
    carries_state: bool = False
    signer: Signer | None = None
    last_model: str | None = None
    history_tokens: int = 0

    def left_behind(self, model: str | None) -> int:
        """Return the tokens that the last answer's model may have in its cache, and `model`, which
        has taken its place, does not."""
        has_cache = model and self.last_model and cached_as(model) == cached_as(self.last_model)
        return 0 if has_cache else self.history_tokens

    def messages_for(
        self, model: str, messages: tuple[JsonObject, ...], *, is_first: bool
    ) -> tuple[JsonObject, ...]:
        """Return the messages without the state of another model: providers refuse it."""
        if self._is_foreign_to(model, is_first):
            return without_state(messages)
        if not self._foreign_answers:
            return messages
        older, others = split_after_answers(messages, self._foreign_answers)
        return without_state(older) + others

    def noted(self, attempts: Iterable[Attempt]) -> Iterator[Attempt]:
        """Yield a request's attempts in order, with a note where state was left out."""
        is_first = True
        for each in attempts:
            is_answer = each.tier is not None
            if is_answer and (self._foreign_answers or self._is_foreign_to(each.model, is_first)):
                yield replace(each, adjusted=(*each.adjusted, LEFT_OUT))
            else:
                yield each
            is_first = is_first and not is_answer

    def _is_foreign_to(self, model: str, is_first: bool) -> bool:
        if not self.carries_state:
            return False
        return not is_first if self.signer is None else not self.signer.is_model(model)

    @property
    def _foreign_answers(self) -> int:
        return self.signer.foreign_answers if self.carries_state and self.signer else 0


ANY_MODEL = Continuation()
