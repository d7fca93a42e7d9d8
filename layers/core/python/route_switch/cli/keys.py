"""`route-switch keys`: makes, lists and revokes the keys of a stage."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from route_switch.adapters.keys_table import KeysTable, StoredKey, key_id_of
from route_switch.adapters.operations.dynamodb_totals import DynamoDbTotals
from route_switch.cli.deployed import Deployed, find_deployed
from route_switch.cli.keys_view import Spent, facts, keys_table, limits
from route_switch.cli.new_key import checked_key, read_tags, unpriced_models
from route_switch.cli.stage import STACK_FILE, aws_errors
from route_switch.domain.api_keys import WhenSpent, hash_key, new_key
from route_switch.domain.errors import RouteSwitchError
from route_switch.services.authenticate import KEY_CACHE_S

app = typer.Typer(help="The keys that requests are made with.", no_args_is_help=True)

StageName = Annotated[
    str | None,
    typer.Option("--stage", help=f"Stage that is meant. Without it: the stack in {STACK_FILE}."),
]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="NAME=VALUE", help="May be repeated.")
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose key it is, or what it is for.")],
    tag: Tags = None,
    tiers: Annotated[str, typer.Option(help="Tiers that it may use.")] = "1,2,3",
    requests_per_minute: Annotated[int | None, typer.Option(min=1)] = None,
    monthly_budget_usd: Annotated[
        float | None, typer.Option(help="For a calendar month, in UTC.")
    ] = None,
    when_spent: Annotated[
        WhenSpent | None,
        typer.Option(help="Without a budget left: refuse (the default), or answer with Tier 1."),
    ] = None,
    admin: Annotated[bool, typer.Option("--admin", help="May read costs and the prompt.")] = False,
    as_json: AsJson = False,
    stage: StageName = None,
) -> None:
    """Make a key and print it, once: only its hash is kept."""
    key = new_key()
    key_hash = hash_key(key)
    made = checked_key(
        key_id_of(key_hash),
        name,
        admin=admin,
        tiers=tiers,
        tags=tag or (),
        requests_per_minute=requests_per_minute,
        monthly_budget_usd=monthly_budget_usd,
        when_spent=when_spent,
    )
    deployed = find_deployed(stage)
    with aws_errors():
        stored = StoredKey(made, key_hash, _now(), None)
        _table(deployed).add(made, key_hash, stored.created_at)
    if made.monthly_budget_usd is not None:
        _warn_of_unknown_prices(unpriced_models(made, deployed.settings.router.models))
    typer.echo(
        f"{made.key_id} ({made.name}): {made.role}, {limits(made)}. The key is shown this once; "
        "only its hash is kept.",
        err=True,
    )
    typer.echo(json.dumps({"key": key, **facts(stored, None)}, indent=2) if as_json else key)


@app.command("list")
def list_keys(tag: Tags = None, as_json: AsJson = False, stage: StageName = None) -> None:
    """List the keys, what they may do and what they spent this month; never the keys themselves."""
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
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    Console().print(keys_table(found, spent))


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its key_id or its name.")],
    force: Annotated[bool, typer.Option("--force", help="The last admin key, too.")] = False,
    stage: StageName = None,
) -> None:
    """Let a key make no more requests. It stays in the list."""
    deployed = find_deployed(stage)
    with aws_errors():
        table = _table(deployed)
        known = table.all()
        found = _the_one(key, known)
        name = f"{found.key.key_id} ({found.key.name})"
        if not force and _is_last_admin(found, known):
            raise RouteSwitchError(
                f"{name} is the last admin key: nobody could read costs and the prompt through the "
                "API any more. Make another one first, or add --force."
            )
        if not table.revoke(found.key_hash, _now()):
            typer.echo(f"{name} was revoked already.")
            return
    typer.echo(f"{name} is revoked.")
    typer.echo(f"Processes that are warm may accept it for {KEY_CACHE_S:.0f} s more.", err=True)


def _the_one(wanted: str, known: Sequence[StoredKey]) -> StoredKey:
    """By its id, or by its name among the keys in use; else the one that was revoked last."""
    named = [each for each in known if each.key.name == wanted]
    found = [each for each in known if each.key.key_id == wanted]
    found = found or [each for each in named if not each.key.revoked]
    found = found or sorted(named, key=lambda each: each.revoked_at or "")[-1:]
    if not found:
        raise RouteSwitchError(f"There is no key {wanted!r}. 'route-switch keys list' has them.")
    if len(found) > 1:
        ids = ", ".join(f"{each.key.key_id} (made {each.created_at[:10]})" for each in found)
        raise RouteSwitchError(
            f"{len(found)} keys in use are named {wanted!r}: say which one of {ids}."
        )
    return found[0]


def _is_last_admin(found: StoredKey, known: Sequence[StoredKey]) -> bool:
    in_use = [e.key.key_id for e in known if e.key.role == "admin" and not e.key.revoked]
    return in_use == [found.key.key_id]


def _warn_of_unknown_prices(models: Sequence[str]) -> None:
    if models:
        typer.echo(
            f"warning: the price of {', '.join(models)} is not known, so it is not called for a "
            "key with a budget. State it in cdk.json under models.prices.",
            err=True,
        )


def _table(deployed: Deployed) -> KeysTable:
    return KeysTable(deployed.connect("dynamodb"), deployed.settings.keys_table)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
