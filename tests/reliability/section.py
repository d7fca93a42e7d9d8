"""A chapter of docs/reliability.md: what a suite measured, with everything that a reader needs to
judge and repeat it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

FIGURES = Path(__file__).parent / "figures"
MOST_DIFFERENCE_USD = 1e-9
"""Of sums in another order; the smallest charge is a thousand times as much."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What a suite is to show, what it found, and whether that is enough."""

    text: str
    found: str
    is_met: bool


def none_of(what: str, count: int) -> Aim:
    """Return the aim that there is none of these."""
    return Aim(f"no {what}", str(count), count == 0)


def same_amount(difference_usd: float) -> Aim:
    """Return the aim that all ways of counting the costs agree."""
    return Aim(
        "records, days and keys' months add up to the same amount",
        f"{difference_usd:.9f} USD apart",
        difference_usd <= MOST_DIFFERENCE_USD,
    )


@dataclass(frozen=True, slots=True)
class Section:
    """`promise` is one sentence: what it is about. `method` says how, with n and the machine.
    `columns` and `rows` are the table, as text. `aims` say which part of the promise the figures
    keep. `notes` are findings and limits, a sentence or two each. `commit`, `measured` (a date) and
    `seconds` are set when the suite runs; figures of earlier versions have neither aims nor
    seconds."""

    name: str
    title: str
    promise: str
    method: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    aims: tuple[Aim, ...] = ()
    commit: str = ""
    measured: str = ""
    seconds: float | None = None

    def write(self) -> None:
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        FIGURES.mkdir(exist_ok=True)
        (FIGURES / f"{self.name}.json").write_text(f"{text}\n", "utf-8")


def read_section(name: str) -> Section | None:
    """Return what the suite measured last; None if it never ran."""
    path = FIGURES / f"{name}.json"
    if not path.exists():
        return None
    return TypeAdapter(Section).validate_json(path.read_bytes())
