"""Tables with columns per model, such as RouterBench's: `gpt-4|model_response`, `gpt-4|total_cost`
and, for the score, `gpt-4`."""

import re
from collections.abc import Iterator

from route_switch.domain.ports import JsonObject

_COLUMN = re.compile(
    r"^(?P<model>.+?)(?:\||::|:|__|\.|_| )"
    r"(?P<what>model_response|response|answer|total_cost|cost_usd|cost|score|input_tokens"
    r"|output_tokens|latency_ms)$"
)
_SAME = {"model_response": "answer", "response": "answer", "total_cost": "cost_usd"} | {
    "cost": "cost_usd"
}
_OWN = frozenset(
    {"model", "total", "mean", "input", "output", "prompt", "user", "reference", "expected"}
    | {"answer", "response", "quality", "sum", "avg", "token", "final"}
)
"""Beginnings of names of ordinary columns."""


def models_in(row: JsonObject) -> tuple[str, ...]:
    """Return the models that the columns name; none if there are not at least two."""
    if any(name.casefold() == "model" for name in row):
        return ()
    named = (_COLUMN.match(name) for name in row)
    found = dict.fromkeys(m["model"] for m in named if m and m["model"].casefold() not in _OWN)
    return tuple(found) if len(found) > 1 else ()


def as_long_rows(row: JsonObject, models: tuple[str, ...]) -> Iterator[JsonObject]:
    """Yield a row per model, with the columns that all of them share."""
    own: dict[str, JsonObject] = {model: {} for model in models}
    shared: JsonObject = {}
    for name, value in row.items():
        column = _COLUMN.match(name)
        if column and column["model"] in own:
            own[column["model"]][_SAME.get(column["what"], column["what"])] = value
        elif name in own:
            own[name]["score"] = value
        else:
            shared[name] = value
    for model, cells in own.items():
        if any(value not in (None, "") for value in cells.values()):
            yield {**shared, **cells, "model": model}
