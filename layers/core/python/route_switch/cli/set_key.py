"""`route-switch keys set`: change the settings of an API key, which keeps its secret."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer

from route_switch.cli.chosen_key import find_key
from route_switch.cli.keys_view import facts
from route_switch.cli.new_key import read_tags, read_tiers
from route_switch.cli.options import JsonOption, StageOption, usage_examples
from route_switch.cli.stage import aws_errors, find_deployed
from route_switch.cli.stage_names import UsageError
from route_switch.cli.stored_keys import (
    change_keys,
    keys_of_month,
    warn_of_settings,
    with_options_checked,
)
from route_switch.cli.terminal import say, say_json
from route_switch.cli.words import CLI_WORDS
from route_switch.domain.api_keys import ApiKey, WhenSpent
from route_switch.domain.operations.key_settings import KeySettings, settings_of
from route_switch.domain.operations.stored_keys import check_may_change
from route_switch.domain.profiles import PROFILES, Profile, profile_named
from route_switch.services.authenticate import KEY_CACHE_S

EXAMPLES = usage_examples(
    "keys set search --monthly-budget-usd 50 --stage prod",
    "keys set search --tiers 1,2 --requests-per-minute none",
    "keys set search --max-upgrade-share 0.3 --tag team=search --untag env",
)
NONE = "none"

T = TypeVar("T")


def set_(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key's key_id or name.")],
    tiers: Annotated[str | None, typer.Option(help="Tiers that the key may use.")] = None,
    requests_per_minute: Annotated[
        str | None, typer.Option(metavar="N|none", help="Rate limit.")
    ] = None,
    monthly_budget_usd: Annotated[
        str | None,
        typer.Option(metavar="USD|none", help="Budget in USD per calendar month (UTC)."),
    ] = None,
    when_spent: Annotated[
        WhenSpent | None,
        typer.Option(help="Once the budget is spent: refuse requests, or downgrade to Tier 1."),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="PROFILE|none",
            help="Routing profile of requests that name none; none: the stage's.",
        ),
    ] = None,
    max_upgrade_share: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE|none",
            help="Cap on the share of routed requests that go to Tier 3; 1: no cap; none: the "
            "stage's.",
        ),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="NAME=VALUE", help="Add or replace a tag. Repeatable."),
    ] = None,
    untag: Annotated[
        list[str] | None,
        typer.Option("--untag", metavar="NAME", help="Remove a tag. Repeatable."),
    ] = None,
    as_json: JsonOption = False,
    stage: StageOption = None,
) -> None:
    """Change a key's tiers, limits, budget, cap, profile or tags. Its secret stays.

    Settings that you leave out stay as they are. Warm processes pick up the change within a minute.
    What the key has spent this month counts against a new budget.
    """
    wanted = _Wanted(
        tiers,
        requests_per_minute,
        monthly_budget_usd,
        when_spent,
        profile,
        max_upgrade_share,
        tag or (),
        untag or (),
    )
    deployed, now = find_deployed(stage), datetime.now(UTC)
    with aws_errors():
        change = change_keys(deployed)
        stored = find_key(key, change.keys.all())
        check_may_change(stored, CLI_WORDS)
        settings = wanted.applied_to(stored.key)
        changed = with_options_checked(lambda: change.change(stored, settings, now))
    before, after = stored.key, changed.key
    name, described = changed.label, settings_of(after, now)
    if after == before:
        say(f"{name} has these settings already.", err=True)
    warn_of_settings(after, deployed)
    if as_json:
        with aws_errors():
            [shown] = keys_of_month(deployed)([changed], now)
        say_json(facts(shown), indent=2)
    else:
        say(f"{name}: {described}.")
    say(f"Warm processes pick up a change within {KEY_CACHE_S:.0f} s.", err=True)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The options, as they were typed; None and empty leave a setting as it is."""

    tiers: str | None
    requests_per_minute: str | None
    monthly_budget_usd: str | None
    when_spent: WhenSpent | None
    profile: str | None
    max_upgrade_share: str | None
    added_tags: Sequence[str]
    removed_tags: Sequence[str]

    def applied_to(self, key: ApiKey) -> KeySettings:
        """Raise `UsageError` for an option that cannot be read."""
        budget = _given(
            self.monthly_budget_usd, "--monthly-budget-usd", _number, key.monthly_budget_usd
        )
        had_budget = key.monthly_budget_usd is not None
        kept = key.when_spent if had_budget and budget is not None else None
        return KeySettings(
            key.name,
            key.role,
            allowed_tiers=read_tiers(self.tiers) if self.tiers else key.allowed_tiers,
            tags=_tags(key, self.added_tags, self.removed_tags),
            requests_per_minute=_given(
                self.requests_per_minute, "--requests-per-minute", _rate, key.requests_per_minute
            ),
            monthly_budget_usd=budget,
            when_spent=self.when_spent or kept,
            profile=_given(self.profile, "--profile", _profile, key.profile),
            max_upgrade_share=_given(
                self.max_upgrade_share, "--max-upgrade-share", _number, key.max_upgrade_share
            ),
        )


def _given(text: str | None, option: str, read: Callable[[str], T], now: T | None) -> T | None:
    """Return the value of an option: the current one if it was not given, None for `none`."""
    if text is None:
        return now
    if text.casefold() == NONE:
        return None
    try:
        return read(text)
    except ValueError as error:
        raise UsageError(f"{option} {text!r} is not valid: {error}. 'none' removes it.") from error


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ValueError("it must be a number, such as 0.3") from error


def _rate(text: str) -> int:
    if not text.strip().lstrip("+-").isdecimal():
        raise ValueError("it must be a whole number, such as 60")
    rate = int(text)
    if rate < 1:
        raise ValueError("it must be at least 1; to block a key, revoke it")
    return rate


def _profile(text: str) -> Profile:
    profile = profile_named(text)
    if profile is None:
        raise ValueError(f"the profiles are {', '.join(PROFILES)}")
    return profile


def _tags(before: ApiKey, added: Sequence[str], removed: Sequence[str]) -> dict[str, str]:
    unknown = [name for name in removed if name not in before.tags]
    if unknown:
        raise UsageError(
            f"--untag {unknown[0]}: the key has no such tag. It has "
            f"{', '.join(before.tags) or 'none'}."
        )
    kept = {name: value for name, value in before.tags.items() if name not in removed}
    return {**kept, **read_tags(added)}
