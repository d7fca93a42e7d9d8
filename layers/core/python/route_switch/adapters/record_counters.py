"""What one request adds to the counters of its day and of its key's month."""

from route_switch.adapters.results_table import learning_counter, routed_counters
from route_switch.domain.key_counters import watched_counters
from route_switch.domain.overview_counters import time_counters
from route_switch.domain.request_record import NotReplayable, RequestRecord
from route_switch.domain.shadow_counters import shadow_counters
from route_switch.domain.tokens import length_bucket
from route_switch.domain.usage import token_counters

_MONEY_FIELDS = ("cost_usd", "baseline_cost_usd", "saved_usd")


def counters_of(record: RequestRecord) -> dict[str, float]:
    """Return what one request adds to the counters of its day and of its key's month.

    Money is summed where it is known; `<money>:unknown` counts the requests where it is not, so
    that gaps in a total stay visible. An unanswered request has no baseline and saves nothing but
    costs money; `cost_usd:unanswered` is to be subtracted from savings. An answer that broke off
    counts as failed. `saving:<basis>` counts the answers whose saving rests on it;
    `saved_usd:below` and `:above` are how far the bounds of `saved_usd` are from it. Bounds add up,
    because the answers of two models share one ratio, whose error does not average out.
    `cost_usd:unknown:model:<model>` is 1 if a call of the model could not be priced."""
    status = "failed" if record.status == "partial" else record.status
    counters: dict[str, float] = {status: 1}
    if record.status == "answered":
        counters[f"tier:{record.tier.value}"] = 1
        counters[f"saving:{record.saving_basis.value}"] = 1
    for name in _MONEY_FIELDS:
        amount: float | None = getattr(record, name)
        counters[name if amount is not None else f"{name}:unknown"] = (
            amount if amount is not None else 1
        )
    saved, low, high = record.saved_usd, record.saved_usd_low, record.saved_usd_high
    if saved is not None and low is not None and high is not None and low < high:
        counters |= {"saved_usd:below": saved - low, "saved_usd:above": high - saved}
    if record.status != "answered" and record.cost_usd is not None:
        counters["cost_usd:unanswered"] = record.cost_usd
    counters |= token_counters(each.usage for each in record.attempts if each.usage)
    counters |= time_counters(record)
    for attempt in record.attempts:
        if attempt.cost_usd is not None:
            tier = "router" if attempt.tier is None else str(attempt.tier.value)
            for name in (f"cost_usd:tier:{tier}", f"cost_usd:model:{attempt.model}"):
                counters[name] = counters.get(name, 0.0) + attempt.cost_usd
        else:
            counters[f"cost_usd:unknown:model:{attempt.model}"] = 1
    return counters


def counters_of_day(record: RequestRecord) -> dict[str, float]:
    """Return what only the day counts."""
    reason = {f"reason:{record.reason.value}": 1} if record.status == "answered" else {}
    return {**reason, **_learning_counters(record), **shadow_counters(record)}


def counters_of_key(record: RequestRecord) -> dict[str, float]:
    """Return what only the key's month counts."""
    return watched_counters(record)


def _learning_counters(record: RequestRecord) -> dict[str, float]:
    if record.replay is None:
        return {}
    if isinstance(record.replay, NotReplayable):
        return {learning_counter(record.replay): 1}
    tiers, lengths = routed_counters(record.prompt_version)
    counted = [learning_counter(None), lengths[length_bucket(record.query_tokens)]]
    if record.routed_tier is not None:
        counted.append(tiers[record.routed_tier - 1])
    return dict.fromkeys(counted, 1)
