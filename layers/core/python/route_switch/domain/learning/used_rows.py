"""Say how many rows were used, and why the others were not."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.outcome_row import Models, is_recorded

ODD_LINES = "on lines that cannot be read as examples"
NEAR = "too close to a query on another side"
MISPLACED = "for training only, of a query that belongs to another side"


def rows_lacking_results(examples: Iterable[Example], models: Models) -> Counter[str]:
    """Count the examples without a recorded result of some model, by the models that they lack."""
    lacking: Counter[str] = Counter()
    for example in examples:
        missing = [name for name in models.values() if not is_recorded(example, name)]
        if missing:
            lacking[f"lack a result of {' and '.join(missing)}"] += 1
    return lacking


def rows_used(used: int, left_out: Mapping[str, int], merged: int = 0) -> str:
    """Return "12 of 120 rows used; 108 lack a result of medium", or "120 rows"."""
    total = used + sum(left_out.values()) + merged
    if total == used:
        return f"{used:,} row{'' if used == 1 else 's'}"
    parts = [
        f"{n:,} {reason if n > 1 else reason.replace('lack ', 'lacks ', 1)}"
        for reason, n in sorted(left_out.items())
        if n
    ]
    if merged:
        parts.append(f"{merged:,} merged into equal ones, which count for them")
    return f"{used:,} of {total:,} rows used; {'; '.join(parts)}"


def in_conversations(examples: Sequence[Example]) -> str:
    """Return the end of a sentence about rows, if some are in a conversation."""
    number = sum(example.is_conversation for example in examples)
    return f"; {number:,} of them in a conversation" if number else ""


def from_templates(templates: int) -> str:
    """Return the end of a sentence about rows that share templates."""
    return (
        f"; they are from {templates:,} template{'' if templates == 1 else 's'} (queries that "
        "differ only in numbers, ids and addresses, or belong to one session), and intervals count "
        "each template once"
    )
