"""Evaluate identity-based IAM policies: actions, resources and conditions.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from local.aws.errors import LocalStackError

Values = tuple[str, ...]
KNOWN_KEYS = frozenset(
    {"dynamodb:attributes", "dynamodb:leadingkeys", "dynamodb:select", "s3:prefix"}
)
"""Condition keys that `local.aws.actions` reads from requests, in lower case."""

STATEMENT_KEYS = {"Sid", "Effect", "Action", "Resource", "Condition"}


class UnsupportedRequestError(LocalStackError):
    """A policy or a request uses something that this evaluator does not support."""


@dataclass(frozen=True)
class Access:
    """One action on one resource. A request may need several, and permission for each."""

    action: str
    resource: str
    conditions: Mapping[str, Values] = field(default_factory=dict)
    """The request's values by condition key; keys in lower case."""


@dataclass(frozen=True)
class Condition:
    """One operator for one key, such as ForAllValues:StringLike on dynamodb:LeadingKeys."""

    operator: str
    quantifier: str
    if_exists: bool
    key: str
    wanted: Values

    def holds(self, access: Access) -> bool:
        if self.key not in KNOWN_KEYS:
            raise UnsupportedRequestError(
                f"A policy has a condition on {self.key}, which the local stack does not read from "
                "requests. Add it to local/aws/policies.py (KNOWN_KEYS) and local/aws/actions.py."
            )
        found = access.conditions.get(self.key)
        if self.operator == "Null":
            return self.wanted == (("true",) if found is None else ("false",))
        if found is None:  # without values, ForAllValues is true, as in AWS
            return self.if_exists or self.quantifier == "ForAllValues"
        combine = all if self.quantifier == "ForAllValues" else any
        matches = OPERATORS[self.operator]
        return combine(any(matches(value, wanted) for wanted in self.wanted) for value in found)


@dataclass(frozen=True)
class Statement:
    """A statement of a policy, with patterns for its actions and resources."""

    allows: bool
    actions: "re.Pattern[str]"
    resources: "re.Pattern[str]"
    conditions: tuple[Condition, ...]

    def applies(self, access: Access) -> bool:
        return (
            self.actions.fullmatch(access.action) is not None
            and self.resources.fullmatch(access.resource) is not None
            and all(condition.holds(access) for condition in self.conditions)
        )


def is_like(value: str, pattern: str) -> bool:
    return wildcards(pattern).fullmatch(value) is not None


OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "Null": lambda *_: False,  # `Condition.holds` evaluates it
    "StringEquals": str.__eq__,
    "StringLike": is_like,
}


def denial_reason(documents: Iterable[str], access: Access) -> str | None:
    """Return the reason in AWS's words if these policies deny the access; None if they allow it."""
    applying = [
        statement
        for document in documents
        for statement in parse_policy(document)
        if statement.applies(access)
    ]
    if not all(statement.allows for statement in applying):
        return "with an explicit deny in an identity-based policy"
    if not applying:
        return f"because no identity-based policy allows the {access.action} action"
    return None


@lru_cache(maxsize=512)
def parse_policy(document: str) -> tuple[Statement, ...]:
    """Parse a policy. The cache key is its text, so a changed policy is parsed again."""
    statements = as_list(json.loads(document)["Statement"])
    return tuple(parse_statement(statement) for statement in statements)


def parse_statement(statement: Mapping[str, Any]) -> Statement:
    if unknown := statement.keys() - STATEMENT_KEYS:
        raise UnsupportedRequestError(
            f"A policy's statement has {', '.join(sorted(unknown))}, which the local stack does "
            "not evaluate. Add it to local/aws/policies.py."
        )
    conditions = (
        parse_condition(operator, key, as_list(wanted))
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )
    return Statement(
        allows=statement["Effect"] == "Allow",
        actions=wildcards(*as_list(statement["Action"]), flags=re.IGNORECASE),
        resources=wildcards(*as_list(statement["Resource"])),
        conditions=tuple(conditions),
    )


def parse_condition(operator: str, key: str, wanted: Sequence[object]) -> Condition:
    quantifier, _, name = operator.rpartition(":")
    plain = name.removesuffix("IfExists")
    if plain not in OPERATORS or quantifier not in {"", "ForAllValues", "ForAnyValue"}:
        raise UnsupportedRequestError(
            f"A policy has a condition with {operator}, which the local stack does not evaluate. "
            "Add it to local/aws/policies.py."
        )
    # A template may have a boolean where AWS expects a string.
    values = tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in wanted)
    return Condition(plain, quantifier, plain != name, key.lower(), values)


@lru_cache(maxsize=4096)
def wildcards(*patterns: str, flags: re.RegexFlag = re.NOFLAG) -> "re.Pattern[str]":
    """Compile patterns into one that matches if any does. `*` is any text, `?` any character."""
    for pattern in patterns:
        if "${" in pattern:
            raise UnsupportedRequestError(
                f"A policy has a variable in {pattern}, which the local stack does not evaluate. "
                "Add it to local/aws/policies.py."
            )
    quoted = (re.escape(each).replace(r"\*", ".*").replace(r"\?", ".") for each in patterns)
    return re.compile("|".join(quoted), flags | re.DOTALL)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
