"""The stack's secrets, cached for five minutes."""

import json
from functools import lru_cache
from typing import TYPE_CHECKING

from route_switch.adapters.models.registry import ProviderKeys
from route_switch.wiring.aws_config import IN_REQUEST

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider

SECRET_CACHE_S = 300


def provider_keys(secret: str | None) -> ProviderKeys:
    """Return a function that looks up provider keys in the secret of this name. It returns None for
    a missing key."""

    def find(name: str) -> str | None:
        if secret is None:
            return None
        keys = json.loads(read_secret(secret))
        return keys.get(name) if isinstance(keys, dict) else None

    return find


def read_secret(name: str) -> str:
    return str(secrets_provider().get(name, max_age=SECRET_CACHE_S))


@lru_cache(maxsize=1)
def secrets_provider() -> "SecretsProvider":
    # Imported only if a stage has a secret: this part of Powertools imports boto3.
    from aws_lambda_powertools.utilities.parameters import SecretsProvider

    return SecretsProvider(boto_config=IN_REQUEST)
