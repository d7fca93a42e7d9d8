"""The weekly workflow on a local stack, in the small world of `scripted_models`."""

import gzip
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import JsonValue

from local.aws.client import StackInfo, aws_client
from local.aws.schedule import start_scheduled
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.learning.learning_run import StartRun, Trigger
from route_switch.domain.prompt_document import to_markdown
from tests.support.scripted_models import PRICES, TIERS
from tests.support.upstream import Upstream

FREE: dict[str, JsonValue] = {"input_usd_per_million": 0, "output_usd_per_million": 0}
SLOWEST_RUN_S = 300
BATCH = 25
"""DynamoDB writes at most so many items at once."""
POLL_S = 0.2
"""Seconds between polls. Each poll takes some milliseconds of processor time from the run."""
APPROVAL_S = 60
"""Longer than a busy machine needs to answer. Tests of silence use less: `short_approval_wait`."""
LEARNING: dict[str, JsonValue] = {
    "proposer": "openai/proposer",
    "judge": "openai/judge",
    "prices": {"openai/proposer": FREE, "openai/judge": FREE},
    "rounds": 1,
    "candidates": 5,
    "trials": 6,
    "min_examples": 40,
    "threads": 4,
    "retry_s": 1,
    "patience_s": 0.4,
    # Each run reads 16 partitions per day. Include yesterday, for tests at midnight.
    "days": 2,
    "approval_hours": APPROVAL_S / 3600,
}
"""A small search, and waits of seconds instead of hours."""


def stage_of(url: str, context: Mapping[str, Any]) -> dict[str, Any]:
    """The local stage of cdk.json with these models and this learning configuration."""
    stages = json.loads(json.dumps(context["stages"]))
    prices = {
        name: {"input_usd_per_million": read, "output_usd_per_million": written}
        for name, (read, written) in PRICES.items()
    }
    stages["local"]["router"] = {
        "models": {
            "tiers": {str(tier): {"model": name} for tier, name in enumerate(TIERS, 1)},
            "router": "openai/router",
            "prices": {**prices, "openai/router": FREE},
        },
        "openai_base_url": url,
    }
    stages["local"]["learning"] = LEARNING
    return {"stages": stages}


@dataclass(frozen=True)
class FinishedExecution:
    """A finished execution: its status, its output (JSON), and the states it entered."""

    status: str
    output: Any
    states: list[str]

    @property
    def outcome(self) -> str:
        return str(self.output["outcome"])


