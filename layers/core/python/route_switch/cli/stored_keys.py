"""What the commands that change keys share."""

from collections.abc import Callable
from typing import TypeVar

from route_switch.adapters.operations.audited_keys import AuditedKeys
from route_switch.adapters.operations.dynamodb_budgets import DynamoDbBudgets
from route_switch.adapters.operations.dynamodb_totals import DynamoDbTotals
from route_switch.adapters.operations.opened_budgets import OpenedBudgets
from route_switch.cli.change_recorder import change_recorder
from route_switch.cli.stage import Deployed
from route_switch.cli.stage_names import UsageError
from route_switch.cli.terminal import say
from route_switch.cli.words import CLI_WORDS
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.operations.key_settings import setting_warnings
from route_switch.domain.operations.refused_changes import InvalidSettingsError
from route_switch.services.operations.change_keys import ChangeKeys
from route_switch.services.operations.list_keys import ListKeys

T = TypeVar("T")


def change_keys(deployed: Deployed) -> ChangeKeys:
    dynamodb, settings = deployed.connect("dynamodb"), deployed.settings
    keys = AuditedKeys(dynamodb, settings.keys_table, settings.results_table, CLI_WORDS.list_keys)
    record = change_recorder(deployed.connect, settings.results_table)
    budgets = OpenedBudgets(dynamodb, settings.results_table)
    return ChangeKeys(keys, budgets, record.entry, CLI_WORDS)


def keys_of_month(deployed: Deployed) -> ListKeys:
    dynamodb, table = deployed.connect("dynamodb"), deployed.settings.results_table
    return ListKeys(DynamoDbTotals(dynamodb, table), DynamoDbBudgets(dynamodb, table))


def with_options_checked(call: Callable[[], T]) -> T:
    """Blame the command line for invalid settings: raise `UsageError` with the first one."""
    try:
        return call()
    except InvalidSettingsError as error:
        raise UsageError(error.problems[0].message) from error


def warn_of_settings(key: ApiKey, deployed: Deployed) -> None:
    """Say which models the key's budget excludes, and which setting has no effect."""
    models = deployed.settings.router.models
    for warning in setting_warnings(key, models, CLI_WORDS):
        say(f"warning: {warning}", err=True)
