"""`make weekly`: a week in minutes. Send real queries, run learning, show the resulting prompt.

It starts a stack without the data of `make up`, or uses the running one if asked to. `route-switch`
finds either, so runs can be listed and approved in another terminal.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import ClientError
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import MofNCompleteColumn, Progress
from rich.prompt import Confirm

from local.aws.client import StackInfo, aws_client, read_stack_file
from local.aws.errors import LocalStackError
from local.aws.schedule import start_scheduled
from local.demos.follow import FinishedRun, Follower
from local.demos.thumbs import EVERY, give_thumbs
from local.demos.traffic import AWS, TIERS, Exchange, new_console, send, started_stack
from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.cli.prompt_view import print_diff
from route_switch.cli.runs import approve, reject
from route_switch.cli.savings import savings
from route_switch.cli.stage import STACK_FILE, Deployed, find_deployed, find_stage
from route_switch.cli.switch import RoutingState, routing, switch_store
from route_switch.domain.decision import Reason
from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.learning.learning_run import StartRun
from route_switch.domain.ports import StoredPrompt
from route_switch.services.refreshed_value import REFRESH_AFTER_S
from route_switch_offline import SampleRow, load_sample

STATE = STACK_FILE.parent
REPORTS = STATE / "weekly"
LOGS = STATE / "logs"
QUERIES = 550
"""How many of the recorded queries are sent, unless another number is asked for."""
CONCURRENCY = 8
"""The local stack's limit on environments per function."""
LIVE_EVERY = 10
"""After shadow, every tenth query is sent again, so that it is routed."""
TOKEN_TIMEOUT_S = 60.0
PROMPT_TIMEOUT_S = REFRESH_AFTER_S + 15
"""A running function reads a new prompt after a minute, and uses it from the next request on."""

THUMBS = "thumbs follow the answer's recorded test result, or else the gold answer"
SIMULATED = f"""\
[bold]What was simulated:[/] {AWS}; the people ({THUMBS}); {TIERS}; the proposer (a handful of \
rules, not an LLM); and the judge (it repeats recorded scores). [bold]Real:[/] the queries, the \
router model, the workflow, the search and its statistics. This shows that the loop works, not \
what real models would achieve."""
SIMULATED_WITHOUT_MODELS = f"""\
[bold]What was simulated:[/] {AWS}, and the people ({THUMBS}). [bold]Real:[/] everything else, \
including the models."""


def weekly(
    assembly: Path,
    queries: int | None,
    approved: bool,
    on_running: bool = False,
    in_shadow: bool = False,
) -> None:
    """Run the demonstration. Raise `LocalStackError` if the run fails; any verdict is a success.

    `on_running` uses the running stack of `make up`, with its models and its data. `in_shadow`
    begins in shadow and goes live after learning.
    """
    console = new_console()
    rows = [row for row in load_sample() if row.models][: QUERIES if queries is None else queries]
    with _stack(console, assembly, on_running) as stack:
        week = Week(console, stack, find_deployed(None), approved)
        if in_shadow:
            week.switch(RoutingState.SHADOW, rows[0].query)
        sent = week.send(rows)
        week.rate(sent, rows)
        week.learn(sent)
        if in_shadow:
            week.go_live(rows)


@contextmanager
def _stack(console: Console, assembly: Path, on_running: bool) -> Iterator[StackInfo]:
    running = read_stack_file(STATE)
    if running is not None and on_running:
        console.print(f"Using the running stack at {running.endpoint}.")
        yield running
    elif running is not None:
        raise LocalStackError(
            f"A stack with your data runs at {running.endpoint}. Stop it (Ctrl-C keeps its data), "
            "or run the week on it, with its models: make weekly RUNNING=1"
        )
    elif on_running:
        raise LocalStackError("No stack is running. Start one with 'make up', or omit RUNNING=1.")
    else:
        with started_stack(console, assembly, STATE) as stack:
            yield stack


