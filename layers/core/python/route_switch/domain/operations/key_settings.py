"""The settings of an API key that its owner chooses: their rules, and how they read in a list."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from route_switch.domain.api_keys import ApiKey, Role, WhenSpent
from route_switch.domain.operations.refused_changes import InvalidSettingsError, SettingProblem
from route_switch.domain.operations.words import Words
from route_switch.domain.pricing import in_usd
from route_switch.domain.profiles import Profile
from route_switch.domain.tier_parameters import model_of
from route_switch.domain.tiers import ALL_TIERS, ModelCatalog, Tier

MAX_LENGTH = 100
"""Characters of a name, and of each part of a tag."""
MAX_TAGS = 50
MOST_USD = 1e9
MOST_REQUESTS = 1_000_000
"""Higher numbers are typing errors, and DynamoDB cannot store the highest."""


@dataclass(frozen=True, slots=True)
class KeySettings:
    """The settings, as in `ApiKey`, except that `when_spent` is None if it was not chosen."""

    name: str
    role: Role = "client"
    allowed_tiers: frozenset[Tier] = ALL_TIERS
    tags: Mapping[str, str] = field(default_factory=dict)
    requests_per_minute: int | None = None
    monthly_budget_usd: float | None = None
    when_spent: WhenSpent | None = None
    profile: Profile | None = None
    max_upgrade_share: float | None = None

    @classmethod
    def of(cls, key: ApiKey) -> "KeySettings":
        return cls(
            key.name,
            key.role,
            key.allowed_tiers,
            key.tags,
            key.requests_per_minute,
            key.monthly_budget_usd,
            None if key.monthly_budget_usd is None else key.when_spent,
            key.profile,
            key.max_upgrade_share,
        )


def key_with(
    settings: KeySettings, key_id: str, words: Words, limited_until: datetime | None = None
) -> ApiKey:
    """Return the key. Raise `InvalidSettingsError` with everything that is wrong."""
    problems = tuple(problems_of(settings, words))
    if problems:
        raise InvalidSettingsError(problems)
    return ApiKey(
        key_id=key_id,
        name=settings.name.strip(),
        role=settings.role,
        allowed_tiers=settings.allowed_tiers,
        tags={name.strip(): value.strip() for name, value in settings.tags.items()},
        requests_per_minute=settings.requests_per_minute,
        monthly_budget_usd=settings.monthly_budget_usd,
        when_spent=settings.when_spent or "refuse",
        profile=settings.profile,
        max_upgrade_share=settings.max_upgrade_share,
        upgrades_limited_until=limited_until,
    )


def changed_key(before: ApiKey, settings: KeySettings, words: Words) -> ApiKey:
    """Return the key with other settings. Raise like `key_with`.

    Another cap ends a limit at once; the hourly check sets it again if it is still due."""
    has_same_cap = settings.max_upgrade_share == before.max_upgrade_share
    limited_until = before.upgrades_limited_until if has_same_cap else None
    return key_with(settings, before.key_id, words, limited_until)


def problems_of(settings: KeySettings, words: Words) -> Iterator[SettingProblem]:
    yield from _of_budget(settings, words)
    yield from _of_share(settings.max_upgrade_share, words)
    rate, named = settings.requests_per_minute, words.setting("requests_per_minute")
    if rate is not None and not 1 <= rate <= MOST_REQUESTS:
        yield SettingProblem(
            "requests_per_minute",
            f"{named} must be from 1 to {MOST_REQUESTS:,}. To block a key, revoke it.",
        )
    yield from _of_text(settings.name, "The name", "name")
    yield from _of_tags(settings.tags, words)


def _of_budget(settings: KeySettings, words: Words) -> Iterator[SettingProblem]:
    usd, when_spent = settings.monthly_budget_usd, settings.when_spent
    budget, then = words.setting("monthly_budget_usd"), words.setting("when_spent")
    if usd is not None and not (usd > 0 and math.isfinite(usd)):
        yield SettingProblem(
            "monthly_budget_usd",
            f"{budget} is {usd}, but must be an amount above 0. To block a key, revoke it.",
        )
    elif usd is not None and usd > MOST_USD:
        yield SettingProblem("monthly_budget_usd", f"{budget} must be at most {MOST_USD:,.0f} USD.")
    if when_spent is not None and usd is None:
        yield SettingProblem(
            "when_spent",
            f"{then} has no effect without {budget}. Set a budget.",
            ("monthly_budget_usd",),
        )
    if when_spent == "downgrade" and Tier.SMALL not in settings.allowed_tiers:
        yield SettingProblem(
            "when_spent",
            f"{words.example('when_spent', 'downgrade')} answers with Tier 1, which "
            f"{words.setting('tiers')} does not allow. Add Tier 1, or use "
            f"{words.example('when_spent', 'refuse')}.",
            ("tiers",),
        )


def _of_share(share: float | None, words: Words) -> Iterator[SettingProblem]:
    if share is not None and not 0 < share <= 1:
        yield SettingProblem(
            "max_upgrade_share",
            f"{words.setting('max_upgrade_share')} is {share}, but must be above 0 and at most 1, "
            "such as 0.3. To keep a key off Tier 3 altogether, give it "
            f"{words.example('tiers', [1, 2])}.",
        )


def _of_tags(tags: Mapping[str, str], words: Words) -> Iterator[SettingProblem]:
    if len(tags) > MAX_TAGS:
        named = words.setting("tags")
        yield SettingProblem("tags", f"{named} has {len(tags)} tags. A key has {MAX_TAGS} at most.")
    names = [name.strip() for name in tags]
    if len(set(names)) < len(names):
        yield SettingProblem("tags", "Two tags differ only in blanks. A key has one value per tag.")
    for name, value in tags.items():
        yield from _of_text(name, "A tag's name", "tags")
        yield from _of_text(value, f"The tag {name!r}", "tags")


def _of_text(text: str, what: str, setting: str) -> Iterator[SettingProblem]:
    if not 1 <= len(text.strip()) <= MAX_LENGTH or not text.strip().isprintable():
        yield SettingProblem(setting, f"{what} must be 1 to {MAX_LENGTH} printable characters.")


def unpriced_models(key: ApiKey, models: ModelCatalog) -> list[str]:
    """Return the models that the key may use and whose price is unknown, so no budget covers
    them."""
    answering = (n for tier in sorted(key.allowed_tiers) for n in models.tiers[tier].with_fallbacks)
    names = dict.fromkeys(map(model_of, (*answering, models.router)))
    return [name for name in names if models.price(name) is None]


def price_warning(key: ApiKey, models: ModelCatalog) -> str | None:
    """Say which models the key's budget excludes."""
    unpriced = unpriced_models(key, models)
    if not unpriced or key.monthly_budget_usd is None:
        return None
    return (
        f"no price is known for {', '.join(unpriced)}, and a key with a budget cannot use such a "
        "model. Set its price in cdk.json, under models.prices."
    )


