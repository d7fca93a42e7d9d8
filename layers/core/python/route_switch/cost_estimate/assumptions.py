"""The assumptions behind an estimate, as sentences."""

from collections.abc import Iterator

from route_switch.cost_estimate.deployment import Deployment, Traffic
from route_switch.cost_estimate.idle_costs import LEARNING_HOURS
from route_switch.cost_estimate.model_costs import (
    DIGIT_TOKENS,
    PROMPT_BYTES,
    router_output_tokens,
    router_tokens,
)
from route_switch.cost_estimate.monthly import MonthlyEstimate
from route_switch.domain.output_ratio import PRIOR
from route_switch.domain.tiers import Tier


def assumptions(estimate: MonthlyEstimate, model_prices: str) -> list[str]:
    """Return one sentence per assumption. `model_prices` names the source of the models' prices."""
    deployment, traffic = estimate.deployment, estimate.traffic
    return [
        *_about_traffic(deployment, traffic),
        *_about_saving(estimate),
        *_about_usage(deployment),
        *_about_prices(estimate, model_prices),
    ]


def _about_traffic(deployment: Deployment, traffic: Traffic) -> Iterator[str]:
    mix = " / ".join(f"{traffic.mix[tier]:.0%}" for tier in Tier)
    seconds = " / ".join(f"{traffic.tier_s[tier]:.1f}" for tier in Tier)
    yield (
        f"Tiers 1 / 2 / 3 answer {mix} of requests (--mix); {traffic.bypassed:.0%} bypass the "
        "router (--bypass)."
    )
    if traffic.asked < 1:
        yield f"The router LLM is asked about {traffic.asked:.0%} of the others (--asked)."
    yield (
        f"A router call takes {traffic.router_s:.1f} s, an answer {seconds} s (--seconds). The "
        f"function ({deployment.memory_mb:,} MB, {deployment.architecture}) waits for both."
    )
    yield (
        f"The router reads {router_tokens(deployment, traffic):,} tokens: the longest prompt "
        f"allowed ({PROMPT_BYTES:,} bytes) and the query. No provider's prompt cache is assumed."
    )
    written = router_output_tokens(deployment)
    if written > DIGIT_TOKENS:
        yield f"The router thinks first: it is assumed to write its limit, {written:,} tokens."


def _about_saving(estimate: MonthlyEstimate) -> Iterator[str]:
    low, high = estimate.models.baseline_low_usd, estimate.models.baseline_high_usd
    if low is not None and high is not None and low < high:
        yield (
            "Tier 3's answers are assumed to be as long as the other tiers', which a learning run "
            f"will measure. At {PRIOR.low:g} to {PRIOR.high:g} times their length, Tier 3 alone "
            f"would cost {low:,.0f} to {high:,.0f} USD."
        )


def _about_usage(deployment: Deployment) -> Iterator[str]:
    owned = deployment.owned
    yield (
        f"Alarms read {owned.alarm_metrics} metrics. {owned.steady_metrics} custom metrics always "
        f"get data, and {owned.traffic_metrics} only when there are requests."
    )
    yield (
        f"Learning runs every week, takes {LEARNING_HOURS:g} hours in its function, and spends its "
        "whole cap on models."
    )
    yield (
        "Every request succeeds at the first attempt, without fallbacks, an Idempotency-Key or key "
        "limits. X-Ray samples at its default rate."
    )
    yield (
        "What people look at is not counted: a view of the console costs less than a tenth of a "
        "cent."
    )


def _about_prices(estimate: MonthlyEstimate, model_prices: str) -> Iterator[str]:
    prices = estimate.prices
    yield f"Model prices: {model_prices}."
    dates, count = prices.dates, len(prices.prices)
    yield (
        f"AWS prices: {prices.region}, collected {prices.collected} from sources dated {dates[0]} "
        f"to {dates[-1]}; {count - len(dates)} of {count} have no dated source. Check those that "
        "matter to you. The free tier is what every account gets permanently, without first-year "
        "offers and credits. Taxes and support are not included."
    )
    if estimate.deployment.region != prices.region:
        yield (
            f"The stage is in {estimate.deployment.region}, whose AWS prices differ and are not "
            f"in the list: the figures use those of {prices.region}."
        )
