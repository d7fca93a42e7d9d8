"""A recorded request, as learning reads it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from route_switch.domain.example import Example, RecordedResult
from route_switch.domain.ports import JsonObject
from route_switch.domain.record import Attempt
from route_switch.domain.tiers import ModelCatalog, Tier


class Feedback(BaseModel):
    """What somebody said about a request's answer; `gold` is the answer it should have been."""

    model_config = ConfigDict(frozen=True)

    adequate: bool | None = None
    gold: Annotated[str, StringConstraints(min_length=1, max_length=50_000)] | None = None
    """At its longest half of what an item holds."""


class PastRequest(BaseModel):
    """The parts of a record (`RequestRecord`), its replay and its feedback."""

    model_config = ConfigDict(frozen=True)

    request_id: str
    query_text: str
    answer_text: str | None
    tier: Tier
    model: str
    attempts: tuple[Attempt, ...]
    conversation: tuple[JsonObject, ...]
    params: JsonObject
    feedback: Feedback = Feedback()

    def as_example(self, catalog: ModelCatalog, *, weight: float, train_only: bool) -> Example:
        return Example(
            id=self.request_id,
            query=self.query_text,
            conversation=self.conversation,
            params=self.params,
            gold=self.feedback.gold,
            models=self._results(),
            feedback=self._judged_tiers(catalog),
            weight=weight,
            train_only=train_only,
            from_traffic=True,
        )

    def _results(self) -> dict[str, RecordedResult]:
        """What the answering model said, unless it said nothing in words (it called a tool): then
        a replay has to ask again."""
        if not self.answer_text:
            return {}
        attempt = next(
            a for a in reversed(self.attempts) if (a.tier, a.model) == (self.tier, self.model)
        )
        usage = None if attempt.estimated else attempt.usage
        result = RecordedResult(
            answer=self.answer_text,
            cost_usd=None if attempt.estimated else attempt.cost_usd,
            input_tokens=usage.input_tokens if usage else None,
            output_tokens=usage.output_tokens if usage else None,
            latency_ms=attempt.latency_ms if attempt.status == "answered" else None,
        )
        return {self.model: result}

    def _judged_tiers(self, catalog: ModelCatalog) -> dict[Tier, bool]:
        """A thumb is about the model that answered. It says something about the tier only if that
        is the tier's model today: neither a fallback nor one that was replaced since."""
        of_today = catalog.tiers[self.tier].model == self.model
        if self.feedback.adequate is None or not of_today:
            return {}
        return {self.tier: self.feedback.adequate}