def cap_warning(key: ApiKey, words: Words) -> str | None:
    """Say that a cap on Tier 3 has no effect."""
    if key.max_upgrade_share is None or Tier.LARGE in key.allowed_tiers:
        return None
    return (
        f"{words.setting('max_upgrade_share')} has no effect: the key may not use Tier 3. Add "
        f"Tier 3 to {words.setting('tiers')}, or remove the cap."
    )


def setting_warnings(key: ApiKey, models: ModelCatalog, words: Words) -> list[str]:
    """Say which models the key's budget excludes, and which setting has no effect."""
    found = (price_warning(key, models), cap_warning(key, words))
    return [warning for warning in found if warning is not None]


def limits(key: ApiKey, now: datetime) -> str:
    """Describe the key's tiers, profile, cap, rate limit and budget."""
    parts = ["tiers " + ", ".join(str(tier.value) for tier in sorted(key.allowed_tiers))]
    if key.profile is not None:
        parts.append(f"profile {key.profile}")
    if key.max_upgrade_share is not None:
        parts.append(f"at most {100 * key.max_upgrade_share:.6g}% on Tier 3")
    if key.limits_upgrades(now):
        parts.append("upgrades limited now")
    if key.requests_per_minute is not None:
        parts.append(f"{key.requests_per_minute} requests/min")
    if key.monthly_budget_usd is not None:
        then = "Tier 1" if key.when_spent == "downgrade" else "refused"
        parts.append(f"{in_usd(key.monthly_budget_usd)}/month, then {then}")
    return "; ".join(parts)


def settings_of(key: ApiKey, now: datetime) -> str:
    """Describe all that the owner can change, except the name."""
    tags = ", ".join(f"{name}={value}" for name, value in key.tags.items())
    return f"{limits(key, now)}; tags {tags}" if tags else limits(key, now)
