"""Check the options of a new key."""

import math
from collections.abc import Iterable

from route_switch.cli.stage_names import UsageError
from route_switch.domain.api_keys import ApiKey, WhenSpent
from route_switch.domain.profiles import Profile
from route_switch.domain.tier_parameters import model_of
from route_switch.domain.tiers import ModelCatalog, Tier

MAX_LENGTH = 100
"""Characters of a name, and of each part of a tag."""


def checked_key(
    key_id: str,
    name: str,
    *,
    admin: bool,
    tiers: str,
    tags: Iterable[str],
    requests_per_minute: int | None,
    monthly_budget_usd: float | None,
    when_spent: WhenSpent | None,
    profile: Profile | None = None,
) -> ApiKey:
    """Return the key, or raise `UsageError` if the options contradict each other."""
    allowed = _read_tiers(tiers)
    _check_budget(monthly_budget_usd, when_spent, allowed)
    return ApiKey(
        key_id=key_id,
        name=_checked_text(name, "The name"),
        role="admin" if admin else "client",
        allowed_tiers=allowed,
        tags=read_tags(tags),
        requests_per_minute=requests_per_minute,
        monthly_budget_usd=monthly_budget_usd,
        when_spent=when_spent or "refuse",
        profile=profile,
    )


def read_tags(texts: Iterable[str]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign:
            raise UsageError(
                f"--tag {text!r} has no '='. Write NAME=VALUE, such as --tag team=search."
            )
        if name in tags:
            raise UsageError(f"--tag {name} is given twice. A key has one value per tag.")
        tags[_checked_text(name, "A tag's name")] = _checked_text(value, f"The tag {name!r}")
    return tags


def unpriced_models(key: ApiKey, models: ModelCatalog) -> list[str]:
    """Return the models that the key may use and whose price is unknown, so no budget covers
    them."""
    answering = (n for tier in sorted(key.allowed_tiers) for n in models.tiers[tier].with_fallbacks)
    names = dict.fromkeys(map(model_of, (*answering, models.router)))
    return [name for name in names if models.price(name) is None]


def _read_tiers(text: str) -> frozenset[Tier]:
    try:
        return frozenset(Tier(int(part)) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"--tiers is {text!r}, but must be one or more of 1, 2 and 3, such as --tiers 1,2."
        ) from error


def _check_budget(
    usd: float | None, when_spent: WhenSpent | None, allowed: frozenset[Tier]
) -> None:
    if usd is not None and not (usd > 0 and math.isfinite(usd)):
        raise UsageError(
            f"--monthly-budget-usd is {usd}, but must be an amount above 0. To block a key, revoke "
            "it."
        )
    if when_spent is not None and usd is None:
        raise UsageError("--when-spent has no effect without --monthly-budget-usd. Set a budget.")
    if when_spent == "downgrade" and Tier.SMALL not in allowed:
        raise UsageError(
            "--when-spent downgrade answers with Tier 1, which --tiers does not allow. Add Tier 1, "
            "or use --when-spent refuse."
        )


def _checked_text(text: str, what: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= MAX_LENGTH or not text.isprintable():
        raise UsageError(f"{what} must be 1 to {MAX_LENGTH} printable characters.")
    return text
