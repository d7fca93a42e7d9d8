"""Save what changes in a running stack, so that the next one continues with it."""

import json
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from local.aws.errors import LocalStackError
from local.aws.moto_data import StackData, Stamps
from local.aws.moto_dynamodb import ONE_AT_A_TIME
from local.aws.state_file import FRESH, Entries, Key, StateFile

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PAUSE_S = 0.5
"""Time between a change and its saving, in which more changes collect. A killed stack loses it."""
KEYS: Key = ("keys", "", "")
"""The plain-text keys, as JSON by role: they are printed again at the next start."""
READS = ("Get", "BatchGet", "TransactGet", "Query", "Scan", "Describe", "List")
ITEM_WRITES = ("PutItem", "UpdateItem", "DeleteItem")
Changes = dict[Key, bytes | None]


class Saver:
    """Loads a file into a stack and then saves each change, in a thread of its own."""

    def __init__(self, file: StateFile) -> None:
        """Raise `LocalStackError` if the file cannot be read."""
        self._file = file
        self._found = file.read()
        self._data: StackData | None = None
        self._changed, self._stopping = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._items: set[tuple[str, str]] = set()
        """Changed items: physical table and key."""
        self._tables: set[str] = set()
        """Tables that may have changed anywhere."""
        self._parameters: Entries = {}
        self._stamps: Stamps = {}
        """Parameters and objects as last seen."""
        self._pending: Changes = {}
        """What is not in the file yet."""

    def load(self, data: StackData) -> dict[str, str] | None:
        """Load the file's content into the stack. Return its keys; None if there is no file."""
        if not self._found:
            return None
        if KEYS not in self._found:
            raise LocalStackError(f"The saved state {self._file.path} has no keys. {FRESH}.")
        data.load(self._found)
        self._parameters = data.parameters()
        self._stamps = {k: stamp for k, stamp in data.stamps().items() if k in self._found}
        keys: dict[str, str] = json.loads(self._found[KEYS])
        return keys

    def begin(self, data: StackData, keys: dict[str, str]) -> None:
        """Save everything that the file lacks, and from now on every change."""
        self._pending = {KEYS: json.dumps(keys).encode(), **data.secrets()}
        with ONE_AT_A_TIME:
            for logical_id, table in data.tables().items():
                if ("table", logical_id, "") not in self._found:
                    self._pending |= data.all_items(logical_id, table)
            self._data = data
        self._found = {}
        self._save(data)
        self._thread = threading.Thread(target=self._run, args=[data], name="saver", daemon=True)
        self._thread.start()

    def seen(self, operation: str, call: dict[str, Any]) -> None:
        """Note the items that a call to DynamoDB may have changed. Called under DynamoDB's lock."""
        if self._data is None or operation.startswith(READS):
            return
        try:
            for table, attributes in written(operation, call):
                self._items.add((table, self._data.key_of(table, attributes)))
        except Exception:  # an unusual way to write, or an invalid call
            self._tables |= set(self._data.tables().values())
        self._changed.set()

    def watch(self, app: "WSGIApplication") -> "WSGIApplication":
        """Return the app, with a notice of each call that may change an object or a parameter."""

        def watched(environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
            answer = app(environ, start)
            operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
            if environ["REQUEST_METHOD"] not in ("GET", "HEAD") and not operation.startswith(READS):
                self._changed.set()
            return answer

        return watched

    def stop(self) -> None:
        """Save the last changes."""
        self._stopping.set()
        self._changed.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self, data: StackData) -> None:
        while not self._stopping.is_set():
            self._changed.wait()
            self._stopping.wait(PAUSE_S)
            self._changed.clear()
            try:
                self._save(data)
            except Exception as error:  # the next attempt may succeed, for example on a full disk
                sys.stderr.write(f"The state is not saved in {self._file.path}: {error}\n")

    def _save(self, data: StackData) -> None:
        with ONE_AT_A_TIME:
            self._collect_items(data)
        self._collect_others(data)
        if self._pending:
            self._file.write(self._pending)
            self._pending = {}

    def _collect_items(self, data: StackData) -> None:
        logical = {table: logical_id for logical_id, table in data.tables().items()}
        for table in self._tables & logical.keys():
            self._pending |= dict.fromkeys(self._file.keys("item", logical[table]))
            self._pending |= data.all_items(logical[table], table)
        for table, key in self._items:
            if table in logical:
                self._pending["item", logical[table], key] = data.item(table, key)
        self._items.clear()
        self._tables.clear()

    def _collect_others(self, data: StackData) -> None:
        parameters, stamps = data.parameters(), data.stamps()
        self._pending |= dict.fromkeys(self._parameters.keys() - parameters.keys())
        self._pending |= dict.fromkeys(self._stamps.keys() - stamps.keys())
        self._pending |= {k: v for k, v in parameters.items() if self._parameters.get(k) != v}
        for key, stamp in stamps.items():
            if self._stamps.get(key) != stamp:
                self._pending[key] = data.object(key)
        self._parameters, self._stamps = parameters, stamps


def written(operation: str, call: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the table and the key (or whole item) of each write in a call to DynamoDB.

    Raise `KeyError` for operations that write in another way.
    """
    if operation == "BatchWriteItem":
        for table, requests in call["RequestItems"].items():
            for request in requests:
                for part in request.values():
                    yield table, part["Key"] if "Key" in part else part["Item"]
    elif operation == "TransactWriteItems":
        for each in call["TransactItems"]:
            for part in each.values():
                yield part["TableName"], part["Key"] if "Key" in part else part["Item"]
    elif operation in ITEM_WRITES:
        yield call["TableName"], call["Key"] if "Key" in call else call["Item"]
    else:
        raise KeyError(operation)
