"""Evaluates identity-based IAM policies: who may do what, to what, under which conditions.

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
KNOWN_KEYS = frozenset({"dynamodb:leadingkeys", "s3:prefix"})
"""Condition keys, in lower case, that `local.aws.actions` finds in requests."""

STATEMENT_KEYS = {"Sid", "Effect", "Action", "Resource", "Condition"}


class UntaughtError(LocalStackError):
    """A policy or a request says something that is not understood here."""


@dataclass(frozen=True)
class Access:
    """One thing that a request does. A request may do several, and needs permission for each."""

    action: str
    resource: str
    conditions: Mapping[str, Values] = field(default_factory=dict)
    """Values of the condition keys that the request has; keys in lower case."""


@dataclass(frozen=True)
class Condition:
    """One operator on one key, such as ForAllValues:StringLike on dynamodb:LeadingKeys."""

    operator: str
    quantifier: str
    if_exists: bool
    key: str
    wanted: Values

    def holds(self, access: Access) -> bool:
        if self.key not in KNOWN_KEYS:
            raise UntaughtError(
                f"A policy has a condition on {self.key}, which is not read from requests here. "
                "Teach local/aws/actions.py to, and name it in local/aws/policies.py."
            )
        found = access.conditions.get(self.key)
        if self.operator == "Null":
            return self.wanted == (("true",) if found is None else ("false",))
        if found is None:  # for all of no values, anything holds, as in AWS
            return self.if_exists or self.quantifier == "ForAllValues"
        combine = all if self.quantifier == "ForAllValues" else any
        matches = OPERATORS[self.operator]
        return combine(any(matches(value, wanted) for wanted in self.wanted) for value in found)


@dataclass(frozen=True)
class Statement:
    """A statement of a policy, with the patterns of its actions and resources."""

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
    "Null": lambda *_: False,  # asks whether there is a value, not which
    "StringEquals": str.__eq__,
    "StringLike": is_like,
}


def why_denied(documents: Iterable[str], access: Access) -> str | None:
    """AWS's words for why these policies do not allow it; None if they do."""
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
    """Kept by its text: a policy that was changed is another one."""
    statements = as_list(json.loads(document)["Statement"])
    return tuple(parse_statement(statement) for statement in statements)


def parse_statement(statement: Mapping[str, Any]) -> Statement:
    if unknown := statement.keys() - STATEMENT_KEYS:
        raise UntaughtError(
            f"A policy's statement has {', '.join(sorted(unknown))}, which is not evaluated here. "
            "Teach local/aws/policies.py to."
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
        raise UntaughtError(
            f"A policy has a condition with {operator}, which is not evaluated here. "
            "Teach local/aws/policies.py to."
        )
    # CloudFormation may leave a boolean where AWS reads a text.
    values = tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in wanted)
    return Condition(plain, quantifier, plain != name, key.lower(), values)


@lru_cache(maxsize=4096)
def wildcards(*patterns: str, flags: re.RegexFlag = re.NOFLAG) -> "re.Pattern[str]":
    """Matches what one of the patterns does: `*` is any text, `?` any character."""
    for pattern in patterns:
        if "${" in pattern:
            raise UntaughtError(
                f"A policy has a variable in {pattern}, which is not evaluated here. "
                "Teach local/aws/policies.py to."
            )
    quoted = (re.escape(each).replace(r"\*", ".*").replace(r"\?", ".") for each in patterns)
    return re.compile("|".join(quoted), flags | re.DOTALL)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
