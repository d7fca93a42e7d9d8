"""What the services need from the outside world."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Protocol

from pydantic import JsonValue

from route_switch.domain.keys import ApiKey
from route_switch.domain.pricing import Usage
from route_switch.domain.record import NotReplayable, RequestRecord
from route_switch.domain.switches import Switches

if TYPE_CHECKING:  # examples are made of what is defined here, and no request loads them
    from route_switch.domain.drift import RoutedDay
    from route_switch.domain.forgotten import Forgotten, Removed, StoredRequest
    from route_switch.domain.learning_run import StartRun
    from route_switch.domain.past_request import Feedback, FeedbackFate, PastRequest
    from route_switch.domain.sampling import Arc

JsonObject = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One call of one model.

    `model` is the name without its provider prefix. `messages` are OpenAI chat messages, and
    `params` every further field of an OpenAI chat completion request (`temperature`, `tools`, …),
    passed on unchanged. `timeout_s` is the time that is left for the whole call, in seconds.
    """

    model: str
    messages: tuple[JsonObject, ...]
    params: Mapping[str, JsonValue] = field(default_factory=dict)
    timeout_s: float = 27.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an answer. `delta` holds message fields in OpenAI's form (`content`, …).

    A call that is not streamed yields one chunk per choice, whose delta is the whole message.
    `usage` comes with the last chunk, and `provider_usage` with it where the provider reports it as
    OpenAI does; `provider_model` is the model that the provider names.
    """

    delta: JsonObject
    index: int = 0
    finish_reason: str | None = None
    logprobs: JsonValue = None
    usage: Usage | None = None
    provider_model: str | None = None
    provider_usage: JsonObject | None = None
    system_fingerprint: str | None = None


class ModelClient(Protocol):
    """Calls models of one provider."""

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        """Yields the answer; raises `ModelError` where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class StoredPrompt:
    """A prompt document as Parameter Store holds it; `version` counts up from 1."""

    document: str
    version: int


class PromptStore(Protocol):
    """The live routing prompt, and the seed that a deploy brings along."""

    def read_live(self, version: int | None = None) -> StoredPrompt | None:
        """The newest version, or this one."""
        ...

    def read_seed(self) -> StoredPrompt | None: ...

    def put_live(self, document: str) -> int:
        """Writes a new version of the live prompt and returns its number."""
        ...


@dataclass(frozen=True, slots=True)
class PromptVersion:
    """A version that is kept, with when and by whom (an ARN) it was written."""

    document: str
    version: int
    written_at: datetime
    written_by: str


class PromptHistory(Protocol):
    """What was live before."""

    def versions(self) -> tuple[PromptVersion, ...]:
        """The kept versions of the live prompt, oldest first; none where it does not exist."""
        ...


class PromptLock(Protocol):
    """Lets one change of the live prompt happen at a time."""

    def hold(self) -> AbstractContextManager[None]:
        """Holds the lock for the block; raises `PromptConflictError` while somebody else does."""
        ...


class SwitchStore(Protocol):
    """What the owner turned off."""

    def read(self) -> Switches:
        """Raises `ConfigurationError` where nobody can tell."""
        ...


class KeyStore(Protocol):
    """API keys by their hash."""

    def find(self, key_hash: str) -> ApiKey | None: ...


class KeyLimits(Protocol):
    """What keys have used of their limits."""

    def count(self, key_id: str, now: datetime, limit: int) -> bool:
        """Counts one request of this minute; False where `limit` of them have been counted."""
        ...

    def set_aside(self, key_id: str, month: str, usd: float, budget_usd: float) -> bool:
        """Sets `usd` of the month's (`YYYY-MM`) budget aside; False where so much is not left."""
        ...

    def settle(self, key_id: str, month: str, usd: float) -> None:
        """Adds to what is taken of the month's budget; less than 0 gives back."""
        ...


class ResultStore(Protocol):
    """Request records with the counters that are derived from them."""

    def save(self, record: RequestRecord, expires_at: int) -> None:
        """Keeps the record until `expires_at` (Unix seconds) and counts it, both or neither."""
        ...

    def load(self, request_id: str, key_id: str | None) -> JsonObject | None:
        """The record as JSON, if this key made the request; None stands for any key."""
        ...


class TextStore(Protocol):
    """Where texts lie that are too long for an item."""

    def put(self, key: str, text: str) -> None: ...

    def get(self, key: str) -> str | None:
        """None where there is no such text (any more)."""
        ...


class LostRecords(Protocol):
    """Where a record goes, without its text, when it could not be saved."""

    def send(self, record: RequestRecord) -> None: ...


@dataclass(frozen=True, slots=True)
class RoutedRequests:
    """How many of the days' routed requests can be replayed, and how many cannot, by reason."""

    replayable: int
    not_replayable: Mapping[NotReplayable, int]


class LearningIndex(Protocol):
    """Finds requests to learn from at a cost that grows with what is found, not with traffic."""

    def count(self, days: Sequence[date]) -> RoutedRequests: ...

    def draw(self, days: Sequence[date], arc: "Arc") -> list[str]:
        """Ids of all replayable requests of these days that lie in the arc."""
        ...

    def with_feedback(self, days: Sequence[date], limit: int) -> list[str]:
        """Ids of replayable requests of these days that have feedback, newest days first."""
        ...


class RoutedDays(Protocol):
    """What each version of the prompt did with the requests of a day."""

    def routed(self, day: date, prompt_version: str) -> "RoutedDay":
        """Zeros where nothing was counted."""
        ...


class LearningRuns(Protocol):
    """Starts learning."""

    def start(self, name: str, run: "StartRun") -> bool:
        """False if a run of this name has been started before."""
        ...


class RunHistory(Protocol):
    """Learning runs of the last time."""

    def ran_for(self, reason: str) -> bool:
        """Whether a run was started for this reason, and has not failed."""
        ...


class PastRequests(Protocol):
    """Recorded requests by id."""

    def load(self, request_ids: Sequence[str]) -> "list[PastRequest]":
        """In this order; those that have expired, or were deleted, are left out."""
        ...


class FeedbackStore(Protocol):
    """What people said about answers."""

    def save_feedback(self, request_id: str, key_id: str, feedback: "Feedback") -> "FeedbackFate":
        """Keeps it in place of any earlier one, if this key made such a request and it was
        answered; its texts only where the request's own text is there to learn from."""
        ...


class StoredRequests(Protocol):
    """Requests with everything that is kept of them, to be deleted."""

    def find(self, request_id: str) -> "StoredRequest | None": ...

    def of_user(self, user: str) -> Iterator[str]:
        """Ids of the requests that named this user, of all keys."""
        ...

    def delete(self, request: "StoredRequest") -> None:
        """The record goes last, so that what fails can be called again."""
        ...


class ForgottenRequests(Protocol):
    """Notes of deleted requests, for runs that have seen them."""

    def add(self, request: "Forgotten") -> None: ...

    def all(self) -> "list[Forgotten]": ...


class LearnedTexts(Protocol):
    """What learning keeps."""

    def forget(self, requests: "Sequence[Forgotten]", under_way: str | None = None) -> "Removed":
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
