"""How many replies of graders and models were understood. Others do not count as answers."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from route_switch.domain.clients import belongs_to
from route_switch.domain.learning.clients import LeftOut, Weights, to_leave_out

MAX_NOT_UNDERSTOOD = 0.05
"""The share that a run accepts by default."""
MIN_NOT_UNDERSTOOD = 3
"""Fewer do not stop a run, unless they are all there are."""
HOW_TO_ALLOW = "--max-not-understood (learning.max_not_understood of a stage)"


class ClientReplies(BaseModel):
    """The replies to the rows of one client."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client: str
    asked: int
    not_understood: int


class ReplyCount(BaseModel):
    """`not_understood` of `asked`. `worst` is the client without which the share is lowest; None if
    leaving out a client never lowers it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    asked: int = 0
    not_understood: int = 0
    worst: ClientReplies | None = None

    @property
    def share(self) -> float:
        return self.not_understood / self.asked if self.asked else 0.0

    @property
    def without_worst(self) -> "ReplyCount":
        if self.worst is None:
            return self
        return ReplyCount(
            asked=self.asked - self.worst.asked,
            not_understood=self.not_understood - self.worst.not_understood,
        )

    def exceeds(self, limit: float) -> bool:
        """Whether more than this share is not understood, and not because of one client alone: no
        client can stop a run by what it sends."""
        return self._is_above(limit) and self.without_worst._is_above(limit)

    def spoiled_by(self, limit: float) -> str | None:
        """Return the client that alone brings the share above the limit, if there is one."""
        blamed = self._is_above(limit) and not self.exceeds(limit)
        return self.worst.client if blamed and self.worst else None

    def _is_above(self, limit: float) -> bool:
        enough = self.not_understood >= min(MIN_NOT_UNDERSTOOD, self.asked)
        return enough and self.not_understood > limit * self.asked


def count_replies(replies: Iterable[tuple[Weights, bool]]) -> ReplyCount:
    """Count replies, each with the clients that asked for it and whether it was understood.

    A client is left out with the rows that nobody else asked, unless they are more than half of
    all: it is what the run is for.
    """
    known = [*replies]
    failed = [asked_by for asked_by, understood in known if not understood]
    clients = to_leave_out((asked_by for asked_by, _ in known), len(known))
    clients = tuple(each for each in clients if any(_only(each, asked) for asked in failed))
    total = ReplyCount(asked=len(known), not_understood=len(failed))
    without = [
        total.model_copy(
            update={
                "worst": ClientReplies(
                    client=each.client,
                    asked=sum(_only(each, asked_by) for asked_by, _ in known),
                    not_understood=sum(_only(each, asked_by) for asked_by in failed),
                )
            }
        )
        for each in clients
    ]
    able = (each for each in without if each.without_worst.asked >= total.asked / 2)
    return min((total, *able), key=lambda each: each.without_worst.share)


def _only(client: LeftOut, asked_by: Weights) -> bool:
    return bool(asked_by) and all(belongs_to(each, client.client) for each in asked_by)


class Understanding(BaseModel):
    """What was not understood in a run, and which rows say nothing.

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
