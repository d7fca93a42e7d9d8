"""The layout of the learning bucket.

seed/examples.jsonl.gz    the owner's examples, which fill up a sample that is too small
gate-history.json         what earlier gates used up
prompts/<version>.json    the artifact behind a version of the live prompt
models/<sha256>.json      the numbers of local models; kept (`adapters.s3_local_models`)
runs/<run>/…              what a run produces: candidate, report, outcomes
work/<run>/…              a run's working files: examples, incumbent, progress; they expire
answers/…                 paid answers of all runs; they expire (`adapters.learning.s3_memo`)
demo-claims.json          whose requests demos were taken from (`adapters.learning.demo_claims`)
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from route_switch.adapters.learning.s3_memo import ANSWERS
from route_switch.adapters.models.deadlines import deadline_in
from route_switch.adapters.s3 import delete_under, folders, objects
from route_switch.domain.errors import StoreError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_TRIES = 10
READ_S = 8.0
"""Time limit for a whole file, on clients whose calls have deadlines (`adapters.whole_calls`)."""
CHANGED_MEANWHILE = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})
EXPIRING = (ANSWERS, "work/")
"""Prefixes that contain users' texts."""
SEED = "seed/examples.jsonl.gz"
EXAMPLES = "examples.jsonl.gz"
KEYS = "keys.json"
"""The keys of the requests that the examples were made from, by their ids, so that a deletion need
not read hundreds of megabytes."""
INCUMBENT = "incumbent.md"
LEAST_STEERED = "least-steered.md"
"""Absent if no version before the incumbent has a steering score."""
WITHDRAWN = "withdrawn.json"
"""Digests of the incumbent's demos whose requests were deleted. The search leaves them out."""
PROGRESS = "progress.json"
CANDIDATE = "candidate.json"


class S3Files:
    """`RunFiles` under a prefix. Reading needs `s3:ListBucket`: without it, S3 answers AccessDenied
    for a missing file, which then looks like a forbidden one."""

    def __init__(self, s3: "S3Client", bucket: str, prefix: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._prefix = prefix

    def read(self, name: str) -> bytes | None:
        key = f"{self._prefix}{name}"
        try:
            with deadline_in(READ_S):
                return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return None
        except (BotoCoreError, ClientError) as error:
            raise StoreError(f"{key} cannot be read: {error}") from error

    def write(self, name: str, content: bytes) -> None:
        key = f"{self._prefix}{name}"
        try:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=content)
        except (BotoCoreError, ClientError) as error:
            raise StoreError(f"{key} cannot be written: {error}") from error

    def update(self, name: str, change: Callable[[bytes | None], bytes]) -> None:
        """Use S3's conditional writes: a write is refused if the file has changed."""
        for _ in range(MAX_TRIES):
            if self._try_to_update(f"{self._prefix}{name}", change):
                return
        raise StoreError(
            f"{self._prefix}{name} cannot be written: others keep changing it. Try again."
        )

    def _try_to_update(self, key: str, change: Callable[[bytes | None], bytes]) -> bool:
        try:
            before, tag = self._read_tagged(key)
            after = change(before)
            if after == before:
                return True
            if tag is None:
                self._s3.put_object(Bucket=self._bucket, Key=key, Body=after, IfNoneMatch="*")
            else:
                self._s3.put_object(Bucket=self._bucket, Key=key, Body=after, IfMatch=tag)
        except ClientError as error:
            if error.response["Error"]["Code"] in CHANGED_MEANWHILE:
                return False
            raise StoreError(f"{key} cannot be updated: {error}") from error
        except BotoCoreError as error:
            raise StoreError(f"{key} cannot be updated: {error}") from error
        return True

    def _read_tagged(self, key: str) -> tuple[bytes | None, str | None]:
        try:
            found = self._s3.get_object(Bucket=self._bucket, Key=key)
        except self._s3.exceptions.NoSuchKey:
            return None, None
        return found["Body"].read(), found["ETag"]


class LearningBucket:
    """The bucket's folders as files."""

    def __init__(self, s3: "S3Client", name: str) -> None:
        self._s3 = s3
        self._name = name

    @property
    def shared(self) -> S3Files:
        return S3Files(self._s3, self._name, "")

    def work(self, run_id: str) -> S3Files:
        return S3Files(self._s3, self._name, f"work/{run_id}/")

    def artifacts(self, run_id: str) -> S3Files:
        return S3Files(self._s3, self._name, f"runs/{run_id}/")

    def runs(self, *prefixes: str) -> list[str]:
        """Return the ids of runs with a folder under any of these prefixes."""
        found = (folders(self._s3, self._name, prefix) for prefix in prefixes)
        return sorted({run for ids in found for run in ids})

    def folders(self, prefix: str) -> list[str]:
        """Return the names of the folders directly under the prefix."""
        return folders(self._s3, self._name, prefix)

    def names(self, prefix: str) -> list[str]:
        """Return the names of the files under the prefix. Read them from `shared`."""
        return objects(self._s3, self._name, prefix)

    def delete(self, prefix: str, keep_going: Callable[[], bool]) -> bool:
        """Return whether everything was deleted. Stop when `keep_going` returns False."""
        return delete_under(self._s3, self._name, prefix, keep_going)
