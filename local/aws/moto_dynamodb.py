"""Bends moto's DynamoDB to what a table of some thousand items needs: see `install`."""

import copy
import threading
from collections import defaultdict
from decimal import Decimal
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler


def install() -> None:
    make_calls_atomic()
    write_sums_plainly()
    copy_little_for_transactions()


def make_calls_atomic() -> None:
    """One call at a time: moto sets tables aside for a transaction while others write."""
    one_at_a_time = threading.Lock()
    call_action = DynamoHandler.call_action

    def call_alone(handler: Any) -> Any:
        with one_at_a_time:
            return call_action(handler)

    DynamoHandler.call_action = call_alone


def write_sums_plainly() -> None:
    """DynamoDB writes 0 for 0E-12, which moto makes of decimals and cannot read again."""
    add = DynamoType.__add__

    def add_plainly(one: Any, other: Any) -> Any:
        total = add(one, other)
        total.value = f"{Decimal(total.value).normalize():f}"
        return total

    DynamoType.__add__ = add_plainly


def copy_little_for_transactions() -> None:
    """To undo a transaction, moto copies the whole table for each of its writes; after some hundred
    requests that is most of what a request costs. Updates alone change items in place."""
    transact = DynamoDBBackend.transact_write_items

    def transact_cheaply(backend: Any, transact_items: list[dict[str, Any]]) -> None:
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
    DynamoDBBackend.transact_write_items = transact_cheaply


def copy_without_items(table: Any, _: dict[int, Any]) -> Any:
    """A table with the same items, of its own to add to and to take from."""
    other = copy.copy(table)
    keep = dict if table.has_range_key else lambda item: item
    other.items = defaultdict(dict, {key: keep(of) for key, of in table.items.items()})
    return other


def put_back(table: Any, item: Any) -> None:
    if table.has_range_key:
        table.items[item.hash_key][item.range_key] = item
    else:
        table.items[item.hash_key] = item
