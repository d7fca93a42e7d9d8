"""Correct moto's DynamoDB, and make it fast enough for thousands of items: see `install`."""

import copy
import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from weakref import WeakKeyDictionary

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing import validators
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, Node
from moto.dynamodb.responses import DynamoHandler

Seen = Callable[[str, dict[str, Any]], None]
"""Called with each call's operation and parameters, under the lock."""
ONE_AT_A_TIME = threading.RLock()
"""Held during each call."""


def install(seen: Seen) -> None:
    make_calls_atomic(seen)
    normalize_sums()
    make_faster()


def make_faster() -> None:
    """Make transactions and updates faster, with the same results."""
    avoid_table_copies()
    sort_scans_faster()
    check_updates_faster()


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
    """Copy only the items that a transaction names.

    To be able to undo a transaction, moto copies the whole table for each of its writes. The time
    of a request would grow with all requests before it.
    """
    transact = DynamoDBBackend.transact_write_items
    copy_table = getattr(Table, "__deepcopy__", None)

    def transact_without_copies(backend: Any, transact_items: list[dict[str, Any]]) -> None:
        writes = (write for each in transact_items for write in each.values())
        before = [kept for write in writes if (kept := Before.of(backend, write)) is not None]
        Table.__deepcopy__ = lambda table, _: table
        try:
            transact(backend, transact_items)
        except Exception:
            for kept in before:
                kept.put_back()
            raise
        finally:
            del Table.__deepcopy__

    if copy_table is not None:
        raise NotImplementedError(
            "moto's tables have a __deepcopy__ of their own now. Adapt avoid_table_copies to it."
        )
    DynamoDBBackend.transact_write_items = transact_without_copies


@dataclass(frozen=True, slots=True)
class Before:
    """An item as it was before a transaction; None if there was none. `hash_key` and `range_key`
    are DynamoDB's values."""

    table: Any
    hash_key: DynamoType
    range_key: DynamoType | None
    item: Any

    @classmethod
    def of(cls, backend: Any, write: dict[str, Any]) -> "Before | None":
        """Return None for a write that moto refuses: without a table, or without keys."""
        table = backend.tables.get(write.get("TableName"))
        values = write.get("Key") or write.get("Item") or {}
        names = [] if table is None else table.table_key_attrs
        if table is None or not values.keys() >= set(names):
            return None
        found = backend.get_item(table.name, {name: values[name] for name in names})
        keys = [DynamoType(values[name]) for name in names]
        return cls(table, keys[0], keys[1] if len(keys) > 1 else None, copy.deepcopy(found))

    def put_back(self) -> None:
        ORDERS.pop(self.table, None)
        of_table, (key, of_hash) = self.table.items, (self.hash_key, self.range_key)
        if of_hash is not None:
            of_table, key = of_table[self.hash_key], of_hash
        if self.item is not None:
            of_table[key] = self.item
        else:
            of_table.pop(key, None)


def sort_scans_faster() -> None:
    """Sort by values, and only when items came or went. moto sorts by the values' wrappers, for
    each page of a scan: the pages of 350,000 items took 13 minutes."""

    def all_items(table: Any) -> list[Any]:
        order = ORDERS.get(table)
        if order is None or order.items is not table.items:
            by_hash = table.items.values()
            found = (i for e in by_hash for i in e.values()) if table.has_range_key else by_hash
            order = ORDERS[table] = Order(table.items, sorted(found, key=values_of_keys))
        return order.ordered.copy()

    Table.all_items = all_items
    Table.put_item = forgetting_order(Table.put_item)
    Table.delete_item = forgetting_order(Table.delete_item)


@dataclass(frozen=True, slots=True)
class Order:
    """The items of a table in their order, and the dictionary that they are from: moto puts another
    one in its place to restore a backup."""

    items: Any
    ordered: list[Any]


ORDERS: WeakKeyDictionary[Any, Order] = WeakKeyDictionary()


def forgetting_order(change: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(change)
    def changed(table: Any, *arguments: Any, **named: Any) -> Any:
        ORDERS.pop(table, None)
        return change(table, *arguments, **named)

    return changed


def values_of_keys(item: Any) -> tuple[Any, Any]:
    return item.hash_key.cast_value, item.range_key.cast_value if item.range_key else None


def check_updates_faster() -> None:
    """Check update expressions without needless work.

    moto copies the tree of an expression, and walks through the copy ten times. One walk counts the
    clauses below every node, which takes the square of the additions; the root's counts include all
    others. And every walk asks at each node whether its class is one of some abstract classes,
    which depends on the classes alone. For the 17 counters of a request, that was most of the
    request's time.
    """
    count = validators.ActionCountValidator.verify_action_counts

    def count_once(validator: Any, node: Any) -> Any:
        return count(validator, node) if node.parent is None else node

    validators.ActionCountValidator.verify_action_counts = count_once
    DepthFirstTraverser.traverse_node_recursively = walk
    validators.deepcopy = copied


def copied(value: Any) -> Any:
    """Do what `copy.deepcopy` does, which takes ten times as long for a tree of nodes."""
    is_tree = isinstance(value, Node) and value.parent is None
    return copied_tree(value) if is_tree else copy.deepcopy(value)


def copied_tree(node: Any) -> Any:
    other = copy.copy(node)
    other.children = None if node.children is None else list(map(copied_child, node.children))
    for child in other.children or ():
        if is_a(type(child), (Node,)):
            child.parent = other
    return other


def copied_child(child: Any) -> Any:
    return copied_tree(child) if is_a(type(child), (Node,)) else copy.deepcopy(child)


def walk(walker: Any, node: Any, child_id: int = -1) -> Any:
    """Process the children, then the node, and put the result in the node's place."""
    if not is_a(type(node), (Node,)):
        return node
    parent = node.parent
    for number, child in enumerate(node.children or ()):
        walker.pre_processing_of_child(node, number)
        walk(walker, child, number)
    if is_a(type(node), processed_by(walker)):
        node = walker.process(node)
        node.parent = parent
        if parent:
            parent.children[child_id] = node
    return node


def processed_by(walker: Any) -> tuple[type, ...]:
    """Return the classes of nodes that all walkers of this class process."""
    kinds = PROCESSED.get(type(walker))
    if kinds is None:
        kinds = PROCESSED[type(walker)] = walker.nodes_to_be_processed()
    return kinds


def is_a(kind: type, kinds: tuple[type, ...]) -> bool:
    known = IS_A.get((kind, kinds))
    if known is None:
        known = IS_A[kind, kinds] = issubclass(kind, kinds)
    return known


PROCESSED: dict[type, tuple[type, ...]] = {}
IS_A: dict[tuple[type, tuple[type, ...]], bool] = {}
