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
    """Return a table with its own collection of the same item objects.

    `copy.copy` would call `BaseModel.__new__`, which keeps each new model for moto's dashboard.
    Each write would keep a dictionary of all items: memory would grow with the square of writes.
    """
    other = object.__new__(type(table))
    other.__dict__.update(table.__dict__)
    keep = dict if table.has_range_key else lambda item: item
    other.items = defaultdict(dict, {key: keep(of) for key, of in table.items.items()})
    return other


def put_back(table: Any, item: Any) -> None:
    if table.has_range_key:
        table.items[item.hash_key][item.range_key] = item
    else:
        table.items[item.hash_key] = item


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
