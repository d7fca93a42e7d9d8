"""Ports: what serving a request needs from the outside world."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from pydantic import JsonValue

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.request_record import RequestRecord
from route_switch.domain.sessions import SessionState
from route_switch.domain.switches import Switches
from route_switch.domain.usage import Usage

JsonObject = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One call to one model.

    `model` is the name without its provider prefix. `messages` are OpenAI chat messages. `params`
    holds every other field of an OpenAI chat completion request (`temperature`, `tools`, …), passed
    on unchanged. `timeout_s` limits the whole call, in seconds. With `stream`, the answer is wanted
    as it is written. `is_cancelled` tells a client that the answer is no longer wanted.
    `before_sending` is called right before the call is sent, and raises `ModelNotCalledError` if
    the caller has given up. `key_id` is the API key whose request it is; None for the owner's own
    calls, such as those of learning.
    """

    model: str
    messages: tuple[JsonObject, ...]
    params: Mapping[str, JsonValue] = field(default_factory=dict)
    timeout_s: float = 27.0
    stream: bool = False
    is_cancelled: Callable[[], bool] = lambda: False
    before_sending: Callable[[], None] = lambda: None
    key_id: str | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an answer, in a form that this product guarantees.

    `delta` holds fields of an OpenAI assistant message; a call that is not streamed yields one
    chunk per choice, whose delta is the whole message. A streamed one yields pieces, in which each
    tool call has an `index`, and a chunk without a delta may carry the usage. `index` is the
    choice's position.
    `provider_usage` is the usage as the provider reported it, if it has OpenAI's form. `extra` and
    `choice_extra` hold the provider's further fields, of the answer and of the choice. `adjusted`
    has a note for each parameter that was changed to fit the model.
    """

    delta: JsonObject
    index: int = 0
    finish_reason: str | None = None
    logprobs: JsonValue = None
    usage: Usage | None = None
    provider_model: str | None = None
    provider_usage: JsonObject | None = None
    system_fingerprint: str | None = None
    extra: JsonObject = field(default_factory=dict)
    choice_extra: JsonObject = field(default_factory=dict)
    adjusted: tuple[str, ...] = ()


class ModelClient(Protocol):
    """Calls the models of one provider."""

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        """Yield the answer. Raise `ModelError` when the call fails."""
        ...


@dataclass(frozen=True, slots=True)
class StoredPrompt:
    """A prompt document in Parameter Store. `version` counts up from 1. `output_ratios` is the JSON
    of the ratios that learning measured, if it was read along with the document."""

    document: str
    version: int
    output_ratios: str | None = None


class PromptStore(Protocol):
    """The live routing prompt, and the seed that each deployment writes."""

    def read_live(self, version: int | None = None) -> StoredPrompt | None:
        """Return the given version, by default the newest."""
        ...

    def read_seed(self) -> StoredPrompt | None: ...

    def put_live(self, document: str) -> int:
        """Write a new version of the live prompt and return its number."""
        ...


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A stored version of the live prompt, with the time and author (an ARN) of the write."""

    document: str
    version: int
    written_at: datetime
    written_by: str


class VersionStore(Protocol):
    """The history of the live prompt."""

    def versions(self) -> tuple[StoredVersion, ...]:
        """Return the stored versions, oldest first; empty when there is no live prompt."""
        ...


class PromptLock(Protocol):
    """Allows one change of the live prompt at a time."""

    def hold(self) -> AbstractContextManager[None]:
        """Hold the lock for the block. Raise `PromptConflictError` if another process holds it."""
        ...


class SwitchStore(Protocol):
    """The owner's runtime switches."""

    def read(self) -> Switches:
        """Raise `ConfigurationError` when the stored switches are invalid."""
        ...


class DayCounters(Protocol):
    """The counters that each request updates, by day (UTC)."""

    def of_days(self, days: Sequence[date]) -> Mapping[date, Mapping[str, float]]:
        """Return an entry for each day, empty without requests. Raise `StoreError`."""
        ...


class KeyStore(Protocol):
    """API keys by hash."""

    def find(self, key_hash: str) -> ApiKey | None: ...


class KeyLimits(Protocol):
    """The use that keys have made of their limits."""

    def count(self, key_id: str, now: datetime, limit: int) -> bool:
        """Count one request in the current minute. Return False when `limit` has been reached."""
        ...

    def reserve(self, key_id: str, at: datetime, usd: float, budget_usd: float) -> bool:
        """Reserve `usd` of the budget of the month of `at`. Return False when less than that is
        left."""
        ...

    def settle(
        self, key_id: str, at: datetime, reserved_usd: float, charged_usd: float, kept_usd: float
    ) -> None:
        """Replace what was reserved `at` that time. `kept_usd` is how much of the charge is not
        known to be spent. Do nothing if the reservation was settled before."""
        ...


class ResultStore(Protocol):
    """Request records, and the counters derived from them."""

    def save(self, record: RequestRecord, expires_at: int) -> None:
        """Store the record until `expires_at` (Unix seconds) and update the counters atomically."""
        ...

    def load(self, request_id: str, key_id: str | None) -> JsonObject | None:
        """Return the record as JSON if this key made the request; `key_id` None matches any key."""
        ...


class SessionStore(Protocol):
    """The states that the last answers of sessions left, kept for a day."""

    def load(self, session_id: str) -> SessionState | None:
        """Raise `StoreError`."""
        ...

    def save(self, session_id: str, state: SessionState, request_id: str) -> None:
        """Store the state that the answer to this request has left. Raise `StoreError`."""
        ...


class TextStore(Protocol):
    """Texts that are too long for a DynamoDB item."""

    def put(self, key: str, text: str) -> None: ...

    def get(self, key: str) -> str | None:
        """Return None when the text does not exist or has expired."""
        ...


class LostRecords(Protocol):
    """The place for records that could not be saved, without their text."""

    def send(self, record: RequestRecord) -> None: ...
