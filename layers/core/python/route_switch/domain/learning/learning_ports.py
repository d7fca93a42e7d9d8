"""What learning needs from the outside world, and what forgets its texts; no request loads this."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from route_switch.domain.learning.drift import RoutedDay
from route_switch.domain.learning.learning_run import StartRun
from route_switch.domain.learning.past_request import FeedbackFate, GivenFeedback, PastRequest
from route_switch.domain.operations.forgotten import Forgotten, Removed, StoredRequest
from route_switch.domain.ports import JsonObject
from route_switch.domain.request_record import NotReplayable
from route_switch.domain.sampling import Arc


@dataclass(frozen=True, slots=True)
class RoutedRequests:
    """How many of the days' routed requests can be replayed, and how many cannot, by reason."""

    replayable: int
    not_replayable: Mapping[NotReplayable, int]


class LearningIndex(Protocol):
    """Finds requests to learn from at a cost that grows with what is found, not with traffic."""

    def count(self, days: Sequence[date]) -> RoutedRequests: ...

    def draw(self, days: Sequence[date], arc: Arc) -> list[str]:
        """Ids of all replayable requests of these days that lie in the arc."""
        ...

    def with_feedback(self, days: Sequence[date], limit: int) -> list[str]:
        """Ids of replayable requests of these days that have feedback, newest days first."""
        ...


class RoutedDays(Protocol):
    """What each version of the prompt did with the requests of a day."""

    def routed(self, day: date, prompt_version: str) -> RoutedDay:
        """Zeros where nothing was counted."""
        ...


class LearningRuns(Protocol):
    """Starts learning."""

    def start(self, name: str, run: StartRun) -> bool:
        """False if a run of this name has been started before."""
        ...


class RunHistory(Protocol):
    """Learning runs of the last time."""

    def ran_for(self, reason: str) -> bool:
        """Whether a run was started for this reason, and has not failed."""
        ...


class PastRequests(Protocol):
    """Recorded requests by id."""

    def load(self, request_ids: Sequence[str]) -> list[PastRequest]:
        """In this order; those that have expired, or were deleted, are left out."""
        ...


class FeedbackStore(Protocol):
    """What people said about answers."""

    def save_feedback(self, request_id: str, key_id: str, feedback: GivenFeedback) -> FeedbackFate:
        """Keeps it in place of any earlier one, if this key made such a request and it was
        answered; its texts only where the request's own text is there to learn from."""
        ...


class StoredRequests(Protocol):
    """Requests with everything that is kept of them, to be deleted."""

    def find(self, request_id: str) -> StoredRequest | None: ...

    def of_user(self, user: str) -> Iterator[str]:
        """Ids of the requests that named this user, of all keys."""
        ...

    def delete(self, request: StoredRequest) -> None:
        """The record goes last, so that what fails can be called again."""
        ...


class ForgottenRequests(Protocol):
    """Notes of deleted requests, for runs that have seen them."""

    def add(self, request: Forgotten) -> None: ...

    def all(self) -> list[Forgotten]: ...


class LearnedTexts(Protocol):
    """What learning keeps."""

    def forget(self, requests: "Sequence[Forgotten]", under_way: str | None = None) -> Removed:
        """Removes what shows one of these requests, but for what belongs to the run `under_way`."""
        ...


class AnswerMemo(Protocol):
    """Answers that were paid for, by the digest of the call; JSON objects."""

    def get(self, key: str) -> JsonObject | None: ...

    def put(self, key: str, entry: JsonObject) -> None:
        """The entry is durable when this returns; raises `StoreError` if it cannot be."""
        ...

    def items(self) -> Iterator[tuple[str, JsonObject]]:
        """Every key with its entry, to sum up what was spent."""
        ...


class SpendingCap(Protocol):
    """What may still be spent, shared by everyone who spends."""

    def reserve(self, usd: float) -> None:
        """Sets `usd` aside before a call; raises `BudgetReachedError` if so much is not left."""
        ...

    def settle(self, reserved_usd: float, spent_usd: float) -> None:
        """Turns a reservation into what the call really cost (0 where it was not charged)."""
        ...


class RunFiles(Protocol):
    """Where a run keeps what it makes, by name."""

    def read(self, name: str) -> bytes | None:
        """None where there is no such file."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Whole or not at all; raises `StoreError` where it cannot be written."""
        ...
