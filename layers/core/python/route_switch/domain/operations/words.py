"""How an interface names settings and actions: `--monthly-budget-usd` on the command line,
`'monthly_budget_usd'` in the API. So a rule has one message, which uses the caller's names."""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import JsonValue


@dataclass(frozen=True, slots=True)
class Words:
    """`setting` names a setting, and `example` names one with a value. The other fields say where
    to go next, as the end of a sentence such as "Create a new key with …"."""

    setting: Callable[[str], str]
    example: Callable[[str, JsonValue], str]
    create_key: str
    list_keys: str
    list_runs: str
    publish: str
    turn_learning_on: str
    force: str
    """What overrides a refusal, such as " or add --force"; empty if nothing does."""