@dataclass
class Weekly:
    """Each test has the bucket, the runs and the month's cap to itself; `reset` ensures that."""

    stack: StackInfo
    upstream: Upstream
    queue: str
    folder: Path
    _times: Iterator[int] = field(default_factory=count)
    _clients: dict[str, Any] = field(default_factory=dict)
    _deployed: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def assembly(self) -> Path:
        return self.folder / "cdk.out"

    @property
    def logs(self) -> Path:
        return self.folder / "state" / "logs"

    def client(self, service: str) -> Any:
        """One client for all tests, because creating one takes longer than using it."""
        if service not in self._clients:
            made = aws_client(service, self.stack.aws_endpoint, self.stack.region)
            self._clients[service] = made
        return self._clients[service]

    def reset(self) -> None:
        """Reset to the state after the first deployment: the hand-written prompt is live, and
        nothing has been learned.

        Only the prompt's earlier versions stay. A candidate that equals one of them byte for byte
        would count as promoted, so each test file learns from its own rows.
        """
        self._stop_what_runs()
        self._configure_as_deployed()
        s3 = self.client("s3")
        for each in s3.get_paginator("list_objects_v2").paginate(Bucket=self.stack.learning_bucket):
            if found := [{"Key": item["Key"]} for item in each.get("Contents", ())]:
                s3.delete_objects(Bucket=self.stack.learning_bucket, Delete={"Objects": found})
        self._empty_table()
        self.publish(to_markdown(packaged_prompt()))
        self.notifications()

    def forget_versions(self) -> None:
        """Let the hand-written prompt be version 1: a run also compares its candidate with earlier
        versions."""
        self.client("ssm").delete_parameter(Name=self.stack.prompt_parameter)
        self.publish(to_markdown(packaged_prompt()))

    def _empty_table(self) -> None:
        dynamodb, table = self.client("dynamodb"), self.stack.results_table
        pages = dynamodb.get_paginator("scan").paginate(TableName=table)
        keys = [
            {name: item[name] for name in ("pk", "sk")} for page in pages for item in page["Items"]
        ]
        for place in range(0, len(keys), BATCH):
            deletions = [{"DeleteRequest": {"Key": key}} for key in keys[place : place + BATCH]]
            dynamodb.batch_write_item(RequestItems={table: deletions})

    def _stop_what_runs(self) -> None:
        """Stop what a failed test left behind: it would write and notify during the next test."""
        workflow = self.client("stepfunctions")
        found = workflow.list_executions(
            stateMachineArn=self.stack.state_machine, statusFilter="RUNNING"
        )
        for execution in found["executions"]:
            workflow.stop_execution(executionArn=execution["executionArn"])

    def _configure_as_deployed(self) -> None:
        if not self._deployed:
            self._deployed.update(self._configure({}))
        for name, variables in self._deployed.items():
            self._set_variables(name, variables)

    def publish(self, document: str) -> None:
        """Write as the AWS console does."""
        self.client("ssm").put_parameter(
            Name=self.stack.prompt_parameter, Value=document, Overwrite=True, Tier="Advanced"
        )

    @property
    def live(self) -> tuple[int, str]:
        """Version and content of the live prompt."""
        found = self.client("ssm").get_parameter(Name=self.stack.prompt_parameter)["Parameter"]
        return found["Version"], found["Value"]

    def seed(self, rows: Sequence[Mapping[str, JsonValue]]) -> None:
        """Write examples to the seed file, which fills up traffic."""
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        self.client("s3").put_object(
            Bucket=self.stack.learning_bucket,
            Key="seed/examples.jsonl.gz",
            Body=gzip.compress(lines.encode()),
        )

    def read(self, key: str) -> bytes:
        """Return a file of the bucket."""
        found = self.client("s3").get_object(Bucket=self.stack.learning_bucket, Key=key)
        return bytes(found["Body"].read())

    @property
    def is_locked(self) -> bool:
        """Whether a run is in progress, as far as the next one could tell."""
        key = {"pk": {"S": "LOCK#learning"}, "sk": {"S": "LOCK"}}
        return "Item" in self.client("dynamodb").get_item(
            TableName=self.stack.results_table, Key=key
        )

    def next_time(self) -> datetime:
        """Return another scheduled time, of today."""
        return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=next(self._times))

    def start(self, scheduled_time: datetime | None = None) -> str:
        """Start as the schedule does, and return the execution's ARN."""
        return start_scheduled(self.stack, scheduled_time or self.next_time())

    def start_by(self, trigger: Trigger, scheduled_time: datetime | None = None) -> str:
        """Start as `route-switch learn` and the drift check do, and return the execution's ARN."""
        start = StartRun(scheduled_time=scheduled_time or self.next_time(), trigger=trigger)
        started = self.client("stepfunctions").start_execution(
            stateMachineArn=self.stack.state_machine,
            name=f"{start.run_id}-{uuid4()}",
            input=start.model_dump_json(),
        )
        return str(started["executionArn"])

    def run(self, scheduled_time: datetime | None = None) -> FinishedExecution:
        return self.ended(self.start(scheduled_time))

    def ended(self, execution: str) -> FinishedExecution:
        """Wait for the end of the execution."""
        found = self.wait(execution, lambda found: found["status"] != "RUNNING")
        output = found.get("output") or json.dumps({"outcome": found.get("error")})
        return FinishedExecution(found["status"], json.loads(output), self.states(execution))

    def wait(self, execution: str, until: Any) -> Any:
        workflow, deadline = self.client("stepfunctions"), time.monotonic() + SLOWEST_RUN_S
        while time.monotonic() < deadline:
            found = workflow.describe_execution(executionArn=execution)
            if until(found):
                return found
            time.sleep(POLL_S)
        raise TimeoutError(f"Still in {self.states(execution)[-3:]}")

    def wait_for_state(self, execution: str, name: str) -> None:
        self.wait(execution, lambda _: name in self.states(execution))

    def states(self, execution: str) -> list[str]:
        """Return the names of the entered states, in order."""
        pages = self.client("stepfunctions").get_paginator("get_execution_history")
        return [
            event["stateEnteredEventDetails"]["name"]
            for page in pages.paginate(executionArn=execution)
            for event in page["events"]
            if "stateEnteredEventDetails" in event
        ]

    def failures(self, execution: str) -> list[str]:
        """Return the errors that its functions ended with, in order."""
        pages = self.client("stepfunctions").get_paginator("get_execution_history")
        return [
            str(event["lambdaFunctionFailedEventDetails"]["error"])
            for page in pages.paginate(executionArn=execution)
            for event in page["events"]
            if "lambdaFunctionFailedEventDetails" in event
        ]

    def artifacts(self, name: str) -> bytes:
        """Return this file of the newest run that left one."""
        bucket, s3 = self.stack.learning_bucket, self.client("s3")
        found = s3.list_objects_v2(Bucket=bucket, Prefix="runs/")["Contents"]
        newest = max(each["Key"] for each in found if each["Key"].endswith(f"/{name}"))
        content: bytes = s3.get_object(Bucket=bucket, Key=newest)["Body"].read()
        return content

    def taken_usd(self, day: datetime) -> float:
        """Return what learning has taken of the cap of the day's month."""
        item = self._item(f"LEARNING#{day:%Y-%m}", "CAP")
        return float(item["taken_usd"]["N"]) if item else 0.0

    def only_notification(self) -> str:
        """Return the text of the only notification, sent by a run that lets the next one start."""
        assert self._item("LOCK#learning", "LOCK") is None
        (told,) = self.notifications()
        return told["Message"]

    def _item(self, pk: str, sk: str) -> Any:
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        found = self.client("dynamodb").get_item(TableName=self.stack.results_table, Key=key)
        return found.get("Item")

    def function(self, part: str) -> str:
        """Return the name of the one function whose name contains this."""
        names = [f["FunctionName"] for f in self.client("lambda").list_functions()["Functions"]]
        (name,) = (name for name in names if part in name)
        return str(name)

    def notifications(self) -> list[dict[str, str]]:
        """Return what was published since the last call."""
        sqs, found = self.client("sqs"), []
        while messages := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def notified(self) -> list[dict[str, str]]:
        """Wait until something is published, and return it."""
        deadline = time.monotonic() + SLOWEST_RUN_S
        while time.monotonic() < deadline:
            if found := self.notifications():
                return found
            time.sleep(POLL_S)
        raise TimeoutError("Nothing was published.")

    def waiting_briefly(self, attempts: int | None = None) -> AbstractContextManager[None]:
        """Let the workflow retry after a second at most, for the block.

        `attempts`: how often for a provider that is down, if not as often as deployed.
        """

        def wait_briefly(machine: Any) -> None:
            for rule in _retries(machine):
                rule.update(IntervalSeconds=1, MaxDelaySeconds=1)
                if attempts is not None and "ProviderDown" in rule["ErrorEquals"]:
                    rule["MaxAttempts"] = attempts

        return self._changed_machine(wait_briefly)

    def short_approval_wait(self, seconds: int) -> AbstractContextManager[None]:
        """For the block, no answer counts as a rejection after this many seconds."""

        def shorten_approval(machine: Any) -> None:
            approve = machine["States"]["Approve"]
            assert approve["HeartbeatSeconds"] == APPROVAL_S
            approve["HeartbeatSeconds"] = seconds

        return self._changed_machine(shorten_approval)

    @contextmanager
    def _changed_machine(self, change: Callable[[Any], None]) -> Iterator[None]:
        """Use the workflow with another definition, for the block."""
        workflow, arn = self.client("stepfunctions"), self.stack.state_machine
        before = workflow.describe_state_machine(stateMachineArn=arn)["definition"]
        machine = json.loads(before)
        change(machine)
        workflow.update_state_machine(stateMachineArn=arn, definition=json.dumps(machine))
        try:
            yield
        finally:
            workflow.update_state_machine(stateMachineArn=arn, definition=before)

    @contextmanager
    def configured(self, **changes: JsonValue) -> Iterator[None]:
        """Use functions with another learning configuration, for the block."""
        before = self._configure(changes)
        try:
            yield
        finally:
            for name, variables in before.items():
                self._set_variables(name, variables)

    def _configure(self, changes: Mapping[str, JsonValue]) -> dict[str, dict[str, str]]:
        functions, before = self.client("lambda"), {}
        for function in functions.list_functions()["Functions"]:
            variables = function.get("Environment", {}).get("Variables", {})
            if "LEARNING_CONFIG" not in variables:
                continue
            before[function["FunctionName"]] = variables
            if changes:
                config = {**json.loads(variables["LEARNING_CONFIG"]), **changes}
                changed = {**variables, "LEARNING_CONFIG": json.dumps(config)}
                self._set_variables(function["FunctionName"], changed)
        return before

    def _set_variables(self, function: str, variables: dict[str, str]) -> None:
        """A new configuration needs a new pool of environments; an unchanged one does not."""
        self.client("lambda").update_function_configuration(
            FunctionName=function, Environment={"Variables": variables}
        )


