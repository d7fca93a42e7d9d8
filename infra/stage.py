"""The typed configuration of a stage, read from the context in cdk.json."""

import json
import platform
import sys
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
    model_validator,
)

from route_switch.adapters.models.litellm_catalog import litellm_providers
from route_switch.adapters.models.registry import FACTORIES
from route_switch.domain.errors import ConfigurationError
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.providers import provider_of
from route_switch.domain.router_config import RouterConfig, describe
from route_switch.domain.strategies.registry import strategy_named

DEFAULT_PROFILE = "offline"
CHOSEN_BY_ENVIRONMENT = "openai"
"""The profile whose models and server the environment may choose, on stage local."""
_LAMBDA_ARCHITECTURES = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}

ROUTER_MB = 512
"""Chosen by measurement: docs/costs.md, "The router's memory"."""
WITH_LITELLM_MB = 2048
"""Importing LiteLLM takes seconds of a whole processor."""

Architecture = Literal["arm64", "x86_64"]
LogRetention = Literal["ONE_DAY", "ONE_WEEK", "ONE_MONTH", "THREE_MONTHS", "ONE_YEAR"]
Rollout = Literal["at_once", "canary"]
Encryption = Literal["aws", "customer"]
Authorizer = Literal["keys", "iam"]


class Stage(BaseModel):
    """One deployment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["local", "dev", "staging", "prod"]
    """The stage's name: its key in cdk.json."""
    region: Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
    """AWS region."""
    python: Annotated[str, Field(pattern=r"^3\.\d{2}$")] = "3.14"
    """Python version of the functions; `host` is this machine's."""
    architecture: Architecture = "arm64"
    """Processor of the functions; `host` is this machine's."""
    memory_mb: Annotated[int, Field(ge=128, le=10_240)] | None = None
    """Memory of the router function. Lambda charges for it while a request waits for a model. Null:
    512 MB, or 2,048 MB with LiteLLM's layer."""
    reserved_concurrency: Annotated[int, Field(ge=1)] | None = None
    """Concurrent executions reserved for the router, which are also its maximum; null reserves
    none. A new account may have 10 in total, none of which can be reserved."""
    rollout: Rollout = "canary"
    """A new version answers all requests `at_once`, or first a tenth of them for five minutes."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Log level of the functions."""
    log_retention: LogRetention = "ONE_MONTH"
    """How long logs are kept."""
    requests_per_second: Annotated[int, Field(ge=1)] = 50
    """Rate limit of the whole API."""
    burst: Annotated[int, Field(ge=1)] = 100
    """Requests that the API accepts at once above that rate."""
    cors_origins: tuple[Annotated[str, Field(pattern=r"^(\*|https?://[^/\s]+)$")], ...] = ()
    """Origins of web pages that may call the API (CORS); `*` is every origin."""
    authorizer: Authorizer = "keys"
    """Who may call the API: everyone with one of its `keys`, or only principals that `iam` policies
    allow, with requests signed by AWS's Signature Version 4. These also send a key
    in `x-api-key`."""
    tracing: bool = True
    """Trace requests with X-Ray."""
    retain: bool = False
    """Keep the data when the stack is deleted."""
    protect: bool | None = None
    """Protect the stack and its tables from deletion; null does so if the stage retains its data. A
    first deployment that fails can be undone only without protection: `-c protect=false`."""
    account_log_role: bool = True
    """Set API Gateway's role for logs. An account has one for each region."""
    backups: bool = True
    """Back up the tables continuously, so that any point of the last 35 days can be restored."""
    encryption: Encryption = "aws"
    """Encrypt at rest with keys that AWS owns or manages, or with one key of the `customer`."""
    notify_email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")] | None = None
    """Address for alarms and for the end of learning runs. AWS asks it to confirm."""
    monthly_budget_usd: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """An alarm fires when a month's model calls, learning included, are on pace to exceed this.
    Nothing is stopped; a key's own budget is enforced."""
    router: RouterConfig
    """How requests are routed."""
    learning: LearningConfig = LearningConfig()
    """How the stage learns."""

    @field_validator("python", mode="before")
    @classmethod
    def _host_python(cls, value: object) -> object:
        return f"{sys.version_info.major}.{sys.version_info.minor}" if value == "host" else value

    @field_validator("architecture", mode="before")
    @classmethod
    def _host_architecture(cls, value: object) -> object:
        machine = platform.machine()
        return _LAMBDA_ARCHITECTURES.get(machine, machine) if value == "host" else value

    @model_validator(mode="after")
    def _every_model_has_a_client(self) -> Self:
        foreign = self.foreign_providers
        unknown = sorted(foreign - litellm_providers()) if foreign else []
        if unknown:
            raise ValueError(
                f"router.models: unknown provider '{unknown[0]}'. Known are "
                f"{', '.join(sorted(FACTORIES))}, and those providers of LiteLLM that need only a "
                "key. For an OpenAI-compatible server, name the model openai/… and set "
                "router.openai_base_url"
            )
        return self

    @model_validator(mode="after")
    def _learning_reads_what_is_kept(self) -> Self:
        if self.learning.days > self.router.retention_days:
            raise ValueError(
                f"learning.days is {self.learning.days}, but router.retention_days is only "
                f"{self.router.retention_days}: learn from fewer days, or keep requests longer"
            )
        return self

    @model_validator(mode="after")
    def _strategy_exists(self) -> Self:
        try:
            strategy_named(self.router.strategy or "prompt")
        except ConfigurationError as error:
            raise ValueError(str(error)) from error
        return self

    @property
    def protected(self) -> bool:
        return self.retain if self.protect is None else self.protect

    def bounded(self, executions: int) -> int | None:
        """Return the concurrent executions that a smaller function may use, or None (unbounded) if
        the stage reserves none for the router: a bound is a reservation, which a new account has no
        room for."""
        return None if self.reserved_concurrency is None else executions

    @property
    def learning_providers(self) -> frozenset[str]:
        """The providers of models that only learning calls, in an image that has LiteLLM."""
        names = (self.learning.proposer, self.learning.judge)
        return frozenset(provider_of(name) for name in names if name is not None)

    @property
    def providers(self) -> frozenset[str]:
        """The providers of the models that route and answer: their names up to the slash."""
        return frozenset(provider_of(name) for name in self.router.models.names)

    @property
    def router_memory_mb(self) -> int:
        if self.memory_mb is not None:
            return self.memory_mb
        return WITH_LITELLM_MB if self.foreign_providers else ROUTER_MB

    @property
    def foreign_providers(self) -> frozenset[str]:
        """The `providers` for which only LiteLLM has a client."""
        return self.providers - FACTORIES.keys()


