"""`route-switch estimate`: estimate the cost of a stage before it is deployed."""

import math
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from route_switch.cli.options import JsonOption, usage_examples
from route_switch.cli.stage_names import UsageError, configured_stages
from route_switch.cli.terminal import say_json
from route_switch.cost_estimate.assumptions import assumptions
from route_switch.cost_estimate.aws_prices import PriceList
from route_switch.cost_estimate.deployment import Deployment, Traffic
from route_switch.cost_estimate.monthly import MonthlyEstimate
from route_switch.cost_estimate.view import as_json, print_tables
from route_switch.domain.errors import ConfigurationError
from route_switch.domain.router_config import RouterConfig, describe
from route_switch.domain.tiers import Tier

MIX = "50,25,25"
"""The mix of the learned prompt on 1,005 queries of thirteen tasks (docs/results.md)."""
BYPASS = 10.0
ROUTER_S = 0.5
FIRST_TOKEN_S = 0.5
TOKENS_PER_S = {Tier.SMALL: 150, Tier.MEDIUM: 100, Tier.LARGE: 60}
"""Output speed by tier: an assumption; the dashboard shows the real figures."""
EXAMPLES = usage_examples(
    "estimate --requests 1e6 --input-tokens 500 --output-tokens 300",
    "estimate --requests 1e6 --input-tokens 500 --output-tokens 300 --mix 60,30,10 --bypass 20",
    "estimate --requests 1e6 --input-tokens 500 --output-tokens 300 --stage dev --json",
)


def estimate(
    requests: Annotated[float, typer.Option(help="Requests per month, such as 1e6.")],
    input_tokens: Annotated[int, typer.Option(help="Input tokens per request.")],
    output_tokens: Annotated[int, typer.Option(help="Output tokens per answer.")],
    stage: Annotated[str, typer.Option(help="Stage in cdk.json.")] = "prod",
    mix: Annotated[str, typer.Option(help="Percent of answers from Tier 1, 2 and 3.")] = MIX,
    bypass: Annotated[
        float, typer.Option(help="Percent of requests without a router call.")
    ] = BYPASS,
    asked: Annotated[
        float,
        typer.Option(
            min=0,
            max=100,
            help="Percent of the other requests that the router LLM is asked about: 0 with the "
            "strategy local, and the share in the run's report with hybrid.",
        ),
    ] = 100.0,
    seconds: Annotated[
        str | None,
        typer.Option(
            help="Seconds per call of the router and of Tier 1, 2 and 3, such as 0.5,2.5,3.5,5.5. "
            "Default: derived from --output-tokens."
        ),
    ] = None,
    as_json_: JsonOption = False,
) -> None:
    """Estimate the cost of a stage: idle, per 1,000 requests and per month.

    Uses the packaged list of AWS prices. Runs in a checkout of the repository and calls nothing.
    """
    shares = _shares(mix, bypass)
    _check_size(requests, input_tokens, output_tokens)
    deployment = read_deployment(stage)
    router_s, *tier_s = _seconds(seconds, output_tokens, deployment.config)
    traffic = Traffic(
        requests=requests,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        mix=shares,
        bypassed=bypass / 100,
        router_s=router_s,
        tier_s=dict(zip(Tier, tier_s, strict=True)),
        asked=asked / 100,
    )
    result = MonthlyEstimate(deployment, traffic, PriceList.packaged())
    stated = assumptions(
        result, f"LiteLLM {version('litellm')}'s price list, overridden by cdk.json"
    )
    if as_json_:
        say_json(as_json(result, stated), indent=2)
    else:
        print_tables(result, stated)


def read_deployment(stage: str) -> Deployment:
    """Return the stage as the CDK app in the current folder reads it.

    The app runs in a process of its own, as it does for the CDK command line: the product does not
    import it. Raise `ConfigurationError` outside a checkout, or if the app refuses the stage.
    """
    if not Path("cdk.json").is_file():
        raise _not_a_checkout("there is no cdk.json")
    command = [sys.executable, "-m", "infra.billable", f"--stage={stage}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no shell
    if "No module named" in done.stderr:
        raise _not_a_checkout(done.stderr.strip())
    if done.returncode != 0:
        known = stage in configured_stages()
        raise (ConfigurationError if known else UsageError)(done.stderr.strip())
    try:
        return Deployment.model_validate_json(done.stdout)
    except ValidationError as error:
        raise ConfigurationError(
            f"The checkout and this command are of different releases: {describe(error)}. Run "
            "`make install` in the checkout, then `.venv/bin/route-switch estimate` there."
        ) from error


def _not_a_checkout(found: str) -> ConfigurationError:
    return ConfigurationError(
        f"This folder is not a checkout of route-switch: {found}. The command reads stages from a "
        "checkout: clone the repository, run `make install`, and run `.venv/bin/route-switch "
        "estimate` in its folder."
    )


def _check_size(requests: float, input_tokens: int, output_tokens: int) -> None:
    sizes = {
        "--requests": requests,
        "--input-tokens": input_tokens,
        "--output-tokens": output_tokens,
    }
    for name, value in sizes.items():
        if not (math.isfinite(value) and value >= 1):
            raise UsageError(f"{name} is {value:g}, but must be 1 or more.")


def _shares(mix: str, bypass: float) -> dict[Tier, float]:
    percents = _numbers("--mix", mix, len(Tier), MIX)
    if not math.isclose(sum(percents), 100):
        raise UsageError(
            f"--mix is {mix}, which adds up to {sum(percents):g}. Its parts must add up to 100."
        )
    if not 0 <= bypass <= percents[0]:
        raise UsageError(
            f"--bypass is {bypass:g}, but must be between 0 and Tier 1's share, {percents[0]:g}: "
            f"Tier 1 answers bypassed requests. Use --bypass {percents[0]:g} or less."
        )
    return {tier: percent / 100 for tier, percent in zip(Tier, percents, strict=True)}


def _seconds(stated: str | None, output_tokens: int, config: RouterConfig) -> list[float]:
    """Return the seconds per call of the router and of each tier, at most the deadline."""
    if stated is not None:
        numbers = _numbers("--seconds", stated, 1 + len(Tier), "0.5,2.5,3.5,5.5")
        if max(numbers) > config.request_deadline_s:
            raise UsageError(
                f"--seconds is {stated}, but a request ends after {config.request_deadline_s:g} s "
                "(request_deadline_s). Use at most that."
            )
        return numbers
    tiers = [FIRST_TOKEN_S + output_tokens / TOKENS_PER_S[tier] for tier in Tier]
    return [ROUTER_S, *(min(seconds, config.request_deadline_s) for seconds in tiers)]


def _numbers(option: str, text: str, count: int, example: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(math.isfinite(each) and each >= 0 for each in numbers):
        raise UsageError(
            f"{option} is {text}, but must be {count} numbers of 0 or more, such as {example}."
        )
    return numbers
