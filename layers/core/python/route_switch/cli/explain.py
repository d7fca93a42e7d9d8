"""`route-switch explain`: show which tier a query goes to, and why, as `POST /v1/route` decides."""

import json
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.table import Table

from route_switch.adapters.models.provider_http import LOOPBACK
from route_switch.cli.files import read_text
from route_switch.cli.options import JsonOption, StageOption, usage_examples
from route_switch.cli.stage import STACK_FILE, find_deployed, local_stack
from route_switch.cli.stage_names import UsageError
from route_switch.cli.terminal import console, say, say_document
from route_switch.dashboard.spend_widget import REASONS
from route_switch.domain.decision import Reason
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.operations.amounts import usd
from route_switch.domain.ports import JsonObject
from route_switch.domain.profiles import Profile

KEY_VARIABLE = "ROUTE_SWITCH_API_KEY"
TIMEOUT_S = 35.0
"""A router call and the two calls of an explanation take at most 6 s each."""
EXAMPLES = usage_examples(
    "explain 'How do I reset my PIN?'",
    "explain 'How do I reset my PIN?' --deep",
    "explain --messages conversation.json",
    "explain --messages conversation.json --session-id chat-7 --api-key rs-…",
    "explain 'Prove that the square root of 2 is irrational.' --stage prod --api-key rs-…",
    "explain 'How do I reset my PIN?' --endpoint https://example.com/v1 --json",
)

Answer = dict[str, Any]  # the API's JSON


def explain(
    query: Annotated[
        str | None, typer.Argument(metavar="QUERY", help="Query, as a user would send it.")
    ] = None,
    messages: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Conversation instead of a query: JSON with a list of messages, or a whole "
            "request with 'messages', 'tools' and so on.",
        ),
    ] = None,
    deep: Annotated[
        bool,
        typer.Option(
            "--deep", help="Ask the router LLM for its reason, in up to 2 more paid calls."
        ),
    ] = False,
    profile: Annotated[Profile | None, typer.Option(help="Routing profile of the request.")] = None,
    api_key: Annotated[
        str | None,
        typer.Option(
            envvar=KEY_VARIABLE,
            help=f"API key. Default: the local stack's admin key in {STACK_FILE}. A session "
            "belongs to one key: to see an app's session, use the app's key. Only admin keys see "
            "the texts of demos.",
        ),
    ] = None,
    session_id: Annotated[
        str | None,
        typer.Option(help="Session that the request belongs to, as in the header x-session-id."),
    ] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(help="Address of the API, with or without /v1. Default: the stage's."),
    ] = None,
    as_json: JsonOption = False,
    stage: StageOption = None,
) -> None:
    """Show which tier a query goes to, why, what would change that, and what each tier would cost.

    Asks the API, which calls the router LLM but no tier's model. --json prints the response of POST
    /v1/route.
    """
    request = _with_options(_request(query, messages), deep, profile)
    local = (local_stack() or {}) if stage is None and endpoint is None else {}
    address = endpoint or local.get("endpoint") or find_deployed(stage).outputs["ApiEndpoint"]
    key = api_key or local.get("admin_key") or local.get("api_key")
    if key is None:
        raise UsageError(
            f"The API needs a key. Set {KEY_VARIABLE} or --api-key; 'route-switch keys create' "
            "makes one."
        )
    text = _ask(f"{address.rstrip('/').removesuffix('/v1')}/v1/route", key, request, session_id)
    if as_json:
        say_document(f"{text}\n")
    else:
        _print(json.loads(text), is_conversation=messages is not None)


def _request(query: str | None, messages: Path | None) -> JsonObject:
    if (query is None) == (messages is None):
        raise UsageError("Give either a QUERY or --messages FILE.")
    if messages is not None:
        return _read_request(messages)
    if query is not None and query.strip():
        return {"messages": [{"role": "user", "content": query}]}
    raise UsageError("The query is empty. Write what a user would send.")


def _with_options(request: JsonObject, deep: bool, profile: Profile | None) -> JsonObject:
    own = request.get("route_switch", {})
    options = dict(own) if isinstance(own, dict) else {}
    if deep:
        options["explain"] = True
    if profile is not None:
        options["profile"] = profile
    return {**request, "route_switch": options} if deep or profile is not None else request


def _read_request(path: Path) -> JsonObject:
    """Return a request from a list of messages or from a whole request. The API checks the rest."""
    text = read_text(path, "conversation")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RouteSwitchError(f"The conversation {path} is not valid JSON.") from error
    if isinstance(content, list):
        content = {"messages": content}
    if not isinstance(content, dict) or not isinstance(content.get("messages"), list):
        raise RouteSwitchError(
            f"The conversation {path} holds no messages. Write a list such as "
            '[{"role": "user", "content": "…"}], or a request with "messages".'
        )
    return {name: value for name, value in content.items() if name not in _OF_ANSWERS}


_OF_ANSWERS = ("stream", "stream_options")
"""Fields of a request that say how an answer is sent. A decision has none."""


def _ask(url: str, key: str, request: JsonObject, session_id: str | None) -> str:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    if session_id is not None:
        headers["x-session-id"] = session_id
    try:
        with httpx.Client(timeout=TIMEOUT_S, mounts=dict.fromkeys(LOOPBACK)) as http:
            answer = http.post(url, content=json.dumps(request), headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise RouteSwitchError(
            f"{url} does not answer: {error}. Check --stage or --endpoint, and start "
            "the stack if it is down."
        ) from error
    if answer.status_code != httpx.codes.OK:
        raise RouteSwitchError(
            f"{url} refused the request with status {answer.status_code}: {_error(answer)}"
        )
    return answer.text


def _error(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return "it is not route-switch's API. Check --endpoint."


def _print(decision: Answer, *, is_conversation: bool) -> None:
    size = f"about {decision['query_tokens']} tokens"
    query = (
        ("message", f"{size}, the last one of the conversation")
        if is_conversation
        else ("query", f"{size}. {_bypass(decision['bypass_tokens'])}")
    )
    lines = (
        ("tier", f"{decision['tier']}  {decision['model']}"),
        ("reason", REASONS[Reason(decision["reason"])]),
        ("why", decision["why"] or "–"),
        ("prompt", f"{decision['prompt_version']}, {decision['router_tokens']} router tokens"),
        query,
    )
    for name, value in lines:
        say(f"{name:9}{value}")
    explanation = decision.get("explanation") or {}  # absent in earlier releases
    for title, name in (("\nWhy", "sentences"), ("\nWhat would change it", "changes")):
        if explanation.get(name):
            say(title)
        for sentence in explanation.get(name, ()):
            say(f"  {sentence}")
    table = Table("tier", title=f"With an answer of {decision['assumed_output_tokens']} tokens")
    table.add_column("estimated cost, without the router", justify="right")
    for tier, amount in decision["estimated_cost_usd"].items():
        table.add_row(tier, usd(amount))
    console().print(table)


def _bypass(tokens: int) -> str:
    if tokens == 0:
        return "No query bypasses the router."
    return f"Queries under {tokens} tokens go to Tier 1 without a router call."
