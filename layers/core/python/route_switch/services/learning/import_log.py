"""Make examples of logged calls: one per request, with the results of all its models."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from route_switch.domain.learning.answers import tool_calls_of
from route_switch.domain.learning.logged_call import LoggedCall
from route_switch.domain.ports import JsonObject
from route_switch.domain.query import text_of
from route_switch.domain.tiers import Tier
from route_switch.domain.tokens import estimate_tokens

ADEQUATE = 0.5
"""The lowest rating, 0 to 1, of an adequate answer."""


@dataclass(slots=True)
class ImportedLog:
    """`rows` are examples as a file holds them. The counts are of calls."""

    rows: list[JsonObject] = field(default_factory=list)
    calls: int = 0
    repeats: int = 0
    estimated: int = 0
    rated: int = 0
    unused_ratings: int = 0
    unreadable_ratings: int = 0
    models: Counter[str] = field(default_factory=Counter)
    workloads: Counter[str] = field(default_factory=Counter)


Rate = Callable[[str | None], float | None]
"""Returns a rating as 0 to 1, or None if it cannot be read."""


def import_log(
    calls: Iterable[LoggedCall],
    rate: Rate,
    names: Mapping[str, str],
    tiers: Mapping[Tier, str],
) -> ImportedLog:
    """Return examples in the order of their first call.

    `names` maps the log's names of models to the product's. With `tiers`, a rating of a tier's
    model becomes feedback on the tier.
    """
    log = ImportedLog()
    groups: dict[str, list[LoggedCall]] = {}
    for call in calls:
        log.calls += 1
        groups.setdefault(_request_key(call), []).append(call)
    tier_of = {model: tier for tier, model in tiers.items()}
    for group in groups.values():
        log.rows.append(_row(group, rate, names, tier_of, log))
    return log


def _request_key(call: LoggedCall) -> str:
    return json.dumps([call.messages, call.params], sort_keys=True)


def _row(
    group: Sequence[LoggedCall],
    rate: Rate,
    names: Mapping[str, str],
    tier_of: Mapping[str, Tier],
    log: ImportedLog,
) -> JsonObject:
    row: JsonObject = {"messages": [*group[0].messages]}
    if group[0].params:
        row["params"] = group[0].params
    by_model: dict[str, list[LoggedCall]] = {}
    for call in group:
        by_model.setdefault(names.get(call.model or "", call.model or ""), []).append(call)
    results: dict[str, JsonObject] = {}
    feedback: dict[str, bool] = {}
    for model, calls in by_model.items():
        rating = _rating(calls, rate, log)
        if not model:
            log.unused_ratings += rating is not None
            continue
        log.models[model] += len(calls)
        results[model] = _results(calls, log)
        tier = tier_of.get(model)
        if rating is None:
            continue
        if tier is None:
            log.unused_ratings += 1
            results[model]["rating"] = rating
        elif rating != ADEQUATE or len(calls) == 1:
            feedback[str(tier.value)] = rating >= ADEQUATE
    # A line per model is one request; the same model twice is the same request twice.
    weight = max(map(len, by_model.values()))
    log.repeats += len(group) - len(by_model)
    if results:
        row["models"] = {**results}
    if feedback:
        row["feedback"] = {**feedback}
    for name in ("gold", "workload"):
        value = next((each for call in group if (each := getattr(call, name)) is not None), None)
        if value is not None:
            row[name] = value
    log.workloads[str(row.get("workload", "none named"))] += 1
    return row | ({"weight": weight} if weight > 1 else {})


def _rating(calls: Sequence[LoggedCall], rate: Rate, log: ImportedLog) -> float | None:
    """Return the mean rating of a model's answers to one request, or None without any."""
    given = [rate(call.rating) for call in calls if call.rating is not None]
    known = [rating for rating in given if rating is not None]
    log.unreadable_ratings += len(given) - len(known)
    log.rated += bool(known)
    return sum(known) / len(known) if known else None


def _results(calls: Sequence[LoggedCall], log: ImportedLog) -> JsonObject:
    """Return one call's result, so that answer, score and tokens belong together: the first that
    has a score, or else the first."""
    return _result(next((call for call in calls if call.score is not None), calls[0]), log)


def _result(call: LoggedCall, log: ImportedLog) -> JsonObject:
    answer = call.answer or {}
    text = text_of(answer)
    calls = tool_calls_of(answer)
    fields: JsonObject = {
        "answer": text or None,
        "tool_calls": [*calls] or None,
        "score": call.score,
        "cost_usd": call.cost_usd,
        "latency_ms": call.latency_ms,
        **_tokens(call, text, log),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _tokens(call: LoggedCall, text: str, log: ImportedLog) -> JsonObject:
    read, written = call.input_tokens, call.output_tokens
    if read is not None and written is not None:
        return {"input_tokens": read, "output_tokens": written}
    if call.answer is None and read is None and written is None:
        return {}
    log.estimated += 1
    asked = sum(estimate_tokens(text_of(message)) for message in call.messages)
    return {
        "input_tokens": asked if read is None else read,
        "output_tokens": estimate_tokens(text) if written is None else written,
        "tokens_estimated": True,
    }
