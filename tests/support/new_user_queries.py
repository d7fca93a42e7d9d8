"""Queries as new users of a general assistant write them, with the tier that a person would choose.

They were invented for this purpose, six kinds of work in equal parts. 198 of them (`CHOOSING`)
chose among wordings of the packaged prompt. The other 36 (`CHECKING`), which were written before
the prompt was changed, only measure it.

`python -m tests.support.new_user_queries [PROMPT.md]` prints how many take their tier.
"""

import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from route_switch.adapters.models.encoder import best_tier, read_messages, scores_of, split
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.prompt_document import parse_prompt
from route_switch.domain.query import Query
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier


@dataclass(frozen=True, slots=True)
class NewUserQuery:
    """A query, the kind of work it asks for, and the smallest tier that is good enough."""

    use: str
    kind: str
    tier: Tier
    query: str


def _read() -> list[NewUserQuery]:
    lines = Path(__file__).with_suffix(".jsonl").read_text("utf-8").splitlines()
    rows = map(json.loads, lines)
    return [NewUserQuery(r["use"], r["kind"], Tier(r["tier"]), r["query"]) for r in rows]


CHOOSING = tuple(query for query in _read() if query.use == "choosing")
CHECKING = tuple(query for query in _read() if query.use == "checking")


def tier_of(prompt: RoutingPrompt, text: str) -> Tier:
    """Return the tier that local/encoder chooses, without a bypass."""
    messages = read_messages(prompt.render(Query(text), 1000))
    return Tier(best_tier(scores_of(*split(messages))))


def count(prompt: RoutingPrompt, queries: tuple[NewUserQuery, ...]) -> Counter[str]:
    """Count the queries that are routed right, too low and too high."""
    found: Counter[str] = Counter()
    for query in queries:
        chosen = tier_of(prompt, query.query)
        low, right = chosen < query.tier, chosen == query.tier
        found["right" if right else "too low" if low else "too high"] += 1
    return found


if __name__ == "__main__":
    files = [Path(name).read_text("utf-8") for name in sys.argv[1:]]
    measured = parse_prompt(files[0]) if files else packaged_prompt()
    for name, queries in (("choosing", CHOOSING), ("checking", CHECKING)):
        found = dict(sorted(count(measured, queries).items()))
        sys.stdout.write(f"{name}, {len(queries)} queries: {found}\n")
