"""How much of a run's money the requests of one client may take.

A learning run pays for each example on every tier, so a few very long requests of one client can
use up the month's budget before a candidate is measured. Such a client's examples are thinned out
at random, and those that stay weigh more: the sample stays unbiased, and the client's queries count
as much as before.

A few requests of others, such as the owner's first tries, say little about what a request should
cost: then all examples stay.
"""

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from route_switch.domain.clients import key_of
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.quantities import MAX_WEIGHT
from route_switch.domain.tokens import estimate_tokens
from route_switch.services.learning.input_tokens import read_tokens

MAX_COST_SHARE = 0.25
"""The most that one client's examples may cost, as a share of what all others cost..."""
MAX_COST_RATIO = 5.0
"""...or, if that is more, how many times the others' mean cost its own mean may be."""
LEAST_COMPARED = 30
"""Examples of others that a comparison needs."""
LEAST_KEPT = 0.01
OUTPUT_WEIGHT = 5.0
"""A token of output costs about five times one of input."""


def thin_costly(
    examples: Sequence[Example], trusted_keys: frozenset[str] = frozenset()
) -> tuple[tuple[Example, ...], int]:
    """Return the examples without those that were thinned out, and how many these are.

    Clients are keys, or the users of the only key. Examples that several clients asked stay, and so
    do those of the owner and of keys that the owner trusts.
    """
    clients = _clients(examples)
    costs: dict[str, list[float]] = defaultdict(list)
    for example, client in zip(examples, clients, strict=True):
        costs[client].append(relative_cost(example))
    kept_share = _kept_shares(costs)
    found = []
    for example, client in zip(examples, clients, strict=True):
        share = 1.0 if key_of(client) in trusted_keys else kept_share.get(client, 1.0)
        if _place(example.id) < share:
            found.append(example if share == 1.0 else weighing(example, 1 / share))
    return tuple(found), len(examples) - len(found)


def relative_cost(example: Example) -> float:
    """Estimate the cost of a replay, in tokens of input."""
    results = example.models.values()
    output = max((r.output_tokens for r in results if r.output_tokens is not None), default=0)
    tools = estimate_tokens(json.dumps(example.params.get("tools")))
    return read_tokens(example.messages) + tools + OUTPUT_WEIGHT * output


def _kept_shares(costs: dict[str, list[float]]) -> dict[str, float]:
    """Return the share of examples to keep, by client."""
    total, count = math.fsum(map(math.fsum, costs.values())), sum(map(len, costs.values()))
    shares = {}
    for client, own in costs.items():
        others_cost, others = total - math.fsum(own), count - len(own)
        if client and others >= LEAST_COMPARED and others_cost > 0:
            allowed = others_cost * max(MAX_COST_SHARE, MAX_COST_RATIO * len(own) / others)
            shares[client] = min(1.0, max(LEAST_KEPT, allowed / math.fsum(own)))
    return shares


def _clients(examples: Sequence[Example]) -> list[str]:
    """Return the one client that asked each example; empty if there are several, or none."""
    keys = {key_of(client) for example in examples for client in example.asked_by}
    by_user = len(keys) == 1
    return [
        _only(client if by_user else key_of(client) for client in example.asked_by)
        for example in examples
    ]


def _only(clients: Iterable[str]) -> str:
    found = set(clients)
    return found.pop() if len(found) == 1 else ""


def _place(example_id: str) -> float:
    """Return a number from 0 to 1, the same in every run, so that examples already paid for are
    drawn again."""
    digest = hashlib.sha256(f"cost {example_id}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def weighing(example: Example, times: float) -> Example:
    """Return the example with `times` times its weight. Training-only examples are not a sample, so
    their weight stays."""
    if example.train_only:
        return example
    weights = {client: min(w * times, MAX_WEIGHT) for client, w in example.asked_by.items()}
    weight = min(example.weight * times, MAX_WEIGHT)
    return example.model_copy(update={"weight": weight, "asked_by": weights})
