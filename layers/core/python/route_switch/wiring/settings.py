"""The environment, read once, typed."""

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.router_config import RouterConfig, describe


class Stores(BaseModel):
    """What every function that knows requests reads from its environment."""

    model_config = ConfigDict(frozen=True)

    router: Annotated[RouterConfig, Field(alias="ROUTE_SWITCH_CONFIG")]
    results_table: Annotated[str, Field(alias="RESULTS_TABLE", min_length=1)]
    texts_bucket: Annotated[str, Field(alias="TEXTS_BUCKET", min_length=1)]
    live_parameter: Annotated[str, Field(alias="LIVE_PROMPT_PARAMETER", min_length=1)]
    seed_parameter: Annotated[str, Field(alias="SEED_PROMPT_PARAMETER", min_length=1)]
    switches_parameter: Annotated[str, Field(alias="SWITCHES_PARAMETER", min_length=1)]
    provider_secret: Annotated[str | None, Field(alias="PROVIDER_SECRET")] = None
    """Name of the Secrets Manager secret with provider keys: `{"OPENAI_API_KEY": "…"}`."""


class ApiSettings(Stores):
    """What the functions behind the API read beside that."""

    keys_table: Annotated[str, Field(alias="KEYS_TABLE", min_length=1)]
    idempotency_table: Annotated[str, Field(alias="IDEMPOTENCY_TABLE", min_length=1)]


class Settings(ApiSettings):
    """Everything that the router Lambda reads from its environment."""

    records_queue_url: Annotated[str, Field(alias="RECORDS_QUEUE_URL", min_length=1)]
    text_hash_secret: Annotated[str | None, Field(alias="TEXT_HASH_SECRET")] = None
    """Name of the Secrets Manager secret that keys the HMAC of stored text (storage `hash`)."""


class ManagementSettings(ApiSettings):
    """Everything that the management Lambda reads from its environment."""

    learning_bucket: Annotated[str, Field(alias="LEARNING_BUCKET", min_length=1)]
    backup_days: Annotated[int, Field(alias="BACKUP_DAYS", ge=0)]
    """How long point-in-time backups of the tables reach back; 0 where there are none."""


def read_management_settings() -> ManagementSettings:
    """The process's settings; raises as `parse_settings` does."""
    return parse_environment(ManagementSettings, os.environ, ROUTE_SWITCH_CONFIG=RouterConfig)


class DashboardSettings(BaseModel):
    """Less than other functions read: it knows no models and no texts."""

    model_config = ConfigDict(frozen=True)

    results_table: Annotated[str, Field(alias="RESULTS_TABLE", min_length=1)]
    keys_table: Annotated[str, Field(alias="KEYS_TABLE", min_length=1)]
    live_parameter: Annotated[str, Field(alias="LIVE_PROMPT_PARAMETER", min_length=1)]
    seed_parameter: Annotated[str, Field(alias="SEED_PROMPT_PARAMETER", min_length=1)]
    monthly_budget_usd: Annotated[float | None, Field(alias="MONTHLY_BUDGET_USD", gt=0)] = None
    """Absent where the stage has none."""


def read_dashboard_settings() -> DashboardSettings:
    """Raises `ConfigurationError` with the variable's name."""
    return parse_environment(DashboardSettings, os.environ)


def parse_settings(environment: Mapping[str, str]) -> Settings:
    """Reads the settings; raises `ConfigurationError` with the variable's or field's name."""
    return parse_environment(Settings, environment, ROUTE_SWITCH_CONFIG=RouterConfig)


@lru_cache(maxsize=1)
def read_settings() -> Settings:
    """The process's settings."""
    return parse_settings(os.environ)


Parsed = TypeVar("Parsed", bound=BaseModel)


def parse_environment(
    kind: type[Parsed], environment: Mapping[str, str], **documents: type[BaseModel]
) -> Parsed:
    """`documents` are variables that hold JSON, with what it is of. Raises `ConfigurationError`."""
    try:
        parsed = {
            name: model.model_validate_json(environment.get(name, ""))
            for name, model in documents.items()
        }
        return kind.model_validate({**environment, **parsed})
    except ValidationError as error:
        raise ConfigurationError(describe(error)) from error
