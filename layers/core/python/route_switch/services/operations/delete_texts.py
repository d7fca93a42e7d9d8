"""Deletes requests everywhere their texts were stored, and says what it could not delete.

A run of learning that is under way has copied its examples, and goes on with them: it must not be
stopped for each deletion. A note is left for it (`ForgottenRequests`), so that it makes no prompt
live that shows a deleted request, and its end removes what it holds.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from route_switch.domain.api_keys import ApiKey
from route_switch.domain.learning.learning_ports import (
    ForgottenRequests,
    LearnedTexts,
    StoredRequests,
)
from route_switch.domain.operations.forgotten import Forgotten, StoredRequest, shows_any
from route_switch.domain.ports import StoredVersion
from route_switch.domain.prompt_document import readable_prompt

TIME_S = 18.0
"""After so long nothing new is begun: API Gateway waits for 29 s."""
BATCH = 200
THREADS = 16

HISTORY = (
    "Parameter Store keeps the newest 100 versions, and none of them can be deleted by itself: "
    "delete the parameter as a whole and push the live prompt anew."
)
LIVE = (
    "A demo of it shows this query: remove it with 'route-switch prompt edit'. The version itself "
    "stays in the history. " + HISTORY
)

GoOn = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Remains:
    """What cannot be deleted, and what somebody can do about it."""

    place: str
    what_to_do: str


@dataclass(frozen=True, slots=True)
class Deletion:
    """`complete` is false where time was over before all requests were deleted. The `pending` runs
    of learning may hold texts until they, or the next one, have ended."""

    requests: int
    complete: bool
    pending: tuple[str, ...]
    remains: tuple[Remains, ...]


@dataclass(frozen=True, slots=True)
class DeleteTexts:
    """`learned` gives what learning keeps, to be removed while it is told to go on; `holder` the
    run that is under way; `backup_days` is 0 where there are no backups."""

    requests: StoredRequests
    forgotten: ForgottenRequests
    learned: Callable[[GoOn], LearnedTexts]
    holder: Callable[[], str | None]
    history: Callable[[], Sequence[StoredVersion]]
    backup_days: int
    clock: Callable[[], float] = time.monotonic

    def of_user(self, user: str, key: ApiKey) -> Deletion:
        """Those of the user's requests that the key may delete: its own, or all if it is an
        admin's."""
        return self(self.requests.of_user(user), key)

    def __call__(self, request_ids: Iterable[str], key: ApiKey) -> Deletion:
        """Raises `StoreError` where a store fails; then, or where it is not complete, the same
        call goes on."""
        until = self.clock() + TIME_S
        learned = self.learned(lambda: self.clock() < until)
        prompts: Sequence[StoredVersion] | None = None
        deleted: list[StoredRequest] = []
        pending: set[str] = set()
        complete = True
        for batch in _batches(request_ids):
            complete = self.clock() < until
            if not complete:
                break
            found = self._found(batch, key)
            if prompts is None and any(each.forgotten for each in found):
                prompts = self.history()  # before they are gone: it may fail as well
            pending.update(self._delete(found, learned))
            deleted += found
        seen = [each.forgotten for each in deleted if each.forgotten is not None]
        remains = (*_in_prompts(prompts or (), seen), *self._in_backups(deleted))
        return Deletion(len(deleted), complete, tuple(sorted(pending)), remains)

    def _found(self, request_ids: Sequence[str], key: ApiKey) -> list[StoredRequest]:
        with ThreadPoolExecutor(THREADS) as pool:
            found = pool.map(self.requests.find, request_ids)
            return [
                request
                for request in found
                if request is not None and (key.role == "admin" or request.key_id == key.key_id)
            ]

    def _delete(self, requests: Sequence[StoredRequest], learned: LearnedTexts) -> Sequence[str]:
        """The records last: with them it is known what there is to delete. Pending runs."""
        learnable = [each.forgotten for each in requests if each.forgotten is not None]
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self.forgotten.add, learnable))
            pending = learned.forget(learnable, self.holder()).pending if learnable else ()
            list(pool.map(self.requests.delete, requests))
        return pending

    def _in_backups(self, deleted: Sequence[StoredRequest]) -> list[Remains]:
        if not deleted or not self.backup_days:
            return []
        return [
            Remains(
                "point-in-time backups of the tables",
                f"Nothing: they forget it after {self.backup_days} days. Who restores a table "
                "within these days has to delete again.",
            )
        ]


def _batches(ids: Iterable[str]) -> Iterator[tuple[str, ...]]:
    left = iter(ids)
    while batch := tuple(islice(left, BATCH)):
        yield batch


def _in_prompts(prompts: Sequence[StoredVersion], seen: Sequence[Forgotten]) -> list[Remains]:
    """Versions of the live prompt with a demo that shows one of these requests."""
    newest = max((each.version for each in prompts), default=0)
    return [
        Remains(
            f"version {each.version} of the live prompt",
            LIVE if each.version == newest else HISTORY,
        )
        for each in prompts
        if _shows(each, seen)
    ]


def _shows(version: StoredVersion, seen: Sequence[Forgotten]) -> bool:
    prompt = readable_prompt(version.document)
    return prompt is not None and shows_any(prompt, seen)
