"""Delete requests wherever their texts are stored, and report what could not be deleted.

A learning run in progress has copied its examples and continues with them: a deletion must not stop
it. Instead the run gets a note (`DeletionNotes`), so that it promotes no prompt that shows a
deleted request, and removes its copies when it ends.

The answer to a client key says nothing about other keys: of the prompts that show the text, it
lists those for which the key's own requests were used.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.learning.learning_ports import (
    DeletionNotes,
    LearnedTexts,
    StoredRequests,
)
from route_switch.domain.operations.deletion import (
    RemovedTexts,
    StoredRequest,
    UserRequest,
    shows_any,
)
from route_switch.domain.ports import StoredVersion
from route_switch.domain.prompt_document import readable_prompt

TIME_LIMIT_S = 18.0
"""Start nothing new after this: API Gateway waits for 29 s."""
BATCH_SIZE = 200
DELETE_THREADS = 16

OLD_VERSION_ADVICE = (
    "Parameter Store keeps the newest 100 versions and cannot delete a single one: delete the "
    "whole parameter and push the live prompt again."
)
LIVE_VERSION_ADVICE = (
    "One of its demos shows this query: remove it with 'route-switch prompt edit'. The version "
    "itself stays in the history. " + OLD_VERSION_ADVICE
)

KeepGoing = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class UndeletedCopy:
    """A copy that could not be deleted, and what to do about it."""

    place: str
    what_to_do: str


@dataclass(frozen=True, slots=True)
class Deletion:
    """`unfinished_part` is where to continue when the time limit was reached before all requests
    were deleted. The `pending` learning runs may hold texts until they, or the next run, have
    ended."""

    requests: int
    unfinished_part: int | None
    pending: tuple[str, ...]
    remains: tuple[UndeletedCopy, ...]

    @property
    def complete(self) -> bool:
        return self.unfinished_part is None


@dataclass(frozen=True, slots=True)
class DeleteTexts:
    """`learned` returns the texts that learning stores; deleting them stops when the given
    `KeepGoing` returns False. `holder` returns the run in progress. `backup_days` is 0 without
    backups."""

    requests: StoredRequests
    notes: DeletionNotes
    learned: Callable[[KeepGoing], LearnedTexts]
    holder: Callable[[], str | None]
    history: Callable[[], Sequence[StoredVersion]]
    backup_days: int
    clock: Callable[[], float] = time.monotonic

    def of_user(self, user: str, key: ApiKey, first: int = 0) -> Deletion:
        """Delete the user's requests that the key may delete: its own, or all of them for an admin
        key. Begin with part `first`."""
        key_id = None if key.role == "admin" else key.key_id
        return self._delete_all(self.requests.of_user(user, key_id, first), key)

    def __call__(self, request_id: str, key: ApiKey) -> Deletion:
        return self._delete_all((UserRequest(request_id),), key)

    def _delete_all(self, requests: Iterable[UserRequest], key: ApiKey) -> Deletion:
        """Raise `StoreError` when a store fails. To continue after that, or after an incomplete
        deletion, make the same call again: what was deleted is not read again."""
        until = self.clock() + TIME_LIMIT_S
        learned = self.learned(lambda: self.clock() < until)
        prompts: Sequence[StoredVersion] | None = None
        deleted: list[StoredRequest] = []
        demos: set[str] = set()
        pending: set[str] = set()
        unfinished: int | None = None
        for batch in _batches(requests):
            if self.clock() >= until:
                unfinished = batch[0].part
                break
            found = self._find_deletable([each.request_id for each in batch], key)
            if prompts is None and any(each.note for each in found):
                prompts = self.history()  # read before deleting anything, because this may fail too
            removed = self._delete(found, learned)
            pending.update(removed.pending)
            deleted += found
            demos |= removed.demos
            if key.role == "admin":
                demos.update(digest for each in found if each.note for digest in each.note.keys)
        remains = (*_in_prompts(prompts or (), frozenset(demos)), *self._in_backups(deleted))
        return Deletion(len(deleted), unfinished, tuple(sorted(pending)), remains)

    def _find_deletable(self, request_ids: Sequence[str], key: ApiKey) -> list[StoredRequest]:
        with ThreadPoolExecutor(DELETE_THREADS) as pool:
            found = pool.map(self.requests.find, request_ids)
            return [
                request
                for request in found
                if request is not None and (key.role == "admin" or request.key_id == key.key_id)
            ]

    def _delete(self, requests: Sequence[StoredRequest], learned: LearnedTexts) -> RemovedTexts:
        """Delete the records last, because they say what else there is to delete."""
        learnable = [each.note for each in requests if each.note is not None]
        with ThreadPoolExecutor(DELETE_THREADS) as pool:
            list(pool.map(self.notes.add, learnable))
            removed = learned.forget(learnable, self.holder() if learnable else None)
            list(pool.map(self.requests.delete, requests))
        return removed

    def _in_backups(self, deleted: Sequence[StoredRequest]) -> list[UndeletedCopy]:
        if not deleted or not self.backup_days:
            return []
        return [
            UndeletedCopy(
                "point-in-time backups of the tables",
                f"Nothing: the data leaves them after {self.backup_days} days. After restoring a "
                "table within this time, delete the data again.",
            )
        ]


def _batches(requests: Iterable[UserRequest]) -> Iterator[tuple[UserRequest, ...]]:
    left = iter(requests)
    while batch := tuple(islice(left, BATCH_SIZE)):
        yield batch


def _in_prompts(prompts: Sequence[StoredVersion], demos: frozenset[str]) -> list[UndeletedCopy]:
    """Return the versions of the live prompt with one of these demos."""
    newest = max((each.version for each in prompts), default=0)
    return [
        UndeletedCopy(
            f"version {each.version} of the live prompt",
            LIVE_VERSION_ADVICE if each.version == newest else OLD_VERSION_ADVICE,
        )
        for each in prompts
        if _shows(each, demos)
    ]


def _shows(version: StoredVersion, demos: frozenset[str]) -> bool:
    prompt = readable_prompt(version.document)
    return prompt is not None and shows_any(prompt, demos)
