"""What of a stage costs money, and what its traffic is like."""

from collections.abc import Mapping
from dataclasses import dataclass

from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.tiers import Tier


@dataclass(frozen=True, slots=True)
class Owned:
    """What is there whether or not anybody sends a request.

    `alarm_metrics` are the metrics that alarms refer to, `steady_metrics` the custom metrics that
    get data every hour, `traffic_metrics` those that only requests write. `hourly`, `daily` and
    `weekly` count the schedules.
    """

    alarm_metrics: int
    dashboards: int
    steady_metrics: int
    traffic_metrics: int
    secrets: int
    customer_keys: int
    hourly: int
    daily: int
    weekly: int


@dataclass(frozen=True, slots=True)
class Deployment:
    """A stage; `config.models` has the prices that are known."""

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
        """Seconds of a function, as a usage of Lambda."""
        gb = (memory_mb or self.memory_mb) / 1024
        return {f"lambda_{self.architecture}_gb_s": seconds * gb}


@dataclass(frozen=True, slots=True)
class Traffic:
    """A month's requests, all alike: tokens of one request and its answer.

    `mix` is the share of the answers by tier; `bypassed` requests (a share of all) are among those
    of Tier 1 and need no router call. `router_s` and `tier_s` say how long one call takes.
    """

    requests: float
    input_tokens: int
    output_tokens: int
    mix: Mapping[Tier, float]
    bypassed: float
    router_s: float
    tier_s: Mapping[Tier, float]

    @property
    def routed(self) -> float:
        """The share of requests that the router LLM is asked about."""
        return 1 - self.bypassed

    @property
    def waiting_s(self) -> float:
        """How long a function waits for models, a request."""
        answers = sum(self.mix[tier] * self.tier_s[tier] for tier in Tier)
        return self.routed * self.router_s + answers
