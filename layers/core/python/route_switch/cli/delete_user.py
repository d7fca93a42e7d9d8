"""`route-switch delete-user`: delete all requests of a user, whichever key made them."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from route_switch.adapters.dynamodb_reads import store_errors
from route_switch.adapters.ssm import SsmPromptStore
from route_switch.api.client_call import MAX_USER_LENGTH
from route_switch.cli.change_recorder import change_recorder
from route_switch.cli.options import JsonOption, StageOption, usage_examples
from route_switch.cli.stage import Deployed, aws_errors, find_deployed
from route_switch.cli.stage_names import UsageError
from route_switch.cli.terminal import say, say_json
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.errors import RouteSwitchError, StoreError
from route_switch.domain.operations.audit import Change
from route_switch.services.operations.audited_deletions import (
    A_USER,
    DELETE_USER,
    requests_in_words,
)
from route_switch.services.operations.delete_texts import DeleteTexts, UndeletedCopy
from route_switch.wiring.deletion import DeletionStores, build_deletion
from route_switch.wiring.owner import show_prompt

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

EXAMPLES = usage_examples("delete-user customer-17 --stage prod", "delete-user customer-17 --yes")
OWNER = ApiKey("owner", "the owner's command line", "admin")
"""Represents the caller, who may use the tables: the service deletes what a key may delete."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """`pending` learning runs hold texts until they end; `remains` could not be deleted."""

    requests: int
    pending: tuple[str, ...]
    remains: tuple[UndeletedCopy, ...]


def delete_user(
    user: Annotated[str, typer.Argument(metavar="USER", help="The `user` field of the requests.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: JsonOption = False,
    stage: StageOption = None,
) -> None:
    """Delete all requests of a user: records, texts, answers, and what learning made of them.

    Does what DELETE /v1/users/{user} with an admin key does, until it is complete. Counters
    stay, because they contain no text. The audit trail records who deleted how many requests, but
    not whose.
    """
    if not 1 <= len(user) <= MAX_USER_LENGTH:
        raise UsageError(f"USER must have 1 to {MAX_USER_LENGTH} characters, as in the requests.")
    deployed = find_deployed(stage)
    if not yes:
        _confirm(user)
    change = Change("texts", DELETE_USER, A_USER)
    with aws_errors():
        record = change_recorder(deployed.connect, deployed.settings.results_table)
        deleted = record(
            change,
            lambda: _delete(_service(deployed), user),
            lambda done: requests_in_words(done.requests),
        )
    if as_json:
        say_json(asdict(deleted), indent=2)
    else:
        for line in _in_words(deleted):
            say(line)
    if not deleted.requests:
        raise RouteSwitchError(
            f"There are no requests of the user {user!r}. USER must match the `user` field of the "
            "requests exactly. Requests that were already deleted are not found."
        )


def _confirm(user: str) -> None:
    try:
        typer.confirm(f"Delete all requests of the user {user!r}? There is no undo.", abort=True)
    except typer.Abort:
        raise RouteSwitchError(
            "Nothing was deleted. Answer y, or add --yes to skip the question."
        ) from None


def _delete(service: DeleteTexts, user: str) -> Deleted:
    """Repeat the call until everything is deleted: one call takes some seconds."""
    requests, pending, part = 0, set[str](), 0
    remains: dict[UndeletedCopy, None] = {}
    while True:
        done = service.of_user(user, OWNER, part)
        requests += done.requests
        pending.update(done.pending)
        remains |= dict.fromkeys(done.remains)
        if done.unfinished_part is None:
            return Deleted(requests, tuple(sorted(pending)), tuple(remains))
        if not done.requests and done.unfinished_part == part:
            raise StoreError(
                f"The store was too slow to continue after {requests} requests. Run the command "
                "again: requests that were already deleted are not read again."
            )
        part = done.unfinished_part
        say(f"{requests} requests deleted so far …", err=True)


def _service(deployed: Deployed) -> DeleteTexts:
    settings = deployed.settings
    prompts = SsmPromptStore(
        deployed.connect("ssm"), settings.live_parameter, settings.seed_parameter
    )
    stores = DeletionStores(
        settings.results_table,
        settings.idempotency_table,
        settings.texts_bucket,
        settings.learning_bucket,
        _backup_days(deployed.connect("dynamodb"), settings.results_table),
    )
    return build_deletion(stores, deployed.connect, show_prompt(prompts).versions)


@store_errors("The state of backups")
def _backup_days(dynamodb: "DynamoDBClient", table: str) -> int:
    found = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    recovery = found.get("PointInTimeRecoveryDescription", {})
    is_on = recovery.get("PointInTimeRecoveryStatus") == "ENABLED"
    return recovery.get("RecoveryPeriodInDays", 35) if is_on else 0


def _in_words(deleted: Deleted) -> Iterator[str]:
    yield f"deleted: {deleted.requests} requests"
    for run in deleted.pending:
        yield f"pending: run {run} holds copies until it or the next run ends"
    for each in deleted.remains:
        yield f"remains: {each.place}: {each.what_to_do}"