def load_stage(
    context: Mapping[str, JsonValue], name: str, environment: Mapping[str, str]
) -> Stage:
    """Read stage `name`. Raise `ConfigurationError` with each wrong field and its reason.

    The stage names the profile with its models; without a name, `ROUTE_SWITCH_PROFILE` in the
    environment does. The stage's own settings of router and learning override the profile's.
    `protect` in the context (`-c protect=false`) overrides the stage's.
    """
    stage = _entry(context, "stages", name)
    if "protect" in context:
        stage["protect"] = context["protect"]
    own_profile = stage.pop("profile", None)
    profile_name = str(own_profile or environment.get("ROUTE_SWITCH_PROFILE") or DEFAULT_PROFILE)
    profile = _entry(context, "profiles", profile_name)
    learning = profile.pop("learning", {})
    own = {key: stage.get(key) for key in ("router", "learning")}
    stage["router"] = _merged(profile, own["router"])
    if name == "local" and "OFFLINE_ANSWER_S" in environment:
        pace: JsonValue = {"offline_answer_s": environment["OFFLINE_ANSWER_S"]}
        stage["router"] = _merged(stage["router"], pace)
    stage["learning"] = _merged(learning, own["learning"])
    try:
        # As JSON, because tiers are JSON object keys here ("1").
        parsed = Stage.model_validate_json(json.dumps({**stage, "name": name}))
        if profile_name == CHOSEN_BY_ENVIRONMENT:
            return _with_environment(parsed, environment)
        return parsed
    except ValidationError as error:
        raise ConfigurationError(f"cdk.json, stage {name}: {describe(error)}") from error


def _merged(profile: JsonValue, own: JsonValue) -> JsonValue:
    if own is None:
        return profile
    return {**profile, **own} if isinstance(profile, dict) and isinstance(own, dict) else own


def _entry(context: Mapping[str, JsonValue], kind: str, name: str) -> dict[str, JsonValue]:
    entries = context.get(kind)
    entry = entries.get(name) if isinstance(entries, dict) else None
    if not isinstance(entry, dict):
        known = ", ".join(entries) if isinstance(entries, dict) else "none"
        raise ConfigurationError(f"cdk.json, {kind}: no object named {name!r}; there are: {known}")
    return dict(entry)


def _with_environment(stage: Stage, environment: Mapping[str, str]) -> Stage:
    """On stage local, let the environment choose the OpenAI models and their server."""
    if stage.name != "local" or stage.providers != {"openai"}:
        return stage

    def chosen(variable: str, default: str) -> str:
        name = environment.get(variable)
        return f"openai/{name.removeprefix('openai/')}" if name else default

    data = stage.model_dump(mode="json")
    router, models = data["router"], data["router"]["models"]
    for tier, of in models["tiers"].items():
        of["model"] = chosen(f"TIER_{tier}_MODEL", of["model"])
    models["router"] = chosen("ROUTER_MODEL", models["router"])
    router["openai_base_url"] = environment.get("OPENAI_BASE_URL") or router["openai_base_url"]
    return Stage.model_validate_json(json.dumps(data))
