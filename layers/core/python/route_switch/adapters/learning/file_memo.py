"""Paid answers: in memory, or in an append-only file with one JSON object per line."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from route_switch.domain.errors import StoreError
from route_switch.domain.ports import JsonObject
from route_switch.domain.reasons import why_unusable

DELETE = "Delete that line, or the file: its answers are paid for again"


class MemoryMemo:
    """Remembers for the lifetime of the process."""

    def __init__(self) -> None:
        self._entries: dict[str, JsonObject] = {}

    def get(self, key: str) -> JsonObject | None:
        return self._entries.get(key)

    def put(self, key: str, entry: JsonObject) -> None:
        self._entries[key] = entry

    def items(self) -> Iterator[tuple[str, JsonObject]]:
        yield from self._entries.items()


class MemoFile:
    """A killed process loses at most the line it was writing: opening the file cuts off an
    incomplete last line. Only one process at a time may have the file open. The file contains
    users' texts, so only its owner can read it.

    Refusals are remembered for the life of the process: the next one asks again, because the
    provider or the settings may have changed since."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._entries: dict[str, JsonObject] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.fdopen(
                os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600), "ab"
            )
            self._lock_out_others()
            self._load()
        except (OSError, ValueError) as error:
            raise StoreError(f"{path} cannot be opened: {why_unusable(error)}") from error

    def get(self, key: str) -> JsonObject | None:
        return self._entries.get(key)

    def put(self, key: str, entry: JsonObject) -> None:
        line = json.dumps({"key": key, **entry}, ensure_ascii=False) + "\n"
        with self._lock:
            try:
                self._file.write(line.encode(errors="surrogatepass"))
                self._file.flush()
            except (OSError, ValueError) as error:  # ValueError: the file was closed
                raise StoreError(
                    f"{self._path} cannot be written: {why_unusable(error)}"
                ) from error
            self._entries[key] = entry

    def items(self) -> Iterator[tuple[str, JsonObject]]:
        yield from self._entries.items()

    def close(self) -> None:
        with suppress(OSError):  # a line could not be written, which `put` has reported
            self._file.close()

    def _lock_out_others(self) -> None:
        import fcntl

        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(
                f"{self._path} is locked: another run uses this folder. Wait for it to end, or "
                "choose another folder."
            ) from error

    def _load(self) -> None:
        whole = 0
        with self._path.open("rb") as lines:
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                key, entry = _parse(line)
                self._entries[key] = entry
                whole += len(line)
        refused = [key for key, entry in self._entries.items() if "refused" in entry]
        for key in refused:
            del self._entries[key]
        os.truncate(self._path, whole)


def _parse(line: bytes) -> tuple[str, JsonObject]:
    """Raise `ValueError` for anything but a whole entry."""
    try:
        entry = json.loads(line.decode(errors="surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it has a broken line. {DELETE}") from error
    key = entry.pop("key", None) if isinstance(entry, dict) else None
    if not isinstance(key, str):
        raise ValueError(f"it has a line without a key. {DELETE}")
    return key, entry
