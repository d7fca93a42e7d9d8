"""Which tiers and models may answer a request. Decided before anything is routed or paid."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from route_switch.domain.aliases import Aliases, meaning_of
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.needs import Needs
from route_switch.domain.tiers import ALL_TIERS, ModelCatalog, Tier

NO_ALIASES: Aliases = {}
AUTO = "auto"

NO_PRICE = "a known price, which keys with a budget need"


@dataclass(frozen=True, slots=True)
class TierRange:
    """The lowest and highest tier that a request allows."""

    lowest: Tier = Tier.SMALL
    highest: Tier = Tier.LARGE

    @property
    def tiers(self) -> frozenset[Tier]:
        return frozenset(tier for tier in ALL_TIERS if self.lowest <= tier <= self.highest)


ANY_TIER = TierRange()


@dataclass(frozen=True, slots=True)
class Eligible:
    """`tiers` is never empty, and each tier's own model is in `models`. `router` says whether the
    router LLM may be called."""

    tiers: frozenset[Tier]
    models: frozenset[str]
    router: bool = True

    def models_of(self, catalog: ModelCatalog) -> frozenset[str]:
        """Return the models of these tiers that may be called."""
        return (
            frozenset(name for tier in self.tiers for name in catalog.tiers[tier].with_fallbacks)
            & self.models
        )

    def only(self, tier: Tier) -> "Eligible":
        return replace(self, tiers=frozenset({tier}))


def find_eligible(
    catalog: ModelCatalog,
    key: ApiKey,
    model: str,
    wanted: TierRange,
    needs: Needs,
    aliases: Aliases = NO_ALIASES,
) -> tuple[Eligible, Tier | None]:
    """Return what may answer, and the tier that `model` names (None for `auto`).

    Raise `RequestRefusedError`: 404 for an unknown model, 403 for tiers that the key may not use,
    400 when no model can serve the request, 503 when no eligible model has a price.
    """
    named = resolve_override(model, key, catalog, aliases)
    allowed = key.allowed_tiers & wanted.tiers
    if not allowed or named not in {None, *allowed}:
        raise _range_error(key, named, wanted)
    lacking = {name: _unmet_need(catalog, key, name, needs) for name in catalog.names}
    capable = frozenset(tier for tier in allowed if lacking[catalog.tiers[tier].name] is None)
    if not capable or named not in {None, *capable}:
        asked = allowed if named is None else {named}
        raise _unsupported_error({tier: lacking[catalog.tiers[tier].name] for tier in asked})
    models = frozenset(name for name, lack in lacking.items() if lack is None)
    return Eligible(
        capable, models, router=not _has_unknown_cost(catalog, key, catalog.router)
    ), named


def resolve_override(
    model: str, key: ApiKey, catalog: ModelCatalog, aliases: Aliases = NO_ALIASES
) -> Tier | None:
    """Return the tier that `model` names, by itself, by a tier model's name or by an alias of the
    stage; None for `auto`. Case matters only in the names of models.

    Raise `RequestRefusedError`: 404 for an unknown name, 403 when the key may not use the tier.
    """
    is_own = model.casefold() == AUTO or tier_named(model, catalog) is not None
    meant = model if is_own else meaning_of(model, aliases)
    if meant.casefold() == AUTO:
        return None
    tier = tier_named(meant, catalog)
    if tier is None:
        raise model_not_found(model, key, catalog, aliases)
    if tier not in key.allowed_tiers:
        raise RequestRefusedError(
            f"This key may not use {tier.alias}. Use 'auto', or ask the owner for access.",
            status=403,
            kind="permission_error",
            code="tier_not_allowed",
            param="model",
        )
    return tier


def tier_named(name: str, catalog: ModelCatalog) -> Tier | None:
    """Return the tier of `tier-1` or of a tier model's name, or None."""
    own = next((tier for tier in Tier if tier.alias == name.casefold()), None)
    return own or catalog.tier_of(name)


def aliases_for(key: ApiKey, catalog: ModelCatalog, aliases: Aliases) -> tuple[str, ...]:
    """Return the aliases that the key may use."""
    return tuple(
        alias
        for alias, meant in aliases.items()
        if meant == AUTO or tier_named(meant, catalog) in key.allowed_tiers
    )


def model_not_found(
    model: str, key: ApiKey, catalog: ModelCatalog, aliases: Aliases
) -> RequestRefusedError:
    allowed = sorted(key.allowed_tiers)
    names = dict.fromkeys(
        (AUTO, *(t.alias for t in allowed), *(catalog.tiers[t].name for t in allowed))
    )
    known = aliases_for(key, catalog, aliases)
    also = f", and names that these aliases match: {', '.join(known)}" if known else ""
    return RequestRefusedError(
        f"The model '{model}' does not exist. This key may use {', '.join(names)}{also}. The owner "
        "can give other names a meaning: router.aliases in cdk.json.",
        status=404,
        code="model_not_found",
        param="model",
    )


def _unmet_need(catalog: ModelCatalog, key: ApiKey, name: str, needs: Needs) -> str | None:
    lack = needs.unmet_by(catalog.capabilities_of(name))
    return lack or (NO_PRICE if _has_unknown_cost(catalog, key, name) else None)


def _has_unknown_cost(catalog: ModelCatalog, key: ApiKey, name: str) -> bool:
    """A budget cannot be enforced when the cost of a call is unknown."""
    return key.monthly_budget_usd is not None and catalog.price(name) is None


def _range_error(key: ApiKey, named: Tier | None, wanted: TierRange) -> RequestRefusedError:
    if named is not None:
        return RequestRefusedError(
            f"'model' names {named.alias}, but 'route_switch' allows tiers "
            f"{wanted.lowest.value} to {wanted.highest.value}. Remove one of the two.",
            code="tier_out_of_range",
            param="route_switch",
        )
    allowed = ", ".join(str(tier.value) for tier in sorted(key.allowed_tiers))
    return RequestRefusedError(
        f"'route_switch' allows tiers {wanted.lowest.value} to {wanted.highest.value}, but this "
        f"key may only use {allowed}. Choose one of these, or ask the owner for access.",
        status=403,
        kind="permission_error",
        code="tier_not_allowed",
        param="route_switch",
    )


def _unsupported_error(lacking: Mapping[Tier, str | None]) -> RequestRefusedError:
    reasons = "; ".join(f"{tier.alias}: {lacking[tier]}" for tier in sorted(lacking))
    if set(lacking.values()) == {NO_PRICE}:
        return RequestRefusedError(
            f"No model available to this key has {NO_PRICE}. Ask the owner to configure prices.",
            status=503,
            kind="server_error",
            code="price_missing",
        )
    return RequestRefusedError(
        f"No model available to this request supports it. Missing: {reasons}. Remove what is "
        "missing from the request, or allow a larger tier.",
        code="unsupported_by_models",
    )
