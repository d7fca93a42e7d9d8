"""Correct moto's DynamoDB, and make it fast enough for thousands of items: see `install`."""

import copy
import threading
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

Seen = Callable[[str, dict[str, Any]], None]
"""Called with each call's operation and parameters, under the lock."""
ONE_AT_A_TIME = threading.RLock()
"""Held during each call."""


def install(seen: Seen) -> None:
    make_calls_atomic(seen)
    normalize_sums()
    avoid_table_copies()


def make_calls_atomic(seen: Seen) -> None:
    """Run one call at a time: moto restores whole tables after a failed transaction, and would
    undo concurrent writes."""
    call_action = DynamoHandler.call_action

    def call_alone(handler: Any) -> Any:
        with ONE_AT_A_TIME:
            try:
                return call_action(handler)
            finally:
                seen(handler._get_action(), handler.body)

    DynamoHandler.call_action = call_alone


def normalize_sums() -> None:
    """Write 0 for sums such as 0E-12, as DynamoDB does. moto cannot read 0E-12 again."""
    add = DynamoType.__add__

    def add_normalized(one: Any, other: Any) -> Any:
        total = add(one, other)
        total.value = f"{Decimal(total.value).normalize():f}"
        return total

    DynamoType.__add__ = add_normalized


def avoid_table_copies() -> None:
    """Copy only the items that a transaction updates in place.

    To be able to undo a transaction, moto copies the whole table for each write. After some
    hundred requests, that is most of a request's time.
    """
    transact = DynamoDBBackend.transact_write_items

    def transact_without_copies(backend: Any, transact_items: list[dict[str, Any]]) -> None:
        updates = [each["Update"] for each in transact_items if "Update" in each]
        places = [(each["TableName"], each["Key"]) for each in updates]
        before = [(table, copy.deepcopy(backend.get_item(table, key))) for table, key in places]
        try:
            transact(backend, transact_items)
        except Exception:
            for table, item in before:
                if item is not None:
                    put_back(backend.get_table(table), item)
            raise

    Table.__deepcopy__ = copy_without_items
    DynamoDBBackend.transact_write_items = transact_without_copies


def copy_without_items(table: Any, _: dict[int, Any]) -> Any:
    """Return a table with its own collection of the same item objects."""
    other = copy.copy(table)
    keep = dict if table.has_range_key else lambda item: item
    other.items = defaultdict(dict, {key: keep(of) for key, of in table.items.items()})
    return other


def put_back(table: Any, item: Any) -> None:
    if table.has_range_key:
        table.items[item.hash_key][item.range_key] = item
    else:
        table.items[item.hash_key] = item
