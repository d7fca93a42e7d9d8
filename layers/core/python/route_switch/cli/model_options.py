"""Models, prices and metered calls for the commands that learn and measure."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from importlib.util import find_spec
from urllib.parse import urlsplit

import httpx

from route_switch.adapters.models.learning_clients import learning_clients
from route_switch.adapters.models.litellm_catalog import list_price, litellm_providers
from route_switch.adapters.models.registry import FACTORIES
from route_switch.cli.stage_names import UsageError
from route_switch.domain.errors import ConfigurationError, ProviderDownError, RunStoppedError
from route_switch.domain.learning.learning_config import OptimizerName, why_too_few_trials
from route_switch.domain.learning.learning_ports import AnswerMemo, SpendingCap
from route_switch.domain.learning.outcome import tiers_of
from route_switch.domain.learning.quantities import MAX_LAMBDA
from route_switch.domain.pricing import MAX_USD_PER_MILLION, Price
from route_switch.domain.providers import IN_PROCESS, provider_of
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.tier_parameters import model_of, name_with, of_model, split_name
from route_switch.domain.tiers import Tier
from route_switch.services.learning.metered_calls import MeteredCalls
from route_switch.services.learning.pace import Pace

FREE = Price(input_usd_per_million=0, output_usd_per_million=0)
_OPENAI = str(RouterConfig.model_fields["openai_base_url"].default)
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})

FIRST_ANSWER_S = 60.0
"""How long a command waits for a model that it has not reached yet: a wrong address is more likely
than an outage of its provider."""

PriceOf = Callable[[str], Price | None]


def tier_models(tiers: str) -> dict[Tier, str]:
    """Parse `--tiers`; raise `UsageError`."""
    names = (name.strip() for name in tiers.split(","))
    try:
        return tiers_of(tuple(name_with(*split_name(name)) for name in names))
    except ConfigurationError as error:
        raise UsageError(str(error)) from error


def check_provider(model: str) -> None:
    """Raise `UsageError` for a model whose provider no client serves."""
    provider = provider_of(model)
    if provider in FACTORIES:
        return
    served = litellm_providers() if find_spec("litellm") else frozenset()
    if provider in served:
        return
    close = get_close_matches(provider, [*FACTORIES, *served], 1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    others = (
        f", and {len(served)} providers of LiteLLM's, such as anthropic, gemini and mistral"
        if served
        else "; more with the extra route-switch[litellm]"
    )
    raise UsageError(
        f"route-switch cannot call '{model}': its provider, '{provider}', is unknown.{hint} Known "
        f"are {', '.join(sorted(FACTORIES))}{others}."
    )


def check_lambda(lambda_: float) -> None:
    if not 0 <= lambda_ <= MAX_LAMBDA:
        raise UsageError(
            f"--lambda is {lambda_}, but must be from 0 to {MAX_LAMBDA:,.0f}, such as 0.2."
        )


def check_trials(optimizer: OptimizerName, trials: int) -> None:
    reason = why_too_few_trials(optimizer, trials)
    if reason is not None:
        raise UsageError(f"--trials is {trials}, but {reason}")


def prices(stated: Iterable[str], config: RouterConfig) -> PriceOf:
    """Return a lookup of prices: from `--price`, else from the price list, else None (unknown).

    Models that run in this process are free, and so are unlisted models of a server on this
    machine.
    """
    own = dict(_price(text) for text in stated)
    served_here = urlsplit(config.openai_base_url).hostname in _THIS_MACHINE

    def price(model: str) -> Price | None:
        provider = provider_of(model)
        stated = of_model(own, model)
        if stated is not None:
            return stated
        model = model_of(model)
        if provider in IN_PROCESS:
            return offline_price(model)
        return list_price(model) or (FREE if provider == "openai" and served_here else None)

    return price


def offline_price(model: str) -> Price:
    """Return the nominal price of a tier that replays recorded answers; other models are free."""
    try:
        from route_switch_offline import USD_PER_MILLION_TOKENS
    except ImportError:
        return FREE
    nominal = {str(name): usd for name, usd in USD_PER_MILLION_TOKENS.items()}
    read, written = nominal.get(model, (0.0, 0.0))
    return Price(input_usd_per_million=read, output_usd_per_million=written)


def why_free(models: Iterable[str], price: PriceOf, config: RouterConfig) -> str | None:
    """Return a note if models count as free only because a server on this machine runs them."""
    if urlsplit(config.openai_base_url).hostname not in _THIS_MACHINE:
        return None
    own = [name for name in dict.fromkeys(models) if provider_of(name) == "openai"]
    free = [name for name in own if price(name) == FREE and list_price(name) is None]
    if not free:
        return None
    return (
        f"Counted as free, because {config.openai_base_url} is on this machine: "
        f"{', '.join(free)}. Set a price with --price."
    )


def known_prices(names: Iterable[str], price: PriceOf) -> dict[str, Price]:
    found = {name: price(name) for name in names}
    return {name: known for name, known in found.items() if known is not None}


def paid_calls(
    config: RouterConfig,
    price: PriceOf,
    memo: AnswerMemo,
    cap: SpendingCap,
    pace: Pace,
    tell: Callable[[str], None] = lambda _: None,
) -> MeteredCalls:
    """Return a caller that reads provider keys from the environment (`OPENAI_API_KEY`, …)."""
    return MeteredCalls(learning_clients(config, os.environ.get), price, memo, cap, pace, tell)


def why_no_key(models: Iterable[str], config: RouterConfig) -> str | None:
    """Return a note if OpenAI's own API would be called without a key."""
    if os.environ.get("OPENAI_API_KEY") or config.openai_base_url != _OPENAI:
        return None
    called = next((name for name in models if provider_of(name) == "openai"), None)
    return called and (
        f"OPENAI_API_KEY is not set, but {called} is called at {_OPENAI}. Set it, or set "
        "OPENAI_BASE_URL to your own server."
    )


def stop_message(stop: RunStoppedError, config: RouterConfig) -> str:
    """Return why a run stopped, with the provider's message and address."""
    parts = [str(stop), stop.detail]
    failed = stop.__cause__
    if isinstance(stop, ProviderDownError) and failed is not None:
        if isinstance(failed.__cause__, httpx.HTTPError) and str(failed.__cause__):
            parts.append(f"The connection's error: {str(failed.__cause__).rstrip('.')}.")
        if str(stop).startswith("openai/"):
            parts.append(f"The address is {config.openai_base_url} (OPENAI_BASE_URL).")
    return " ".join(part for part in parts if part)


@contextmanager
def optimizer_extra() -> Iterator[None]:
    """Raise `ConfigurationError` if an import inside it fails: the packages are in an extra."""
    try:
        # Set before LiteLLM is imported, or it fetches its price list over the network.
        os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        yield
    except ImportError as error:
        raise ConfigurationError(
            f"A package is missing: {error}. Install the extra route-switch[optimizer]."
        ) from error


def _price(text: str) -> tuple[str, Price]:
    model, _, numbers = text.rpartition("=")
    try:
        read, written = (float(number) for number in numbers.split(","))
        if not model or not all(0 <= each <= MAX_USD_PER_MILLION for each in (read, written)):
            raise ValueError
    except ValueError as error:
        raise UsageError(
            f"--price {text} cannot be read. Write MODEL=INPUT,OUTPUT in USD per million tokens, "
            f"each from 0 to {MAX_USD_PER_MILLION:,.0f}, such as openai/gpt-4o-mini=0.15,0.6."
        ) from error
    return model, Price(input_usd_per_million=read, output_usd_per_million=written)
