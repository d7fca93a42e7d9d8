"""`route-switch keys`: create, list, rotate and revoke the API keys of a stage."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from route_switch.adapters.keys_table import key_id_of
from route_switch.adapters.operations.dynamodb_audit import DynamoDbAudit
from route_switch.adapters.operations.dynamodb_totals import DynamoDbTotals
from route_switch.adapters.operations.owned_keys import KeysTable, StoredKey
from route_switch.cli.change_recorder import change_recorder
from route_switch.cli.chosen_key import check_may_rotate, find_key, is_last_admin
from route_switch.cli.duration import read_duration
from route_switch.cli.keys_view import COLUMNS, Spent, facts, key_rows, limits
from route_switch.cli.new_key import checked_key, read_tags, unpriced_models
from route_switch.cli.options import JsonOption, StageOption, usage_examples
from route_switch.cli.rows import print_rows
from route_switch.cli.stage import Deployed, aws_errors, find_deployed
from route_switch.cli.terminal import say, say_json
from route_switch.domain.api_keys import WhenSpent, hash_key, new_key
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.operations.audit import Change
from route_switch.domain.profiles import Profile
from route_switch.services.authenticate import KEY_CACHE_S

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

LONGEST_GRACE = timedelta(days=30)

app = typer.Typer(help="Create, list, rotate and revoke API keys.", no_args_is_help=True)


@app.command(
    epilog=usage_examples(
        "keys create search --stage prod > search.key",
        "keys create search --tag team=search --tiers 1,2 --monthly-budget-usd 20 "
        "--when-spent downgrade",
        "keys create batch --profile cost",
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
    admin: Annotated[
        bool, typer.Option("--admin", help="Also allow reading costs and prompts.")
    ] = False,
    as_json: JsonOption = False,
    stage: StageOption = None,
) -> None:
    """Create a key and print it once; only its hash is stored."""
    key = new_key()
    key_hash = hash_key(key)
    created = checked_key(
        key_id_of(key_hash),
        name,
        admin=admin,
        tiers=tiers,
        tags=tag or (),
        requests_per_minute=requests_per_minute,
        monthly_budget_usd=monthly_budget_usd,
        when_spent=when_spent,
        profile=profile,
    )
    deployed = find_deployed(stage)
    with aws_errors():
        stored = StoredKey(created, key_hash, _now().isoformat(timespec="seconds"), None)
        change = Change(
            "keys", "create", created.key_id, None, f"{created.role}; {limits(created)}"
        )
        written = _audit(deployed, change)
        _table(deployed).add(created, key_hash, stored.created_at, (written,))
    if created.monthly_budget_usd is not None:
        _warn_of_unknown_prices(unpriced_models(created, deployed.settings.router.models))
    say(
        f"{created.key_id} ({created.name}): {created.role}, {limits(created)}. Save the key now: "
        "it is shown only once, and only its hash is stored.",
        err=True,
    )
    say(json.dumps({"key": key, **facts(stored, None)}, indent=2) if as_json else key)


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
        found = [each for each in _table(deployed).all() if wanted <= each.key.tags.items()]
        totals = DynamoDbTotals(deployed.connect("dynamodb"), deployed.settings.results_table)
        key_ids = [each.key.key_id for each in found]
        of_keys = totals.of_keys(key_ids, [f"{datetime.now(UTC):%Y-%m}"])
        spent = {key_id: Spent.of(counters) for key_id, counters in of_keys.items()}
    if as_json:
        rows = [facts(each, spent[each.key.key_id]) for each in found]
        say_json(rows, indent=2)
        return
    print_rows(COLUMNS, key_rows(found, spent))


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

    The former secret ends by itself after --grace. Rotating again during that time shortens the
    time of earlier secrets where --grace is shorter, and never prolongs it.
    """
    period = read_duration(grace, "--grace", LONGEST_GRACE)
    deployed = find_deployed(stage)
    secret, now = new_key(), _now()
    with aws_errors():
        table = _table(deployed)
        found = find_key(key, table.all())
        name = f"{found.key.key_id} ({found.key.name})"
        check_may_rotate(found, name, now, period)
        ends_at = now + period
        change = Change(
            "keys", "rotate", found.key.key_id, None, f"former secret ends {_at(ends_at)}"
        )
        written = _audit(deployed, change)
        table.rotate(found, hash_key(secret), now, ends_at, (written,))
    say(
        f"{name} has a new secret. Save it now: it is shown only once. The former one is valid "
        f"until {_at(ends_at)}; warm processes may accept it without this end for "
        f"{KEY_CACHE_S:.0f} s from now.",
        err=True,
    )
    said = {"key": secret, "key_id": found.key.key_id, "former_secret_ends_at": ends_at.isoformat()}
    say(json.dumps(said, indent=2) if as_json else secret)


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
        table = _table(deployed)
        known = table.all()
        found = find_key(key, known)
        name = f"{found.key.key_id} ({found.key.name})"
        if not force and is_last_admin(found, known):
            raise RouteSwitchError(
                f"{name} is the last admin key: without it, nobody can read costs and prompts "
                "through the API. Create another admin key first, or add --force."
            )
        written = _audit(deployed, Change("keys", "revoke", found.key.key_id, "valid", "revoked"))
        if not table.revoke(found, _now(), (written,)):
            say(f"{name} was revoked already.")
            return
    say(f"{name} is revoked.")
    say(f"Warm processes may accept it for {KEY_CACHE_S:.0f} s more.", err=True)


def _warn_of_unknown_prices(models: Sequence[str]) -> None:
    if models:
        say(
            f"warning: no price is known for {', '.join(models)}, and a key with a budget cannot "
            "use such a model. Set its price in cdk.json, under models.prices.",
            err=True,
        )


def _table(deployed: Deployed) -> KeysTable:
    return KeysTable(deployed.connect("dynamodb"), deployed.settings.keys_table)


def _audit(deployed: Deployed, change: Change) -> "TransactWriteItemTypeDef":
    """Return the entry of the audit trail, to be written with the change."""
    table = deployed.settings.results_table
    entry = change_recorder(deployed.connect, table).entry(change)
    return DynamoDbAudit(deployed.connect("dynamodb"), table).put(entry)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