def run_id(scheduled_time: datetime) -> str:
    """The id of the scheduled run of this time."""
    return StartRun(scheduled_time=scheduled_time).run_id


def check_end(weekly: Weekly, ended: FinishedExecution, outcome: str) -> str:
    """Check what holds after every completed run, and return its message."""
    assert (ended.status, ended.outcome) == ("SUCCEEDED", outcome)
    (told,) = weekly.notifications()
    assert told["Subject"].startswith(f"route-switch local: {outcome} (run ")
    assert not weekly.is_locked
    return told["Message"]


def _retries(states: Any) -> Iterator[dict[str, Any]]:
    """Yield the retry rules of a definition's states, and of those within them."""
    children = states.values() if isinstance(states, dict) else states
    for child in children:
        if isinstance(child, dict) and "MaxAttempts" in child:
            yield child
        elif isinstance(child, dict | list):
            yield from _retries(child)


def subscribed(stack: StackInfo) -> str:
    """Return the URL of a queue that receives what is published about runs."""
    sqs = aws_client("sqs", stack.aws_endpoint, stack.region)
    url: str = sqs.create_queue(QueueName="notifications")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    aws_client("sns", stack.aws_endpoint, stack.region).subscribe(
        TopicArn=stack.runs_topic, Protocol="sqs", Endpoint=attributes["Attributes"]["QueueArn"]
    )
    return url
