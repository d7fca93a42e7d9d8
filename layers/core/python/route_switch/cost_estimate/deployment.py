"""The inputs of an estimate: a deployed stage and its traffic."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.tiers import Tier


class Owned(BaseModel):
    """How many of each thing the stage owns.

    `alarm_metrics` are the metrics that alarms read, `steady_metrics` the custom metrics that get
    data every hour, and `traffic_metrics` those that only requests write. `hourly`, `daily` and
    `weekly` count the schedules.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    alarm_metrics: int
    dashboards: int
    steady_metrics: int
    traffic_metrics: int
    secrets: int
    customer_keys: int
    hourly: int
    daily: int
    weekly: int


class Deployment(BaseModel):
    """A stage as `python -m infra.billable` prints it. `config.models` has every known price."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str
    region: str
    architecture: str
    memory_mb: int
    tracing: bool
    backups: bool
    log_days: int
    config: RouterConfig
    learning: LearningConfig
    owned: Owned

    def gb_s(self, seconds: float, memory_mb: int | None = None) -> dict[str, float]:
        """Return the Lambda usage of a function that runs for `seconds`."""
        gb = (memory_mb or self.memory_mb) / 1024
        return {f"lambda_{self.architecture}_gb_s": seconds * gb}


@dataclass(frozen=True, slots=True)
class Traffic:
    """A month of identical requests. Tokens are those of one request and its answer.

    `mix` is the share of answers by tier. `bypassed` is the share of all requests that need no
    router call; Tier 1 answers them. `asked` is the share of the others that the router LLM is
    asked about. `router_s` and `tier_s` are the seconds of one call.
    """

    requests: float
    input_tokens: int
    output_tokens: int
    mix: Mapping[Tier, float]
    bypassed: float
    router_s: float
    tier_s: Mapping[Tier, float]
    asked: float = 1.0

    @property
    def routed(self) -> float:
        """The share of requests that call the router LLM."""
        return (1 - self.bypassed) * self.asked

    @property
    def waiting_s(self) -> float:
        """Seconds that a function waits for models, per request."""
        answers = sum(self.mix[tier] * self.tier_s[tier] for tier in Tier)
        return self.routed * self.router_s + answers
