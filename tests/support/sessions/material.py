"""The conversations that the simulation plays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.sessions.conversations import AGENT, CHAT, LONG_AGENT, Conversation, pairings
from tests.support.sessions.recorded import mt_bench, tau2
from tests.support.sessions.rows import Row, half_of, packaged_rows, rows_of

KINDS = (("chat", CHAT, 300), ("agent", AGENT, 200), ("long agent", LONG_AGENT, 30))
"""Pairings by kind, with their number."""
RECORDED = ("τ²-bench", "MT-Bench")


@dataclass(frozen=True, slots=True)
class Material:
    """Conversations by name. Constants are chosen on `choosing`, which shares no question with
    `reported`."""

    reported: Mapping[str, Sequence[Conversation]]
    choosing: Mapping[str, Sequence[Conversation]]


def material(folder: Path | None, scale: float = 1.0) -> Material:
    """Draw pairings from the packaged sample, or from `folder`, which also has real conversations.
    `scale` multiplies the number of pairings."""
    rows = packaged_rows() if folder is None else rows_of(folder)
    reported, choosing = (_pairings(half_of(rows, half), scale, half) for half in (0, 1))
    if folder is not None:
        reported |= dict(zip(RECORDED, (tau2(folder), mt_bench(folder)), strict=True))
    return Material(reported, choosing)


def _pairings(
    rows: Mapping[str, Sequence[Row]], scale: float, seed: int
) -> dict[str, Sequence[Conversation]]:
    return {
        name: pairings(rows, kind.limited_to(rows), max(round(scale * count), 2), seed)
        for name, kind, count in KINDS
    }
