"""Faults as data: what may fail between the router and everything that it calls, and how."""

import json
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

Target = Literal[
    "router", "tier 1", "tier 2", "tier 3", "fallback", "dynamodb", "ssm", "s3", "secretsmanager",
    "sqs",
]  # fmt: skip
MODELS: dict[str, Target] = {
    "router": "router",
    "small": "tier 1",
    "medium": "tier 2",
    "large": "tier 3",
    "small-2": "fallback",
    "gpt-4o-mini": "router",
    "gpt-4.1-nano": "tier 1",
    "gpt-4.1-mini": "tier 2",
    "gpt-4.1": "tier 3",
}
"""Targets by the name of the model that a call names: the tests' own, and those with real prices
that a stack is deployed with."""
STORES: tuple[Target, ...] = ("dynamodb", "ssm", "s3", "secretsmanager", "sqs")
TARGETS: tuple[Target, ...] = (*dict.fromkeys(MODELS.values()), *STORES)


@dataclass(frozen=True, slots=True)
class Kind:
    """How a call fails. `status` answers with an error. `held` says what becomes of the bytes of
    the true answer (for `never`, the call does not reach its target)."""

    name: str
    status: int | None = None
    retry_after: bool = False
    held: Literal["", "never", "reset", "drip", "malformed", "truncated", "renamed"] = ""

    @property
    def is_paid(self) -> bool:
        """Whether the call reaches its target, which answers it."""
        return self.held in ("drip", "truncated", "renamed")

    @property
    def is_whole(self) -> bool:
        """Whether the caller gets the whole answer."""
        return self.held == "renamed"


KINDS = (
    Kind("time-out", held="never"),
    Kind("reset", held="reset"),
    Kind("429 with Retry-After", 429, retry_after=True),
    Kind("429", 429),
    Kind("500", 500),
    Kind("slow drip", held="drip"),
    Kind("malformed", held="malformed"),
    Kind("truncated", held="truncated"),
    Kind("not found", 404),
)
"""Of models and stores."""
OTHER_NAME = Kind("another model's name", held="renamed")
"""Of models alone: the answer says that another model wrote it, which has another price."""


@dataclass(frozen=True, slots=True)
class Fault:
    target: Target
    kind: Kind

    def __str__(self) -> str:
        return f"{self.target}: {self.kind.name}"


SINGLES = (
    *(Fault(target, kind) for target in TARGETS for kind in KINDS),
    *(Fault(target, OTHER_NAME) for target in TARGETS if target not in STORES),
)
Scenario = tuple[Fault, ...]


CASE = re.compile(r"Case (\d+)\.")


def case_of(text: str) -> int | None:
    """Return the number of the request that a model is called for: its query ends with it."""
    found = CASE.findall(text)
    return int(found[-1]) if found else None


def all_pairs() -> Sequence[Scenario]:
    """Return the pairs of faults of different targets."""
    return [(a, b) for a, b in combinations(SINGLES, 2) if a.target != b.target]


def pairs(n: int | None, seed: int) -> Sequence[Scenario]:
    """Return `n` of all pairs, drawn by `seed`; without `n`, all."""
    every = all_pairs()
    return every if n is None else random.Random(seed).sample(every, n)  # noqa: S311 (test data)


def needed_pairs() -> Sequence[Scenario]:
    """Faults of what is only called when something else has failed."""
    by_name = {str(fault): fault for fault in SINGLES}
    first: dict[Target, Fault] = {
        "fallback": by_name["tier 1: 500"], "sqs": by_name["dynamodb: 500"]
    }  # fmt: skip
    return [(first[each.target], each) for each in SINGLES if each.target in first]


def error_body(target: Target, status: int) -> bytes:
    """Return an error as the target writes it."""
    if target == "s3":
        code = {404: "NoSuchBucket", 429: "SlowDown"}.get(status, "InternalError")
        return f"<Error><Code>{code}</Code><Message>scripted</Message></Error>".encode()
    if target in STORES:
        code = {404: "ResourceNotFoundException", 429: "ThrottlingException"}.get(
            status, "InternalServerError"
        )
        return json.dumps({"__type": code, "message": "scripted"}).encode()
    code = {404: "model_not_found", 429: "rate_limit_exceeded"}.get(status, "server_error")
    return json.dumps({"error": {"message": "scripted", "type": code, "code": code}}).encode()
