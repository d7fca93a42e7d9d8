"""Ports of learning, and of deleting the texts it stores. Requests do not load this module."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from route_switch.domain.learning.drift import RoutedDay
from route_switch.domain.learning.held_out_gain import HeldOutGain
from route_switch.domain.learning.learning_run import StartRun
from route_switch.domain.learning.past_request import FeedbackStatus, GivenFeedback, PastRequest
from route_switch.domain.learning.promotion import MIN_ROWS, GateHistory, GateResult
from route_switch.domain.operations.deletion import (
    Claims,
    DeletionNote,
    RemovedTexts,
    StoredRequest,
    UserRequest,
)
from route_switch.domain.ports import JsonObject
from route_switch.domain.request_record import NotReplayable
from route_switch.domain.sampling import Arc


@dataclass(frozen=True, slots=True)
class RoutedRequests:
    """How many routed requests can be replayed, and how many cannot, by reason."""

    replayable: int
    not_replayable: Mapping[NotReplayable, int]


class LearningIndex(Protocol):
    """Finds requests to learn from. The cost grows with the number found, not with traffic."""

    def count(self, days: Sequence[date]) -> RoutedRequests: ...

    def draw(self, days: Sequence[date], arc: Arc) -> list[str]:
        """Return the ids of all replayable requests of these days that are in the arc."""
        ...

    def with_feedback(self, days: Sequence[date], limit: int) -> list[str]:
        """Return the ids of replayable requests of these days that have feedback, newest days
        first."""
        ...


class RoutedDays(Protocol):
    """How each prompt version routed a day's requests."""

    def routed(self, day: date, prompt_version: str) -> RoutedDay:
        """Return zeros when nothing was counted."""
        ...


class LearningRuns(Protocol):
    """Starts learning runs."""

    def start(self, name: str, run: StartRun) -> bool:
        """Return False if a run of this name was started before."""
        ...


class RunHistory(Protocol):
    """Recent learning runs."""

    def ran_for(self, reason: str) -> bool:
        """Whether a run was started for this reason and has not failed."""
        ...


@dataclass(frozen=True, slots=True)
class LoadedRequests:
    """Requests, and the ids of records that cannot be read."""

    requests: tuple[PastRequest, ...]
    unreadable: tuple[str, ...] = ()


class PastRequests(Protocol):
    """Recorded requests by id."""

    def keys(self, request_ids: Sequence[str]) -> Mapping[str, str]:
        """Return the ids of the API keys that sent these requests, without reading their texts.
        Requests that are gone are missing."""
        ...

    def load(self, request_ids: Sequence[str]) -> LoadedRequests:
        """Return the requests in this order, without expired and deleted ones."""
        ...


class FeedbackStore(Protocol):
    """People's feedback on answers."""

    def save_feedback(
        self, request_id: str, key_id: str, feedback: GivenFeedback
    ) -> FeedbackStatus:
        """Store the feedback, replacing any earlier one, if this key made the request and it was
        answered. Store its texts only if the request's own text is available for learning."""
        ...


class StoredRequests(Protocol):
    """Finds and deletes everything that is stored about a request."""

    def find(self, request_id: str) -> StoredRequest | None: ...

    def of_user(self, user: str, key_id: str | None, first: int) -> Iterator[UserRequest]:
        """Yield the requests that named this user, with this key or (None) with any, from part
        `first` on. Do not read those of other keys: they may be many."""
        ...

    def delete(self, request: StoredRequest) -> None:
        """Delete the record last, so that a failed call can be retried."""
        ...


class DeletionNotes(Protocol):
    """Notes about deleted requests, for runs that have already read them."""

    def add(self, request: DeletionNote) -> None: ...

    def all(self) -> list[DeletionNote]: ...


class LearnedTexts(Protocol):
    """The texts that learning stores."""

    def forget(
        self, requests: "Sequence[DeletionNote]", current_run: str | None = None
    ) -> RemovedTexts:
        """Remove everything that shows one of these requests and rests on no other client's, except
        what belongs to the run `current_run`."""
        ...


class ClaimsToDemos(Protocol):
    """The clients whose requests the demos of learned prompts were taken from."""

    def read(self) -> Claims: ...

    def add(self, claims: Claims) -> None:
        """Raise `StoreError` on failure, as `read` does."""
        ...


class AnswerMemo(Protocol):
    """Paid answers as JSON objects, by digest of the call."""

    def get(self, key: str) -> JsonObject | None: ...

    def put(self, key: str, entry: JsonObject) -> None:
        """Store the entry durably before returning. Raise `StoreError` on failure."""
        ...

    def items(self) -> Iterator[tuple[str, JsonObject]]:
        """Yield every key with its entry, to sum up the spending."""
        ...


class SpendingCap(Protocol):
    """Money left to spend, shared by all spenders."""

    def reserve(self, usd: float) -> None:
        """Reserve `usd` before a call. Raise `BudgetReachedError` if less than that is left."""
        ...

    def settle(self, reserved_usd: float, spent_usd: float) -> None:
        """Replace a reservation with the call's actual cost (0 if it was not charged)."""
        ...


class RunFiles(Protocol):
    """A run's files, by name."""

    def read(self, name: str) -> bytes | None:
        """Return None when there is no such file."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Write atomically. Raise `StoreError` on failure."""
        ...

    def update(self, name: str, change: Callable[[bytes | None], bytes]) -> None:
        """Replace the file's content by `change` of it; nothing else writes it in between. `change`
        may be called several times, and the last call counts. Raise `StoreError` on failure."""
        ...


class GateLedger(Protocol):
    """The error budget that gates share, and what they have used of it."""

    def read(self) -> GateHistory: ...

    def look(self, rows: Sequence[HeldOutGain], test: str, min_rows: int = MIN_ROWS) -> GateResult:
        """Count the look, durably, before its verdict is known, and return the verdict. A test that
        has looked before and was not followed by another is not counted again. With fewer than
        `min_rows` fresh rows there is no look."""
        ...
