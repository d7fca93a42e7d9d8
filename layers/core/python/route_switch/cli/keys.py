"""`route-switch keys`: create, list and revoke the API keys of a stage."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from route_switch.adapters.keys_table import KeysTable, StoredKey, key_id_of
from route_switch.adapters.operations.dynamodb_totals import DynamoDbTotals
from route_switch.cli.keys_view import COLUMNS, Spent, facts, key_rows, limits
from route_switch.cli.new_key import checked_key, read_tags, unpriced_models
from route_switch.cli.options import JsonOption, StageOption, usage_examples
from route_switch.cli.rows import print_rows
from route_switch.cli.stage import Deployed, aws_errors, find_deployed
from route_switch.cli.terminal import say, say_json
from route_switch.domain.api_keys import WhenSpent, hash_key, new_key
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.profiles import Profile
from route_switch.services.authenticate import KEY_CACHE_S

app = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True)


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
        stored = StoredKey(created, key_hash, _now(), None)
        _table(deployed).add(created, key_hash, stored.created_at)
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


@app.command(epilog=usage_examples("keys revoke search --stage prod"))
def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key's key_id or name.")],
    force: Annotated[
        bool, typer.Option("--force", help="Revoke the key even if it is the last admin key.")
    ] = False,
    stage: StageOption = None,
) -> None:
    """Revoke a key. It stays in the list."""
    deployed = find_deployed(stage)
    with aws_errors():
        table = _table(deployed)
        known = table.all()
        found = _find_key(key, known)
        name = f"{found.key.key_id} ({found.key.name})"
        if not force and _is_last_admin(found, known):
            raise RouteSwitchError(
                f"{name} is the last admin key: without it, nobody can read costs and prompts "
                "through the API. Create another admin key first, or add --force."
            )
        if not table.revoke(found.key_hash, _now()):
            say(f"{name} was revoked already.")
            return
    say(f"{name} is revoked.")
    say(f"Warm processes may accept it for {KEY_CACHE_S:.0f} s more.", err=True)


def _find_key(wanted: str, known: Sequence[StoredKey]) -> StoredKey:
    """Return the key with this id, else the active key with this name, else the one revoked last.

    Raise `RouteSwitchError` if several active keys have this name.
    """
    named = [each for each in known if each.key.name == wanted]
    found = [each for each in known if each.key.key_id == wanted]
    found = found or [each for each in named if not each.key.revoked]
    found = found or sorted(named, key=lambda each: each.revoked_at or "")[-1:]
    if not found:
        raise RouteSwitchError(f"There is no key {wanted!r}. 'route-switch keys list' lists them.")
    if len(found) > 1:
        ids = ", ".join(f"{each.key.key_id} (created {each.created_at[:10]})" for each in found)
        raise RouteSwitchError(
            f"{len(found)} active keys are named {wanted!r}. Revoke one by its key_id: {ids}."
        )
    return found[0]


def _is_last_admin(found: StoredKey, known: Sequence[StoredKey]) -> bool:
    active = [e.key.key_id for e in known if e.key.role == "admin" and not e.key.revoked]
    return active == [found.key.key_id]


def _warn_of_unknown_prices(models: Sequence[str]) -> None:
    if models:
        say(
            f"warning: no price is known for {', '.join(models)}, and a key with a budget cannot "
            "use such a model. Set its price in cdk.json, under models.prices.",
            err=True,
        )


def _table(deployed: Deployed) -> KeysTable:
    return KeysTable(deployed.connect("dynamodb"), deployed.settings.keys_table)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
