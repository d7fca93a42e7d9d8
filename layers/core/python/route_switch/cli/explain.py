"""`route-switch explain`: which tier a query goes to, and why, as `POST /v1/route` decides."""

import json
from typing import Annotated, Any

import httpx
import typer
from rich.table import Table

from route_switch.adapters.models.provider_http import LOOPBACK
from route_switch.cli.options import JsonOption, StageOption, usage_examples
from route_switch.cli.stage import STACK_FILE, find_deployed
from route_switch.cli.stage_names import UsageError
from route_switch.cli.terminal import console, say, say_document
from route_switch.dashboard.figures import usd
from route_switch.dashboard.spend_widget import REASONS
from route_switch.domain.decision import Reason
from route_switch.domain.errors import RouteSwitchError

KEY_VARIABLE = "ROUTE_SWITCH_API_KEY"
TIMEOUT_S = 35.0
"""API Gateway answers after 29 s at the latest."""
EXAMPLES = usage_examples(
    "explain 'How do I reset my PIN?'",
    "explain 'Prove that the square root of 2 is irrational.' --stage prod --api-key rs-…",
    "explain 'How do I reset my PIN?' --endpoint https://example.com/v1 --json",
)

Answer = dict[str, Any]  # the API's JSON


def explain(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What a user would send.")],
    api_key: Annotated[
        str | None,
        typer.Option(
            envvar=KEY_VARIABLE,
            help=f"API key. Default: the local stack's in {STACK_FILE}.",
        ),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(help="Address of the API, with or without /v1. Default: the stage's."),
    ] = None,
    as_json: JsonOption = False,
    stage: StageOption = None,
) -> None:
    """Say which tier a query goes to, why, and what each tier would cost.

    Asks the API, which calls the router LLM but no tier's model. --json prints what POST /v1/route
    answers.
    """
    if not query.strip():
        raise UsageError("The query is empty. Write what a user would send.")
    local = _local_stack() if stage is None and endpoint is None else {}
    address = endpoint or local.get("endpoint") or find_deployed(stage).outputs["ApiEndpoint"]
    key = api_key or local.get("api_key")
    if key is None:
        raise UsageError(
            f"The API needs a key. Set {KEY_VARIABLE} or --api-key; 'route-switch keys create' "
            "makes one."
        )
    text = _ask(f"{address.rstrip('/').removesuffix('/v1')}/v1/route", key, query)
    if as_json:
        say_document(f"{text}\n")
    else:
        _print(json.loads(text))


def _local_stack() -> dict[str, str]:
    if not STACK_FILE.exists():
        return {}
    stack: dict[str, str] = json.loads(STACK_FILE.read_text("utf-8"))
    return stack


def _ask(url: str, key: str, query: str) -> str:
    body = {"messages": [{"role": "user", "content": query}]}
    headers = {"authorization": f"Bearer {key}"}
    try:
        with httpx.Client(timeout=TIMEOUT_S, mounts=dict.fromkeys(LOOPBACK)) as http:
            answer = http.post(url, json=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise RouteSwitchError(
            f"{url} does not answer: {error}. Check --stage or --endpoint, and that the stack runs."
        ) from error
    if answer.status_code != httpx.codes.OK:
        raise RouteSwitchError(f"{url} refused with status {answer.status_code}: {_error(answer)}")
    return answer.text


def _error(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return "it is not route-switch's API. Check --endpoint."


def _print(decision: Answer) -> None:
    lines = (
        ("tier", f"{decision['tier']}  {decision['model']}"),
        ("reason", REASONS[Reason(decision["reason"])]),
        ("why", decision["why"] or "–"),
        ("prompt", f"{decision['prompt_version']}, {decision['router_tokens']} router tokens"),
        ("query", f"about {decision['query_tokens']} tokens. {_bypass(decision['bypass_tokens'])}"),
    )
    for name, value in lines:
        say(f"{name:8}{value}")
    table = Table("tier", title=f"With an answer of {decision['assumed_output_tokens']} tokens")
    table.add_column("estimated cost, without the router", justify="right")
    for tier, amount in decision["estimated_cost_usd"].items():
        table.add_row(tier, usd(amount))
    console().print(table)


def _bypass(tokens: int) -> str:
    if tokens == 0:
        return "No query bypasses the router."
    return f"Queries under {tokens} tokens go to Tier 1 without a router call."
