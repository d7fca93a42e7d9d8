"""A chapter of docs/reliability.md: what a suite measured, with everything that a reader needs to
judge and repeat it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter

FIGURES = Path(__file__).parent / "figures"


@dataclass(frozen=True, slots=True)
class Section:
    """`promise` is one sentence: what the suite shows. `method` says how, with n and the machine.
    `columns` and `rows` are the table, as text. `notes` are findings and limits, a sentence or two
    each. `commit` and `measured` (a date) are set when the suite runs."""

    name: str
    title: str
    promise: str
    method: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    commit: str = ""
    measured: str = ""

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
