"""`route-switch route`: route the queries of a file in this process, without AWS."""

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Self

import typer
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from rich.markup import escape
from rich.table import Table

from route_switch.adapters.learning.jsonl import read_rows
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.model_options import check_provider
from route_switch.cli.options import ProfileOption, RouterModelOption, usage_examples
from route_switch.cli.prompt_source import read_prompt
from route_switch.cli.route_explained import ExplainRow, print_explained
from route_switch.cli.stage_names import UsageError
from route_switch.cli.terminal import json_text, note, say
from route_switch.cli.unread_queries import why_cut, why_misread
from route_switch.cli.whole_tables import print_table
from route_switch.domain.decision import Reason
from route_switch.domain.explanation import Explanation
from route_switch.domain.learning.conversation_key import attachments_of
from route_switch.domain.learning.example import messages_of, present, query_key
from route_switch.domain.learning.logged_messages import from_log, with_query
from route_switch.domain.learning.quantities import FiniteJson, Params
from route_switch.domain.plain_text import excerpt
from route_switch.domain.ports import JsonObject
from route_switch.domain.profiles import BALANCED, Profile
from route_switch.domain.query import Query, query_of
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.strategies.prompt_strategy import NAMED
from route_switch.domain.strategies.registry import strategy_in_effect
from route_switch.domain.tiers import ALL_TIERS, ModelCatalog, ModelName, Tier, TierModels
from route_switch.services.choose_tier import ChooseTier, RequestChoice
from route_switch.services.deadline import Deadline
from route_switch.wiring.router import build_explainer, build_tier_chooser

EXAMPLES = usage_examples(
    "route --queries queries.jsonl",
    "route --queries queries.jsonl --prompt learned/candidate.json --json",
    "route --queries queries.jsonl --explain",
    "route --queries queries.jsonl --router-model openai/gpt-4.1-nano --no-bypass",
)


SHOWN = 60
"""Characters of a query in the table."""


class QueryRow(BaseModel):
    """One line of the input; other fields are ignored. The query has its conversation, as in a file
    of examples. `id` defaults to the example's key."""

    model_config = ConfigDict(frozen=True)

    query: str
    conversation: tuple[FiniteJson, ...] = ()
    turn: tuple[FiniteJson, ...] = ()
    params: Params = Field(default_factory=dict)
    id: str | int = Field(
        default_factory=lambda valid: query_key(
            valid["query"], valid.get("conversation", ()), valid.get("turn", ())
        )
    )

    @model_validator(mode="before")
    @classmethod
    def _null_means_absent(cls, row: object) -> object:
        return with_query(from_log(present(row))) if isinstance(row, Mapping) else row

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.query.strip() and not attachments_of(self.turn):
            raise ValueError("query must contain text")
        return self

    @property
    def as_query(self) -> Query:
        return query_of(messages_of(self.query, self.conversation, self.turn), self.params)


@dataclass(frozen=True, slots=True)
class RoutedRow:
    row: QueryRow
    choice: RequestChoice
    explanation: Explanation | None = None

    @property
    def lacks_reply(self) -> bool:
        """Whether the router LLM was needed and gave no usable reply."""
        decision, was_asked = self.choice.decision, self.choice.router_call is not None
        local = decision.strategy == "hybrid" and not decision.why.startswith(NAMED)
        return decision.reason is Reason.FALLBACK or (was_asked and local)

    def as_json(self) -> str:
        decision = self.choice.decision
        fields: JsonObject = {
            "id": self.row.id,
            "tier": decision.tier.value,
            "reason": decision.reason.value,
            "prompt_version": decision.prompt_version,
            "router_tokens": decision.router_tokens,
            "latency_ms": round(decision.latency_ms, 3),
        }
        if decision.profile != BALANCED:
            fields["profile"] = decision.profile
        if self.explanation is not None:
            fields["explanation"] = self.explanation.as_json()
        return json_text(fields)


