"""Paid answers in S3, one object each, so that a killed process loses at most the calls in flight.

    answers/of/<example>/<run>/<worker>/<key>
                                        answers to an example, and judgments of them: the rolling
                                        table for later runs. Earlier versions omitted
                                        `of/<example>/`
    work/<run>/calls/<worker>/<key>     everything else, such as refusals, which only the run
                                        itself can use

The key of an object says which run, and which of its workers, paid for it. `<example>` is the
digest of its id, which is the id of its request, so a deletion finds what it has to remove and
nothing else; `owner` stands for examples that are not from traffic. Both prefixes expire.
"""

import json
import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from route_switch.domain.errors import StoreError
from route_switch.domain.learning.conversation_key import digest_of
from route_switch.domain.ports import JsonObject
from route_switch.services.learning.paid_calls import Purpose
from route_switch.services.learning.spending_log import STARTED_SUFFIX

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = logging.getLogger(__name__)

ANSWERS = "answers/"
ANSWERS_OF = f"{ANSWERS}of/"
OWNERS = "owner"
SHARED_PURPOSES = frozenset({Purpose.ANSWER.value, Purpose.JUDGE.value})
FINAL_FIELDS = frozenset({"refused", "text", "vectors"})
"""Any of these fields marks an entry that is written once."""
READ_THREADS = 16


class S3Memo:
    """The `AnswerMemo` of one worker of a run. It finds what any run paid for. `items` are the
    worker's own; with `worker` None, those of the whole run, which must have no other worker then.

    `known` caches answers that this process has read, by place. They never change, so the next
    slice in a warm process reads only what is new.
    """

    def __init__(
        self,
        s3: "S3Client",
        bucket: str,
        run_id: str,
        worker: str | None,
        known: dict[str, JsonObject],
    ) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._run_id = run_id
        self._own = f"work/{run_id}/calls/"
        self._worker = worker
        self._places: dict[str, str] = {}
        self._known = known
        self._notes: dict[str, JsonObject] = {}
        try:
            self._list_answers()
        except (BotoCoreError, ClientError) as error:
            raise StoreError(f"Paid answers cannot be read: {error}") from error

    def get(self, key: str) -> JsonObject | None:
        place = self._places.get(key)
        if place is None:
            return None
        entry = self._known.get(place) or self._notes.get(place) or self._fetch(place)
        if entry is None or ("refused" in entry and not place.startswith(self._own)):
            return None  # a provider that refused a call of another run is asked again
        self._remember(place, entry)
        return entry

    def put(self, key: str, entry: JsonObject) -> None:
        place = self._place(key, entry)
        try:
            self._s3.put_object(Bucket=self._bucket, Key=place, Body=json.dumps(entry).encode())
        except (BotoCoreError, ClientError) as error:
            raise StoreError(f"{place} cannot be written: {error}") from error
        self._places[key] = place
        self._remember(place, entry)

    def items(self) -> Iterator[tuple[str, JsonObject]]:
        for key in self._own_keys():
            if (entry := self.get(key)) is not None:
                yield key, entry

    def _list_answers(self) -> None:
        """List everything, and read what belongs to this worker."""
        for place in (*self._listed(ANSWERS), *self._listed(self._own)):
            key = place.rpartition("/")[2]
            if key not in self._places or self._is_own(place):
                self._places[key] = place
        with ThreadPoolExecutor(READ_THREADS) as pool:
            list(pool.map(self.get, self._own_keys()))

    def _own_keys(self) -> list[str]:
        """Skip the notes of started calls that have their answer: they no longer matter."""
        return [
            key
            for key, place in self._places.items()
            if self._is_own(place)
            and not (
                key.endswith(STARTED_SUFFIX) and key.removesuffix(STARTED_SUFFIX) in self._places
            )
        ]

    def _listed(self, prefix: str) -> Iterable[str]:
        pages = self._s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
            yield from (each["Key"] for each in page.get("Contents", ()))

    def _is_own(self, place: str) -> bool:
        worker = "" if self._worker is None else f"{self._worker}/"
        paid_by = place.removeprefix(ANSWERS)
        if place.startswith(ANSWERS_OF):
            paid_by = place.removeprefix(ANSWERS_OF).partition("/")[2]
        return paid_by.startswith((f"{self._run_id}/{worker}", f"{self._own}{worker}"))

    def _place(self, key: str, entry: JsonObject) -> str:
        known = self._places.get(key)
        if known is not None and self._is_own(known):
            return known
        worker = self._worker or "run"
        if "text" not in entry or entry.get("purpose") not in SHARED_PURPOSES:
            return f"{self._own}{worker}/{key}"
        about = entry.get("about")
        folder = folder_of(about) if isinstance(about, str) else OWNERS
        return f"{ANSWERS_OF}{folder}/{self._run_id}/{worker}/{key}"

    def _remember(self, place: str, entry: JsonObject) -> None:
        """A note that a call was started is overwritten, possibly by the process that resumes the
        run."""
        (self._known if _is_answer(entry) else self._notes)[place] = entry

    def _fetch(self, place: str) -> JsonObject | None:
        """Return None when the object has expired since it was listed."""
        try:
            body = self._s3.get_object(Bucket=self._bucket, Key=place)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return None
        except (BotoCoreError, ClientError) as error:
            raise StoreError(f"{place} cannot be read: {error}") from error
        return _parsed(body, place)


def folder_of(request_id: str) -> str:
    """Return the folder of the answers to an example, and of their judgments."""
    return digest_of(request_id)


def _parsed(body: bytes, place: str) -> JsonObject | None:
    """Return None for a broken object, as if it had expired: its call is paid for again."""
    try:
        entry: JsonObject = json.loads(body)
    except (ValueError, RecursionError):
        entry = {}
    if isinstance(entry, dict) and entry:
        return entry
    logger.warning("%s is broken and is not used", place)
    return None


def _is_answer(entry: JsonObject) -> bool:
    return not entry.keys().isdisjoint(FINAL_FIELDS)
