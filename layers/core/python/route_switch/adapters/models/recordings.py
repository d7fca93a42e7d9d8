"""What the project's own sample (docs/data.md) records, by query."""

import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from route_switch_offline import RecordedAnswer


def recorded_answers(query: str) -> "Mapping[str, RecordedAnswer]":
    """The answers to a query by size (`small`, …); none if it is not in the sample."""
    return _by_query().get(_normal(query), {})


@lru_cache(maxsize=1)
def _by_query() -> "Mapping[str, Mapping[str, RecordedAnswer]]":
    """Imported here: only who uses the offline models has the sample."""
    from route_switch_offline import load_sample

    return {
        _normal(row.query): {
            name.removeprefix("offline/"): answer for name, answer in row.models.items()
        }
        for row in load_sample()
    }


def _normal(query: str) -> str:
    """What two spellings of the same query have in common."""
    return unicodedata.normalize("NFC", query).strip()