@dataclass(frozen=True)
class Week:
    """The steps of a week. `approved` answers the request for approval with yes."""

    console: Console
    stack: StackInfo
    deployed: Deployed
    approved: bool

    def send(self, rows: list[SampleRow], at_once: int = CONCURRENCY) -> list[Exchange]:
        began = time.monotonic()
        columns = (*Progress.get_default_columns(), MofNCompleteColumn())
        terminal = self.console.is_terminal
        with Progress(*columns, console=self.console, transient=True, disable=not terminal) as bar:
            task = bar.add_task("real queries", total=len(rows))
            queries = [row.query for row in rows]
            sent = send(self.stack, queries, LOGS, lambda _: bar.advance(task), at_once=at_once)
        self.console.print(summary(sent, time.monotonic() - began), highlight=False, markup=False)
        return sent

    def switch(self, state: RoutingState, query: str) -> None:
        """Change routing as its owner does, and wait until the API has read it."""
        self.console.print(f"\n$ route-switch switch routing {state}")
        routing(state)
        wanted = state is RoutingState.SHADOW
        deadline = time.monotonic() + PROMPT_TIMEOUT_S
        while time.monotonic() < deadline:
            [sent] = send(self.stack, [query], LOGS, lambda _: None)
            if (sent.headers.get("x-route-reason") == Reason.SHADOW) is wanted:
                return
            time.sleep(1)
        raise LocalStackError(f"Routing is {state}, but the API does not show it. See {LOGS}.")

    def go_live(self, rows: list[SampleRow]) -> None:
        """Show what routing would have saved and lost, and turn it on."""
        self.console.print("\n$ route-switch savings")
        savings()
        self.switch(RoutingState.ON, rows[0].query)
        # One at a time: other warm processes may read the switch a minute later.
        self.send(rows[::LIVE_EVERY], at_once=1)

    def rate(self, sent: list[Exchange], rows: list[SampleRow]) -> None:
        given = give_thumbs(self.stack, sent, {row.query: row for row in rows})
        self.console.print(
            f"One in {EVERY} got a simulated person's thumb, chosen only by position: "
            f"{given.up} up, {given.down} down."
        )

    def learn(self, sent: list[Exchange]) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        run_id = StartRun(scheduled_time=now).run_id
        before = self._live()
        self.console.print(f"\nSchedules do not fire locally, so this starts run {run_id}:")
        follow = Follower(self.console, self.stack, run_id, lambda: self._decide(run_id))
        ended = follow(start_scheduled(self.stack, now))
        if ended.failed:
            run = self._runs().load(run_id)
            raise LocalStackError((run and run.message) or ended.notification)
        opening = self._save_report(run_id)
        if opening is not None:
            self.console.print()
            self.console.print(Markdown(opening))
            self.console.print(f"\nFull report: {REPORTS}/report.html, {REPORTS}/report.md")
        self._print_outcome(ended)
        self._print_prompt(before, sent)
        self.console.print(f"\n{self._simulated()}")

    def _print_outcome(self, ended: FinishedRun) -> None:
        """Print the notification without the report's place in the bucket."""
        said = ended.notification.partition("\nReport: ")[0]
        self.console.print(f"\n[bold]{ended.outcome}[/]", highlight=False)
        self.console.print(said, highlight=False, markup=False)

    def _save_report(self, run_id: str) -> str | None:
        """Copy the report from the bucket and return its first part; None if the run has none."""
        s3 = aws_client("s3", self.stack.aws_endpoint, self.stack.region)
        REPORTS.mkdir(parents=True, exist_ok=True)
        for name in ("report.html", "report.md"):
            key = f"runs/{run_id}/{name}"
            try:
                found = s3.get_object(Bucket=self.stack.learning_bucket, Key=key)
            except ClientError:
                return None
            (REPORTS / name).write_bytes(found["Body"].read())
        return (REPORTS / "report.md").read_text("utf-8").partition("\n## ")[0]

    def _print_prompt(self, before: StoredPrompt, sent: list[Exchange]) -> None:
        live = self._live()
        query = next(each.query for each in sent if each.answered)
        served = self._await_version(f"live@{live.version}", query)
        was = "as before" if live == before else f"before: live@{before.version}"
        does = "decides in shadow" if self._is_in_shadow() else "routes"
        self.console.print(f"The API now {does} with prompt [bold]{served}[/] ({was}).")
        if live != before:
            print_diff(before.document, live.document, str(before.version), str(live.version))

    def _await_version(self, wanted: str, query: str) -> str:
        """Wait until the API reports this prompt version, which takes up to a minute."""
        deadline = time.monotonic() + PROMPT_TIMEOUT_S
        while time.monotonic() < deadline:
            [sent] = send(self.stack, [query], LOGS, lambda _: None)
            served = str(sent.headers.get("x-route-prompt-version"))
            if served == wanted:
                return served
            time.sleep(1)
        raise LocalStackError(
            f"{wanted} is live, but the API still routes with {served}. See the logs in {LOGS}."
        )

    def _live(self) -> StoredPrompt:
        live = find_stage(None).prompts().read_live()
        if live is None:
            raise LocalStackError("No prompt is live: the stack's first deployment failed.")
        return live

    def _is_in_shadow(self) -> bool:
        return switch_store(self.deployed).read().routing == "shadow"

    def _simulated(self) -> str:
        tiers = self.deployed.settings.router.models.tiers.values()
        offline = any(tier.model.startswith("offline/") for tier in tiers)
        return SIMULATED if offline else SIMULATED_WITHOUT_MODELS

    def _decide(self, run_id: str) -> None:
        """Let a person decide: with --approve, at this terminal, or in another one."""
        self._await_token(run_id)
        opening = self._save_report(run_id) or ""
        self.console.print(Markdown(opening.partition("\n\n- ")[0]))
        self.console.print(
            f"The run waits for 'route-switch approve {run_id}' or 'route-switch reject {run_id}' "
            f"in another terminal. Read {REPORTS}/report.html first."
        )
        if self.approved or (self.console.is_terminal and sys.stdin.isatty()):
            self._answer(run_id)
        else:
            self.console.print("There is no terminal to ask at. No answer in time means no.")

    def _answer(self, run_id: str) -> None:
        say = approve if self.approved or Confirm.ask("Approve it?") else reject
        try:
            say(run_id)
        except RouteSwitchError as error:  # it is too late, or somebody else has decided
            self.console.print(str(error))

    def _await_token(self, run_id: str) -> None:
        runs, deadline = self._runs(), time.monotonic() + TOKEN_TIMEOUT_S
        while time.monotonic() < deadline:
            run = runs.load(run_id)
            if run is not None and run.token is not None:
                return
            time.sleep(0.2)

    def _runs(self) -> DynamoDbRuns:
        return DynamoDbRuns(self.deployed.connect("dynamodb"), self.deployed.settings.results_table)


def summary(sent: Sequence[Exchange], seconds: float) -> str:
    """Summarize the answers. Raise `LocalStackError` if there are none to learn from."""
    tiers = Counter(each.headers["x-route-tier"] for each in sent if each.answered)
    answered, failed = tiers.total(), [each for each in sent if not each.answered]
    if not answered:
        raise LocalStackError(f"No request was answered: {failed[0].body}")
    shares = " / ".join(f"{tiers[tier] / answered:.0%}" for tier in "123")
    return (
        f"Sent {len(sent)} real queries in {seconds:.0f} s; {answered} were answered: {shares} on "
        "Tier 1 / 2 / 3." + (f" {len(failed)} failed: {failed[0].body}" if failed else "")
    )