def route(
    queries: Annotated[
        Path,
        typer.Option(
            help="JSONL with 'query' or 'messages' per line, optionally 'id'; may be gzipped."
        ),
    ],
    prompt: Annotated[
        Path | None,
        typer.Option(
            help="Routing prompt, .md or .json. Default: the packaged prompt. With a local model, "
            "use the .json file, which has the model's numbers."
        ),
    ] = None,
    router_model: RouterModelOption = "local/encoder",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line per query.")] = False,
    no_bypass: Annotated[
        bool, typer.Option("--no-bypass", help="Send short queries to the router LLM too.")
    ] = False,
    profile: ProfileOption = BALANCED,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Show why. A router LLM is asked for its reason in up to 2 more calls per query.",
        ),
    ] = False,
) -> None:
    """Route each query of a file and print the decisions.

    Exits with status 1 if the router LLM failed for any query.
    """
    rows = read_queries(queries)
    routing_prompt = read_prompt(prompt) if prompt else packaged_prompt()
    config = router_config(router_model, no_bypass)
    if strategy_in_effect(config, routing_prompt) != "local":
        texts = [row.query for row in rows]
        note(why_misread(router_model, texts))
        note(why_cut(router_model, texts))
        check_provider(router_model)
    choose_tier = build_tier_chooser(config, os.environ.get)
    routed = _route(rows, routing_prompt, choose_tier, config, profile)
    if explain:
        finder = build_explainer(config, os.environ.get)
        routed = _explained(routed, ExplainRow(config, routing_prompt, finder))
    show = _print_json if as_json else _print_explained if explain else _print_table
    failures = show(routed)
    if failures:
        fell_back = any(row.choice.decision.reason is Reason.FALLBACK for row in failures)
        instead = "they went to the safe tier" if fell_back else "the local model decided alone"
        say(
            f"error: the router LLM gave no usable reply for {len(failures)} of {len(rows)} "
            f"queries; {instead}. {_first_error(failures)}"
            f"Check '{router_model}', its key and its base URL.",
            err=True,
        )
        raise typer.Exit(1)


def read_queries(path: Path) -> list[QueryRow]:
    """Return all rows; raise `RouteSwitchError` naming the first wrong line."""
    needs = 'Each line needs {"query": "…"} or {"messages": […]}, and may have "id".'
    return [row for _, row in read_rows(path, QueryRow, needs)]


def router_config(router_model: str, no_bypass: bool = False) -> RouterConfig:
    try:
        name = TypeAdapter(ModelName).validate_python(router_model)
    except ValidationError as error:
        raise UsageError(
            f"'{router_model}' is not a model name. Write provider/model, such as "
            "openai/gpt-4.1-nano or local/encoder."
        ) from error
    # Only the router model is called, but a catalog needs a model for every tier.
    catalog = ModelCatalog(tiers={t: TierModels(model=name) for t in Tier}, router=name)
    defaults = RouterConfig(models=catalog)
    return RouterConfig(
        models=catalog,
        bypass_tokens=0 if no_bypass else defaults.bypass_tokens,
        openai_base_url=os.environ.get("OPENAI_BASE_URL") or defaults.openai_base_url,
    )


def _route(
    rows: list[QueryRow],
    prompt: RoutingPrompt,
    choose_tier: ChooseTier,
    config: RouterConfig,
    profile: Profile,
) -> Iterator[RoutedRow]:
    for row in rows:
        deadline = Deadline(config.request_deadline_s)
        choice = choose_tier(
            row.as_query, prompt, prompt.version, ALL_TIERS, deadline, profile=profile
        )
        yield RoutedRow(row, choice)


def _explained(routed: Iterator[RoutedRow], explain: ExplainRow) -> Iterator[RoutedRow]:
    for row in routed:
        yield replace(row, explanation=explain(row.row.as_query, row.choice.decision))


def _first_error(failures: list[RoutedRow]) -> str:
    """Return what the provider said at the first failure, as a sentence; empty if it answered."""
    calls = (row.choice.router_call for row in failures)
    errors = (str(call.error) for call in calls if call and call.error)
    error = next(errors, None)
    return "" if error is None else f"The first error: {error.rstrip('.')}. "


def _print_json(routed: Iterator[RoutedRow]) -> list[RoutedRow]:
    """Print the rows as JSON, and return those without the router LLM's reply."""
    failures = []
    for row in routed:
        if row.lacks_reply:
            failures.append(row)
        sys.stdout.write(row.as_json() + "\n")
    return failures


def _print_explained(routed: Iterator[RoutedRow]) -> list[RoutedRow]:
    """Print the explanations, and return the rows without the router LLM's reply."""
    failures = []
    for row in routed:
        if row.lacks_reply:
            failures.append(row)
        if row.explanation is not None:
            print_explained(str(row.row.id), row.choice.decision, row.explanation)
    return failures


def _print_table(routed: Iterator[RoutedRow]) -> list[RoutedRow]:
    """Print the rows as a table, and return those without the router LLM's reply."""
    table = Table("id", "tier", "reason", "router tokens", "ms", "query")
    failures = []
    for row in routed:
        decision = row.choice.decision
        if row.lacks_reply:
            failures.append(row)
        table.add_row(
            escape(str(row.row.id)),
            str(decision.tier.value),
            decision.reason.value,
            str(decision.router_tokens),
            f"{decision.latency_ms:.1f}",
            escape(excerpt(row.row.query, SHOWN)),
        )
    print_table(table)
    return failures
