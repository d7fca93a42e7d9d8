"""The environment, read once, typed."""

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from route_switch.domain.errors import ConfigurationError
from route_switch.domain.tiers import ModelCatalog, Tier

TextStorage = Literal["full", "hash", "none"]


class RouterConfig(BaseModel):
    """How requests are routed. A stage of the CDK app holds one; functions get it as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: ModelCatalog
    safe_tier: Tier = Tier.MEDIUM
    bypass_tokens: Annotated[int, Field(ge=0)] = 8
    """A query with fewer estimated tokens goes to Tier 1 without a router call; 0 is off."""
    router_max_input_tokens: Annotated[int, Field(ge=50)] = 1000
    router_timeout_s: Annotated[float, Field(gt=0)] = 6.0
    request_deadline_s: Annotated[float, Field(gt=0, le=890)] = 27.0
    text_storage: TextStorage = "full"
    retention_days: Annotated[int, Field(ge=1)] = 90
    max_body_bytes: Annotated[int, Field(gt=0)] = 1_000_000
    openai_base_url: str = "https://api.openai.com/v1"
    bedrock_region: str | None = None

    @model_validator(mode="after")
    def _router_leaves_time_for_the_tier(self) -> Self:
        if self.router_timeout_s >= self.request_deadline_s:
            raise ValueError("router_timeout_s must be below request_deadline_s")
        return self


class Settings(BaseModel):
    """Everything that the router Lambda reads from its environment."""

    model_config = ConfigDict(frozen=True)

    router: Annotated[RouterConfig, Field(alias="ROUTE_SWITCH_CONFIG")]
    results_table: Annotated[str, Field(alias="RESULTS_TABLE", min_length=1)]
    keys_table: Annotated[str, Field(alias="KEYS_TABLE", min_length=1)]
    texts_bucket: Annotated[str, Field(alias="TEXTS_BUCKET", min_length=1)]
    records_queue_url: Annotated[str, Field(alias="RECORDS_QUEUE_URL", min_length=1)]
    live_parameter: Annotated[str, Field(alias="LIVE_PROMPT_PARAMETER", min_length=1)]
    seed_parameter: Annotated[str, Field(alias="SEED_PROMPT_PARAMETER", min_length=1)]
    text_hash_secret: Annotated[str | None, Field(alias="TEXT_HASH_SECRET")] = None
    """Name of the Secrets Manager secret that keys the HMAC of stored text (storage `hash`)."""
    provider_secret: Annotated[str | None, Field(alias="PROVIDER_SECRET")] = None
    """Name of the Secrets Manager secret with provider keys: `{"OPENAI_API_KEY": "…"}`."""


def parse_settings(environment: Mapping[str, str]) -> Settings:
    """Reads the settings; raises `ConfigurationError` with the variable's or field's name."""
    try:
        config = RouterConfig.model_validate_json(environment.get("ROUTE_SWITCH_CONFIG", ""))
        return Settings.model_validate({**environment, "ROUTE_SWITCH_CONFIG": config})
    except ValidationError as error:
        raise ConfigurationError(describe(error)) from error


def describe(error: ValidationError) -> str:
    """One line: each wrong field with its reason."""
    problems = (
        f"{'.'.join(map(str, problem['loc'])) or error.title}: {problem['msg']}"
        for problem in error.errors(include_url=False, include_input=False)
    )
    return "; ".join(problems)


@lru_cache(maxsize=1)
def read_settings() -> Settings:
    """The process's settings."""
    return parse_settings(os.environ)
