"""The environment of the weekly workflow's functions, read once, typed."""

import os
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated

from pydantic import Field

from route_switch.domain.config import RouterConfig
from route_switch.domain.learning_config import LearningConfig
from route_switch.settings import Stores, parse_environment


class LearningSettings(Stores):
    """What each of the functions reads."""

    learning: Annotated[LearningConfig, Field(alias="LEARNING_CONFIG")]
    learning_bucket: Annotated[str, Field(alias="LEARNING_BUCKET", min_length=1)]
    stage: Annotated[str, Field(alias="STAGE", min_length=1)]
    runs_topic: Annotated[str, Field(alias="RUNS_TOPIC", min_length=1)]


def parse_learning_settings(environment: Mapping[str, str]) -> LearningSettings:
    """Reads the settings; raises `ConfigurationError` with the variable's or field's name."""
    return parse_environment(
        LearningSettings,
        environment,
        ROUTE_SWITCH_CONFIG=RouterConfig,
        LEARNING_CONFIG=LearningConfig,
    )


@lru_cache(maxsize=1)
def read_learning_settings() -> LearningSettings:
    """The process's settings."""
    return parse_learning_settings(os.environ)
