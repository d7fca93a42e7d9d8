"""The environment of the dashboard's function, read once, typed."""

import os
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from route_switch.settings import parse_environment


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
