"""Parameters of tiers that their models would refuse, found at synthesis."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from route_switch.adapters.models.bedrock_reasoning import takes_budget, takes_effort
from route_switch.adapters.models.litellm_catalog import refuses_effort
from route_switch.domain.errors import ConfigurationError
from route_switch.domain.needs import Capabilities
from route_switch.domain.parameters import with_provider_rules
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.tiers import Tier, TierModels

if TYPE_CHECKING:
    from route_switch.domain.tier_parameters import TierParameters

OPENAI = "https://api.openai.com/"


def check_tiers(config: RouterConfig) -> None:
    """Raise `ConfigurationError` for parameters that a tier's own model does not take, as far as
    that is known. Fallbacks get what they take."""
    for tier in sorted(config.models.tiers):
        of = config.models.tiers[tier]
        reason = next(_reasons(of, config), None)
        if reason is not None:
            raise ConfigurationError(_message(tier, of, reason))


def _message(tier: Tier, of: TierModels, reason: str) -> str:
    return f"router.models.tiers.{tier.value}.params: {of.model} {reason}"


def _reasons(of: TierModels, config: RouterConfig) -> Iterator[str]:
    known = config.models.capabilities.get(of.model)
    provider, _, model = of.model.partition("/")
    takes = with_provider_rules(provider, model, known or Capabilities())
    yield from _of_thinking(of, known, config)
    yield from _of_sampling(of.params, takes)
    yield from _of_limits(of.params, takes)
    if of.params.verbosity is not None and (provider == "bedrock" or "claude" in model):
        yield "takes no verbosity. Remove it, or say it in the system message"


def _of_thinking(of: TierModels, known: Capabilities | None, config: RouterConfig) -> Iterator[str]:
    effort, budget = of.params.reasoning_effort, of.params.thinking_budget_tokens
    if not _thinks(of.params):
        return
    field = "reasoning_effort" if budget is None else "thinking_budget_tokens"
    if known is not None and not known.reasoning:
        yield f"does not think, so it takes no {field}. Remove it, or choose a model that reasons"
    if effort is not None and refuses_effort(of.model, effort):
        yield f"does not take reasoning_effort {effort}. Choose another effort"
    provider, _, model = of.model.partition("/")
    if provider == "bedrock":
        yield from _of_bedrock(model, field, effort)
    official = provider == "openai" and config.openai_base_url.startswith(OPENAI)
    if budget is not None and official:
        yield "takes no thinking_budget_tokens. Set reasoning_effort instead"


def _of_bedrock(model: str, field: str, effort: str | None) -> Iterator[str]:
    takes = takes_budget if field == "thinking_budget_tokens" else takes_effort
    if not takes(model):
        yield f"takes no {field} on Bedrock. Remove it, or choose another model"
    if "nova-2" in model and effort in ("high", "xhigh", "max"):
        yield (
            f"takes no output limit at reasoning_effort {effort}, and every answer here has one. "
            "Use medium"
        )


def _thinks(params: "TierParameters") -> bool:
    has_budget = params.thinking_budget_tokens is not None
    return has_budget or params.reasoning_effort not in (None, "none")


def _of_sampling(params: "TierParameters", takes: Capabilities) -> Iterator[str]:
    stated = [name for name in ("temperature", "top_p") if getattr(params, name) is not None]
    if stated and not takes.sampling:
        yield f"takes no {stated[0]}. Remove it"
    if len(stated) == 2 and takes.one_of_temperature_and_top_p:
        yield "takes temperature or top_p, not both. Remove one"
    highest, temperature = takes.max_temperature, params.temperature
    if highest is not None and temperature is not None and temperature > highest:
        yield f"takes a temperature of at most {highest:g}, not {temperature:g}. Lower it"
    if stated and _thinks(params) and takes.one_of_temperature_and_top_p:
        yield f"takes no {stated[0]} while it thinks. Remove it"


def _of_limits(params: "TierParameters", takes: Capabilities) -> Iterator[str]:
    most = takes.output_tokens
    for name in ("max_tokens", "thinking_budget_tokens"):
        value = getattr(params, name)
        if most is not None and value is not None and value > most:
            yield f"writes at most {most:,} tokens, but {name} is {value:,}. Lower it"
