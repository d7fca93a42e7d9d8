"""What an estimate takes for granted, in words."""

from collections.abc import Iterator

from route_switch.cost_estimate.deployment import Deployment, Traffic
from route_switch.cost_estimate.idle_costs import LEARNING_HOURS
from route_switch.cost_estimate.model_costs import PROMPT_BYTES, router_tokens
from route_switch.cost_estimate.monthly import MonthlyEstimate
from route_switch.domain.tiers import Tier


def assumptions(estimate: MonthlyEstimate, model_prices: str) -> list[str]:
    """`model_prices` says where those of the models come from."""
    deployment, traffic = estimate.deployment, estimate.traffic
    return [
        *_about_traffic(deployment, traffic),
        *_about_what_is_left_out(deployment),
        *_about_prices(estimate, model_prices),
    ]


def _about_traffic(deployment: Deployment, traffic: Traffic) -> Iterator[str]:
    mix = " / ".join(f"{traffic.mix[tier]:.0%}" for tier in Tier)
    seconds = ", ".join(f"{traffic.tier_s[tier]:.1f}" for tier in Tier)
    yield f"Tiers 1 / 2 / 3 answer {mix} (--mix); {traffic.bypassed:.0%} are bypassed (--bypass)."
    yield (
        f"A router call takes {traffic.router_s:.1f} s and an answer {seconds} s (--seconds); the "
        f"function, {deployment.memory_mb:,} MB on {deployment.architecture}, waits for them."
    )
    yield (
        f"The router reads {router_tokens(deployment, traffic):,} tokens: a prompt of "
        f"{PROMPT_BYTES:,} bytes, which is the most, and the query. Nothing is read from a cache."
    )
    if not deployment.config.models.tier_3_output_ratio:
        yield "Tier 3 would write answers of the same length: the stage has no measured ratio."


def _about_what_is_left_out(deployment: Deployment) -> Iterator[str]:
    owned = deployment.owned
    yield (
        f"{owned.alarm_metrics} metrics with alarms, {owned.steady_metrics} custom metrics that "
        f"always get data and {owned.traffic_metrics} that requests write."
    )
    yield (
        f"Learning runs each week, {LEARNING_HOURS:g} hours in its function, and spends its cap "
        "on models."
    )
    yield (
        "Every request succeeds at once: no fallback, no Idempotency-Key, no key with limits. "
        "X-Ray samples as by default."
    )


def _about_prices(estimate: MonthlyEstimate, model_prices: str) -> Iterator[str]:
    prices = estimate.prices
    yield f"Models: {model_prices}."
    dates, count = prices.dates, len(prices.prices)
    yield (
        f"AWS: {prices.region}, collected {prices.collected} from sources of {dates[0]} to "
        f"{dates[-1]}; {count - len(dates)} of {count} prices have no dated one. Check what "
        "matters to you. Free is what every account gets for good: no first-year offers, no "
        "credits. Taxes and support are left out."
    )
    if estimate.deployment.region != prices.region:
        yield (
            f"The stage is in {estimate.deployment.region}, whose AWS prices differ and are not "
            f"in the list: the figures are those of {prices.region}."
        )
