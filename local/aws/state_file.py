"""The file that keeps a stack's data while the stack is down: `.local/state/state.db` (SQLite).

A change is written completely or not at all, even if the process is killed or the power fails.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from local.aws.errors import LocalStackError

FORMAT = "1"
"""Change it with the meaning of entries, here or in moto_data.py: older files are then refused."""
FRESH = "Start over with 'make up FRESH=1', which deletes it"

Key = tuple[str, str, str]
"""Kind, owner and name of an entry; see moto_data.py."""
Entries = dict[Key, bytes]
FORMAT_KEY: Key = ("file", "", "format")
CREATE = """
CREATE TABLE IF NOT EXISTS entries (
  kind TEXT, owner TEXT, name TEXT, value BLOB NOT NULL, PRIMARY KEY (kind, owner, name)
) WITHOUT ROWID
"""


class StateFile:
    """Only its owner can read it, because it contains keys."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Entries:
        """Return all entries; none if there is no file. Raise if this version cannot read it."""
        if not self.path.exists():
            return {}
        try:
            with self._connection() as connection:
                rows = connection.execute("SELECT kind, owner, name, value FROM entries")
                entries: Entries = {(kind, owner, name): value for kind, owner, name, value in rows}
        except sqlite3.Error as error:
            raise LocalStackError(
                f"The saved state {self.path} cannot be read: {error}. {FRESH}."
            ) from error
        found = entries.pop(FORMAT_KEY, b"").decode()
        if found != FORMAT:
            raise LocalStackError(
                f"The saved state {self.path} has format {found or 'unknown'}, but this version of "
                f"route-switch reads format {FORMAT}. {FRESH}, or run the version that wrote it."
            )
        return entries

    def write(self, changes: Mapping[Key, bytes | None]) -> None:
        """Add or replace entries, and delete those that are None, all in one step."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.touch(mode=0o600)
        gone = [key for key, value in changes.items() if value is None]
        kept = [(*key, value) for key, value in changes.items() if value is not None]
        with self._connection() as connection:
            connection.execute(CREATE)
            connection.executemany(
                "DELETE FROM entries WHERE kind = ? AND owner = ? AND name = ?", gone
            )
            connection.executemany(
                "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)",
                [*kept, (*FORMAT_KEY, FORMAT.encode())],
            )

    def delete(self) -> None:
        for suffix in ("", "-journal"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def keys(self, kind: str, owner: str) -> list[Key]:
        """Return the keys of an owner's entries."""
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT kind, owner, name FROM entries WHERE kind = ? AND owner = ?", (kind, owner)
            )
            return [(kind, owner, name) for kind, owner, name in rows]

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            yield connection
