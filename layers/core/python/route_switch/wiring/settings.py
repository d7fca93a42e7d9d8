"""Settings from environment variables, typed."""

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.router_config import RouterConfig, describe


class Stores(BaseModel):
    """Settings of every function that reads or writes requests."""

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
    """Additional settings of the functions behind the API."""

    keys_table: Annotated[str, Field(alias="KEYS_TABLE", min_length=1)]
    idempotency_table: Annotated[str, Field(alias="IDEMPOTENCY_TABLE", min_length=1)]


class Settings(ApiSettings):
    """All settings of the router function."""

    records_queue_url: Annotated[str, Field(alias="RECORDS_QUEUE_URL", min_length=1)]
    learning_bucket: Annotated[str, Field(alias="LEARNING_BUCKET", min_length=1)]
    """Bucket with the numbers of local models."""
    text_hash_secret: Annotated[str | None, Field(alias="TEXT_HASH_SECRET")] = None
    """Name of the Secrets Manager secret that keys the HMAC of stored texts (text_storage
    `hash`)."""


class ManagementSettings(ApiSettings):
    """All settings of the management function."""

    learning_bucket: Annotated[str, Field(alias="LEARNING_BUCKET", min_length=1)]
    backup_days: Annotated[int, Field(alias="BACKUP_DAYS", ge=0)]
    """How far the tables' point-in-time backups reach back; 0 without backups."""


def read_management_settings() -> ManagementSettings:
    """Return the settings of this process. Raises like `parse_settings`."""
    return parse_environment(ManagementSettings, os.environ, ROUTE_SWITCH_CONFIG=RouterConfig)


class DashboardSettings(BaseModel):
    """Settings of the dashboard function, which needs neither models nor texts."""

    model_config = ConfigDict(frozen=True)

    results_table: Annotated[str, Field(alias="RESULTS_TABLE", min_length=1)]
    keys_table: Annotated[str, Field(alias="KEYS_TABLE", min_length=1)]
    live_parameter: Annotated[str, Field(alias="LIVE_PROMPT_PARAMETER", min_length=1)]
    seed_parameter: Annotated[str, Field(alias="SEED_PROMPT_PARAMETER", min_length=1)]
    monthly_budget_usd: Annotated[float | None, Field(alias="MONTHLY_BUDGET_USD", gt=0)] = None
    """None if the stage has no budget."""


def read_dashboard_settings() -> DashboardSettings:
    """Raise `ConfigurationError` naming the invalid variable."""
    return parse_environment(DashboardSettings, os.environ)


def parse_settings(environment: Mapping[str, str]) -> Settings:
    """Raise `ConfigurationError` naming the invalid variable or field."""
    return parse_environment(Settings, environment, ROUTE_SWITCH_CONFIG=RouterConfig)


@lru_cache(maxsize=1)
def read_settings() -> Settings:
    """Return the settings of this process."""
    return parse_settings(os.environ)


Parsed = TypeVar("Parsed", bound=BaseModel)


def parse_environment(
    kind: type[Parsed], environment: Mapping[str, str], **documents: type[BaseModel]
) -> Parsed:
    """`documents` maps variables that contain JSON to the model of their content. Raise
    `ConfigurationError`."""
    try:
        parsed = {
            name: model.model_validate_json(environment.get(name, ""))
            for name, model in documents.items()
        }
        return kind.model_validate({**environment, **parsed})
    except ValidationError as error:
        raise ConfigurationError(describe(error)) from error
