"""The clients whose requests the demos of learned prompts were taken from, in one file of the
learning bucket.

It holds digests of demos, ids of clients and times, and no text (`domain.operations.deletion`). The
packaged prompt's demos are always the owner's.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.learning.learning_ports import RunFiles
from route_switch.domain.operations.deletion import (
    OWNER,
    Claims,
    DeletionNote,
    keys_of_demos,
    without_withdrawn,
)

CLAIMS = "demo-claims.json"


@dataclass(frozen=True, slots=True)
class DemoClaims:
    """`files` are the bucket's. Every method raises `StoreError` on failure."""

    files: RunFiles

    def read(self) -> Claims:
        packaged = {key: {OWNER: 0.0} for key in keys_of_demos(packaged_prompt())}
        return _joined(_parse(self.files.read(CLAIMS)), packaged)

    def add(self, claims: Claims) -> None:
        """Add claims. Of two by the same client, the later one counts."""
        self.files.update(CLAIMS, lambda content: _as_json(_joined(_parse(content), claims)))

    def withdraw(self, notes: Sequence[DeletionNote]) -> frozenset[str]:
        """Withdraw the claims of deleted requests. Return the digests of their demos."""
        before = self.read()
        after = without_withdrawn(before, notes)
        lost = frozenset(key for key, each in before.items() if after[key].keys() != each.keys())
        if lost:
            self.files.update(
                CLAIMS, lambda content: _as_json(without_withdrawn(_parse(content), notes))
            )
        return lost


def _joined(one: Claims, another: Claims) -> Claims:
    joined = {key: dict(each) for key, each in one.items()}
    for key, claims in another.items():
        known = joined.setdefault(key, {})
        for client, since in claims.items():
            known[client] = max(since, known.get(client, since))
    return joined


def _parse(content: bytes | None) -> Claims:
    claims: Claims = json.loads(content or b"{}")
    return claims


def _as_json(claims: Claims) -> bytes:
    return json.dumps(claims, sort_keys=True).encode()
