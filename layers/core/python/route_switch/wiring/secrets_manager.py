"""The stack's secrets, cached for five minutes, and for a day while they cannot be read."""

import json
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, cast

from route_switch.adapters.models.registry import ProviderKeys
from route_switch.domain.errors import StoreError
from route_switch.services.last_good_values import LastGoodValues, Lifetime
from route_switch.wiring.aws_config import QUICK, QUICK_S, clients

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider
    from mypy_boto3_secretsmanager import SecretsManagerClient

SECRET_CACHE_S = 300.0
SECRET_OUTAGE_S = 86_400.0
RENEW_S = 30.0
"""A provider that rejects a key has it read again if it was read longer ago."""
MAX_SECRETS = 8

_reading = Lock()
"""Calls run in several threads, and one of them reads for all."""


def provider_keys(secret: str | None) -> ProviderKeys:
    """Return a function that looks up provider keys in the secret of this name. It returns None for
    a missing key, and raises `StoreError` if no keys of the last day are known."""

    def find(name: str) -> str | None:
        if secret is None:
            return None
        with _reading:
            key = (_keys().get(secret) or {}).get(name)
        return key if isinstance(key, str) else None

    return find


def read_secret(name: str) -> str:
    """Raise `StoreError` if the secret cannot be read and no value of the last day is known."""
    with _reading:
        return str(_secrets().get(name))


def renew_secret(name: str | None) -> None:
    """Read the secret again, unless it was read just now: its owner may have replaced a key."""
    if name is not None:
        with _reading:
            _keys().renew(name, RENEW_S)


@lru_cache(maxsize=1)
def _secrets() -> LastGoodValues[str, str]:
    return LastGoodValues(_fetch, Lifetime(SECRET_CACHE_S, SECRET_OUTAGE_S), MAX_SECRETS)


@lru_cache(maxsize=1)
def _keys() -> LastGoodValues[str, dict[str, object]]:
    return LastGoodValues(_fetch_keys, Lifetime(SECRET_CACHE_S, SECRET_OUTAGE_S), MAX_SECRETS)


def reset() -> None:
    """Forget every secret and the connection to the store."""
    _keys.cache_clear()
    _secrets.cache_clear()
    secrets_provider.cache_clear()


def _fetch_keys(name: str) -> dict[str, object]:
    """Read provider keys. A damaged secret counts as one that cannot be read: the last good keys
    stay in use."""
    try:
        keys = json.loads(_fetch(name))
    except (ValueError, RecursionError):
        keys = None
    if not isinstance(keys, dict):
        raise StoreError(
            f"The secret {name} is not a JSON object of provider keys. Write it again, such as "
            '{"OPENAI_API_KEY": "…"}.'
        )
    return keys


def _fetch(name: str) -> str:
    from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

    try:
        return str(secrets_provider().get(name, force_fetch=True))
    except GetParameterError as error:
        raise StoreError(
            f"The secret {name} cannot be read. Check Secrets Manager and the function's role."
        ) from error


@lru_cache(maxsize=1)
def secrets_provider() -> "SecretsProvider":
    # Imported only if a stage has a secret: this part of Powertools imports boto3.
    from aws_lambda_powertools.utilities.parameters import SecretsProvider

    return SecretsProvider(
        boto3_client=cast("SecretsManagerClient", clients(QUICK, QUICK_S)("secretsmanager"))
    )
