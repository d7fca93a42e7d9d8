"""What decides about a query, in words: the strategy of a prompt and its local model, and what
changed between two versions."""

from collections.abc import Iterator

from route_switch.domain.local_model import LocalModel, StrongFeature
from route_switch.domain.ports import JsonObject
from route_switch.domain.profiles import ONE_TIER, ProfileTables, TierTable
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier


def strategy_facts(prompt: RoutingPrompt | None) -> JsonObject:
    """Return the strategy, the digest of the local model's numbers, the thresholds and the tables
    of profiles; None for what the prompt does not have."""
    tables = None if prompt is None else prompt.profiles
    model = None if prompt is None else prompt.local_model
    return {
        "strategy": None if prompt is None else prompt.strategy,
        "local_model": None if model is None else model.sha256,
        "ask_below": None if model is None else model.ask_below,
        "bypass_tokens": None if prompt is None else prompt.bypass_tokens,
        "profiles": None if tables is None else tables.model_dump(mode="json"),
    }


def origin_with_strategy(origin: str, prompt: RoutingPrompt | None) -> str:
    """Return the origin, with the strategy unless the router LLM alone decides."""
    if prompt is None or prompt.strategy == "prompt":
        return origin
    return f"{origin} ({prompt.strategy})"


def strategy_changes(before: RoutingPrompt, after: RoutingPrompt) -> Iterator[str]:
    """Yield what changed about the strategy, the local model, the thresholds and the profiles, as
    sentences."""
    if before.strategy != after.strategy:
        yield f"Strategy: {before.strategy} → {after.strategy}."
    old, new = before.local_model, after.local_model
    if _name(old) != _name(new):
        yield f"Local model: {_name(old)} → {_name(new)}."
    if _ask_below(old) != _ask_below(new):
        change = f"{_ask_below(old)} → {_ask_below(new)}"
        yield f"Lead below which the router LLM is asked: {change}."
    if before.bypass_tokens != after.bypass_tokens:
        yield (
            "Number of tokens below which a query bypasses the router: "
            f"{_bypass(before)} → {_bypass(after)}."
        )
    yield from _profile_changes(before.profiles or ONE_TIER, after.profiles or ONE_TIER)
    for tier in Tier:
        yield from _feature_changes(tier, _features(old, tier), _features(new, tier))


def _profile_changes(old: ProfileTables, new: ProfileTables) -> Iterator[str]:
    for name, was, now in (("quality", old.quality, new.quality), ("cost", old.cost, new.cost)):
        if was != now:
            yield (
                f"Profile {name}: Tiers 1, 2 and 3 of the router LLM go to {_tiers(was)} → "
                f"{_tiers(now)}."
            )


def _tiers(table: TierTable) -> str:
    return "/".join(str(tier.value) for tier in table)


def _name(model: LocalModel | None) -> str:
    return "none" if model is None else model.name


def _ask_below(model: LocalModel | None) -> str:
    return "never" if model is None or model.ask_below is None else f"{model.ask_below:g}"


def _bypass(prompt: RoutingPrompt) -> str:
    return "the stage's" if prompt.bypass_tokens is None else str(prompt.bypass_tokens)


def _features(model: LocalModel | None, tier: Tier) -> dict[str, StrongFeature]:
    strongest = () if model is None else model.strongest
    return {each.name: each for each in strongest if each.tier is tier}


def _feature_changes(
    tier: Tier, old: dict[str, StrongFeature], new: dict[str, StrongFeature]
) -> Iterator[str]:
    added = [_shown(each) for name, each in new.items() if name not in old]
    gone = [_shown(each) for name, each in old.items() if name not in new]
    both = (name for name in new if name in old)
    moved = [
        f"{name} ({old[name].weight:+.2f} → {new[name].weight:+.2f})"
        for name in both
        if old[name].weight != new[name].weight
    ]
    parts = (("added", added), ("removed", gone), ("changed", moved))
    said = "; ".join(f"{what} {', '.join(names)}" for what, names in parts if names)
    if said:
        yield f"Strongest features for Tier {tier.value}: {said}."


def _shown(feature: StrongFeature) -> str:
    return f"{feature.name} ({feature.weight:+.2f})"
