"""A recorded request, as learning reads it."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from route_switch.domain.clients import client_of
from route_switch.domain.learning.example import Example, RecordedResult, Score
from route_switch.domain.parameters import overrides
from route_switch.domain.ports import JsonObject
from route_switch.domain.replay import offers_tools
from route_switch.domain.request_record import Attempt
from route_switch.domain.tier_parameters import split_name
from route_switch.domain.tiers import ModelCatalog, Tier

MIN_ADEQUATE_SCORE = 0.5
"""The lowest score of an adequate answer. Learning only distinguishes adequate from inadequate."""

Gold = Annotated[str, StringConstraints(min_length=1, max_length=50_000)]
"""The longest one takes half of what a DynamoDB item can hold."""

Comment = Annotated[str, StringConstraints(max_length=5_000)]


class GivenFeedback(BaseModel):
    """Feedback on a request's answer. Learning reads `adequate`; `score` is the original rating
    unless it was a thumb. `gold` is what the answer should have been."""

    model_config = ConfigDict(frozen=True)

    adequate: bool | None = None
    score: Score | None = None
    gold: Gold | None = None
    comment: Comment | None = None

    @property
    def rating(self) -> float | None:
        """The score; a thumb is 1 or 0. None when there is no rating."""
        if self.score is not None or self.adequate is None:
            return self.score
        return float(self.adequate)

    @property
    def has_text(self) -> bool:
        return self.gold is not None or self.comment is not None

    @property
    def without_text(self) -> "GivenFeedback":
        return self.model_copy(update={"gold": None, "comment": None})


class FeedbackStatus(StrEnum):
    """What happened to a piece of feedback."""

    KEPT = "kept"
    KEPT_WITHOUT_TEXT = "kept without text"
    NO_SUCH_RESULT = "no such result"
    NO_ANSWER = "no answer"


class PastRequest(BaseModel):
    """The relevant parts of a record (`RequestRecord`), its replay and its feedback. `tool_calls`
    is None if it is unknown what the answer called: earlier versions did not keep it."""

    model_config = ConfigDict(frozen=True)

    request_id: str
    query_text: str
    answer_text: str | None
    tier: Tier
    model: str
    attempts: tuple[Attempt, ...]
    conversation: tuple[JsonObject, ...]
    params: JsonObject
    turn: tuple[JsonObject, ...] = ()
    tool_calls: tuple[JsonObject, ...] | None = None
    feedback: GivenFeedback = GivenFeedback()
    key_id: str = ""
    user: str | None = None

    def as_example(
        self,
        catalog: ModelCatalog,
        *,
        weight: float,
        train_only: bool,
        trusted_keys: frozenset[str] = frozenset(),
    ) -> Example:
        """Labels of `trusted_keys` count as the owner's own."""
        client = client_of(self.key_id, self.user)
        tiers = self._judged_tiers(catalog)
        is_labeled = bool(tiers) or self.feedback.gold is not None
        return Example(
            id=self.request_id,
            query=self.query_text,
            conversation=self.conversation,
            turn=self.turn,
            params=self.params,
            gold=self.feedback.gold,
            models=self._results(),
            feedback=tiers,
            asked_by={client: weight},
            labeled_by=client if is_labeled and self.key_id not in trusted_keys else None,
            weight=weight,
            train_only=train_only,
            from_traffic=True,
        )

    @property
    def _replaces_the_tiers(self) -> bool:
        return bool(overrides(self.params, split_name(self.model)[1]))

    def _results(self) -> dict[str, RecordedResult]:
        """Return the answering model's result. If it was not kept whole, or the request's own
        parameters replaced the tier's, return none, so that a replay asks again."""
        unseen = self.tool_calls is None and offers_tools(self.params)
        if unseen or self._replaces_the_tiers or not (self.answer_text or self.tool_calls):
            return {}
        own = (a for a in self.attempts[::-1] if (a.tier, a.model) == (self.tier, self.model))
        attempt = next(own, None)
        if attempt is None:
            return {}
        usage = None if attempt.estimated else attempt.usage
        result = RecordedResult(
            answer=self.answer_text,
            tool_calls=self.tool_calls or (),
            cost_usd=None if attempt.estimated else attempt.cost_usd,
            input_tokens=usage.input_tokens if usage else None,
            output_tokens=usage.output_tokens if usage else None,
            latency_ms=attempt.latency_ms if attempt.status == "answered" else None,
        )
        return {self.model: result}

    def _judged_tiers(self, catalog: ModelCatalog) -> dict[Tier, bool]:
        """A thumb is about the model that answered. It applies to the tier only if that model is
        the tier's model today (not a fallback, and not replaced since) and answered with the tier's
        parameters."""
        of_today = catalog.tiers[self.tier].name == self.model and not self._replaces_the_tiers
        if self.feedback.adequate is None or not of_today:
            return {}
        return {self.tier: self.feedback.adequate}
