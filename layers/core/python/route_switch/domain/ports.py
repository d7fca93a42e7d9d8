"""What the services need from the outside world to answer requests."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from pydantic import JsonValue

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.request_record import RequestRecord
from route_switch.domain.switches import Switches
from route_switch.domain.usage import Usage

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
    """A piece of an answer, in a form that this product vouches for.

    `delta` holds fields of an OpenAI assistant message; a call that is not streamed yields one
    chunk per choice, whose delta is the whole message. `index` is the choice's position.
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
class StoredVersion:
    """A version that is kept, with when and by whom (an ARN) it was written."""

    document: str
    version: int
    written_at: datetime
    written_by: str


class VersionStore(Protocol):
    """What was live before."""

    def versions(self) -> tuple[StoredVersion, ...]:
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
