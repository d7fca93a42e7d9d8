"""The owner's views, shared by the API and the dashboard."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from route_switch.adapters.dynamodb_reads import store_errors
from route_switch.adapters.operations.owned_keys import KeysTable
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.ssm import SsmPromptStore
from route_switch.domain.api_keys import ApiKey
from route_switch.services.live_prompt import LivePrompt, ServedPrompt
from route_switch.services.prompts.show_prompt import ShowPrompt

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def all_keys(dynamodb: "DynamoDBClient", table: str) -> Callable[[], list[ApiKey]]:
    """Return a function that returns all keys, including revoked ones, and raises `StoreError`."""
    keys = KeysTable(dynamodb, table)

    @store_errors("The keys table")
    def read() -> list[ApiKey]:
        return [stored.key for stored in keys.all()]

    return read


def show_prompt(prompts: SsmPromptStore) -> ShowPrompt:
    """Its methods raise `StoreError` when the versions cannot be read."""
    pool = ThreadPoolExecutor(1)

    def serving() -> ServedPrompt:
        return LivePrompt(prompts, packaged_prompt(), pool).current()

    return ShowPrompt(store_errors("Parameter Store")(prompts.versions), serving)
