"""How many replies of graders and models were understood. One that was not is no answer."""

from pydantic import BaseModel, ConfigDict

MAX_NOT_UNDERSTOOD = 0.05
"""The share that a run accepts by default."""
MIN_NOT_UNDERSTOOD = 3
"""Fewer do not stop a run, unless they are all there are."""
HOW_TO_ALLOW = "--max-not-understood (learning.max_not_understood of a stage)"


class ReplyCount(BaseModel):
    """`not_understood` of `asked`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    asked: int = 0
    not_understood: int = 0

    @property
    def share(self) -> float:
        return self.not_understood / self.asked if self.asked else 0.0

    def exceeds(self, limit: float) -> bool:
        enough = self.not_understood >= min(MIN_NOT_UNDERSTOOD, self.asked)
        return enough and self.not_understood > limit * self.asked


class Understanding(BaseModel):
    """What was not understood, and what says nothing, in a run.

    - `gold`: rows graded by a gold answer, and those in which Tier 3's own answer was not
      recognized. `gold_missed` are the rows whose gold Tier 3 answered wrongly. Both go to the
      judge, or are left out if there is none.
    - `judge`: pairs of answers that the judge compared, and those without a readable verdict, which
      are left out. `unread_replies` also counts replies that a second question made good.
    - `router`: the router LLM's replies on held-out rows, and those that name no tier. Their
      queries go to the safe tier, as when serving.
    - `answers`: examples for which a tier was called, and those that a provider refused.
    - `empty`: answered examples, and those for which Tier 3 wrote nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    gold: ReplyCount = ReplyCount()
    gold_missed: int = 0
    judge: ReplyCount = ReplyCount()
    unread_replies: int = 0
    router: ReplyCount = ReplyCount()
    answers: ReplyCount = ReplyCount()
    empty: ReplyCount = ReplyCount()


def too_many(count: ReplyCount, limit: float, what: str, advice: str) -> str | None:
    """Return why a run stops, or None. `what` completes "in 7 of 100 rows …"."""
    if not count.exceeds(limit):
        return None
    return (
        f"In {count.not_understood} of {count.asked} {what} ({count.share:.1%}; {limit:.1%} is "
        f"allowed). {advice}, or raise {HOW_TO_ALLOW}."
    )
