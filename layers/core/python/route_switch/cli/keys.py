"""`route-switch keys`: create, list, rotate and revoke the API keys of a stage.

`cli.set_key` has `keys set`.
"""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from route_switch.cli.chosen_key import find_key
from route_switch.cli.duration import read_duration
from route_switch.cli.keys_view import COLUMNS, facts, key_rows
from route_switch.cli.new_key import read_tags, read_tiers
from route_switch.cli.options import JsonOption, StageOption, usage_examples
from route_switch.cli.rows import print_rows
from route_switch.cli.stage import aws_errors, find_deployed
from route_switch.cli.stored_keys import (
    change_keys,
    keys_of_month,
    warn_of_settings,
    with_options_checked,
)
from route_switch.cli.terminal import say, say_json
from route_switch.cli.words import CLI_WORDS
from route_switch.domain.api_keys import WhenSpent
from route_switch.domain.operations.key_settings import KeySettings, key_with, limits
from route_switch.domain.operations.stored_keys import LONGEST_GRACE
from route_switch.domain.profiles import Profile
from route_switch.services.authenticate import KEY_CACHE_S
from route_switch.services.operations.list_keys import KeyOfMonth

app = typer.Typer(help="Create, list, change, rotate and revoke API keys.", no_args_is_help=True)


@app.command(
    epilog=usage_examples(
        "keys create search --stage prod > search.key",
        "keys create search --tag team=search --tiers 1,2 --monthly-budget-usd 20 "
        "--when-spent downgrade",
        "keys create batch --profile cost",
        "keys create chat --max-upgrade-share 0.3",
        "keys create owner --admin",
    )
)
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Owner or purpose of the key.")],
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="NAME=VALUE", help="Tag of the key. Repeatable."),
    ] = None,
    tiers: Annotated[str, typer.Option(help="Tiers that the key may use.")] = "1,2,3",
    requests_per_minute: Annotated[
        int | None, typer.Option(min=1, help="Rate limit. Default: none.")
    ] = None,
    monthly_budget_usd: Annotated[
        float | None, typer.Option(help="Budget in USD per calendar month (UTC). Default: none.")
    ] = None,
    when_spent: Annotated[
        WhenSpent | None,
        typer.Option(
            help="Once the budget is spent: refuse requests (the default), or downgrade them to "
            "Tier 1."
        ),
    ] = None,
    profile: Annotated[
        Profile | None,
        typer.Option(help="Routing profile of requests that name none. Default: the stage's."),
    ] = None,
    max_upgrade_share: Annotated[
        float | None,
        typer.Option(
            help="Cap on the share of routed requests that go to Tier 3, such as 0.3; 1 is no cap. "
            "Default: the stage's."
        ),
    ] = None,
    admin: Annotated[
        bool,
        typer.Option(
            "--admin", help="Also allow reading costs, and changing prompts, keys and switches."
        ),
    ] = False,
    as_json: JsonOption = False,
    stage: StageOption = None,
) -> None:
    """Create a key and print it once; only its hash is stored."""
    settings = KeySettings(
        name,
        "admin" if admin else "client",
        read_tiers(tiers),
        read_tags(tag or ()),
        requests_per_minute,
        monthly_budget_usd,
        when_spent,
        profile,
        max_upgrade_share,
    )
    with_options_checked(lambda: key_with(settings, "", CLI_WORDS))
    deployed = find_deployed(stage)
    with aws_errors():
        made = change_keys(deployed).create(settings, _now())
    key = made.stored.key
    warn_of_settings(key, deployed)
    say(
        f"{made.stored.label}: {key.role}, {limits(key, _now())}. Save the key now: "
        "it is shown only once, and only its hash is stored.",
        err=True,
    )
    said = {"key": made.secret, **facts(KeyOfMonth(made.stored))}
    say(json.dumps(said, indent=2) if as_json else made.secret)


@app.command(
    "list", epilog=usage_examples("keys list --stage prod", "keys list --tag team=search --json")
)
def list_keys(
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="NAME=VALUE", help="List keys with this tag. Repeatable."),
    ] = None,
    as_json: JsonOption = False,
    stage: StageOption = None,
) -> None:
    """List keys with their limits and this month's spend; the keys themselves are not stored."""
    wanted = read_tags(tag or ()).items()
    deployed = find_deployed(stage)
    with aws_errors():
        known = change_keys(deployed).keys.all()
        found = [each for each in known if wanted <= each.key.tags.items()]
        shown = keys_of_month(deployed)(found, datetime.now(UTC))
    if as_json:
        say_json([facts(each) for each in shown], indent=2)
        return
    print_rows(COLUMNS, key_rows(shown), whole=True)


@app.command(
    epilog=usage_examples(
        "keys rotate search --stage prod > search.key",
        "keys rotate search --grace 7d --stage prod > search.key",
        "keys rotate search --grace 0 --stage prod > search.key",
    )
)
def rotate(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key's key_id or name.")],
    grace: Annotated[
        str,
        typer.Option(
            help="How long the former secret stays valid, such as 90m, 24h or 7d; 0 ends it now."
        ),
    ] = "24h",
    as_json: JsonOption = False,
    stage: StageOption = None,
) -> None:
    """Give a key a new secret and print it once. Its id, limits, budget and records stay.

    The former secret expires after --grace. Rotating again before that can shorten the life of
    earlier secrets, if --grace is shorter, but never extends it.
    """
    period = read_duration(grace, "--grace", LONGEST_GRACE)
    deployed = find_deployed(stage)
    with aws_errors():
        change = change_keys(deployed)
        made = change.rotate(find_key(key, change.keys.all()), period, _now())
    ends_at = _now() if made.former_ends_at is None else made.former_ends_at
    say(
        f"{made.stored.label} has a new secret. Save it now: it is shown only once. The former one "
        f"is valid until {ends_at:%Y-%m-%d %H:%M:%S} UTC; warm processes may accept it without "
        f"this end for {KEY_CACHE_S:.0f} s from now.",
        err=True,
    )
    said = {
        "key": made.secret,
        "key_id": made.stored.key.key_id,
        "former_secret_ends_at": ends_at.isoformat(),
    }
    say(json.dumps(said, indent=2) if as_json else made.secret)


@app.command(epilog=usage_examples("keys revoke search --stage prod"))
def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key's key_id or name.")],
    force: Annotated[
        bool, typer.Option("--force", help="Revoke the key even if it is the last admin key.")
    ] = False,
    stage: StageOption = None,
) -> None:
    """Revoke a key with all its secrets. It stays in the list."""
    deployed = find_deployed(stage)
    with aws_errors():
        change = change_keys(deployed)
        known = change.keys.all()
        found = find_key(key, known)
        done = change.revoke(found, known, _now(), force=force)
    if not done:
        say(f"{found.label} was revoked already.")
        return
    say(f"{found.label} is revoked.")
    say(f"Warm processes may accept it for {KEY_CACHE_S:.0f} s more.", err=True)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
