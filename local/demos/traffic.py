"""Send real queries through a stack, for `make demo` and `make weekly`."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import httpx
from rich.console import Console

from local.aws.client import StackInfo, aws_client, running_stack
from local.aws.errors import LocalStackError
from route_switch.services.learning.map_ordered import map_ordered

WIDTH_WITHOUT_TERMINAL = 110
SLOWEST_ANSWER_S = 40
GIVE_UP_AFTER = 3
PEOPLE = 20
"""End users of the one key, each with the same queries in every run."""
Record = dict[str, Any]  # a result in the API's format

AWS = "AWS (the deployed template runs on moto and Lambda's runtime emulator on this machine)"
TIERS = """\
the tier models (they replay recorded answers of real models of three sizes, at nominal prices, \
and say so if no answer was recorded)"""


@dataclass(frozen=True)
class Exchange:
    """A query and its response."""

    query: str
    status: int
    headers: httpx.Headers
    body: dict[str, Any]  # JSON from the API
    latency_ms: float

    @property
    def answered(self) -> bool:
        return self.status == httpx.codes.OK

    @property
    def text(self) -> str:
        """The answer's text; empty if it has none."""
        return self.body["choices"][0]["message"].get("content") or ""


def new_console() -> Console:
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH_WITHOUT_TERMINAL
    return console


@contextmanager
def started_stack(console: Console, assembly: Path, state: Path) -> Iterator[StackInfo]:
    started = time.perf_counter()
    console.print("Starting the local stack and deploying the synthesized template …")
    with running_stack(assembly, state) as stack:
        seconds = time.perf_counter() - started
        console.print(f"The stack started in {seconds:.1f} s at {stack.endpoint}.")
        yield stack


def send(
    stack: StackInfo,
    queries: Sequence[str],
    logs: Path,
    seen: Callable[[Exchange], None],
    at_once: int = 1,
) -> list[Exchange]:
    """Send all queries, and call `seen` with each response.

    Raise `LocalStackError` if the first ones all fail with a server error. The message points to
    `logs`.
    """
    first: list[Exchange] = []
    with direct_client(stack) as http:

        def send_one(query: str) -> Exchange:
            sent = _post(http, stack, query)
            if len(first) < GIVE_UP_AFTER:
                first.append(sent)
                _raise_if_all_failed(first, logs)
            seen(sent)
            return sent

        try:
            return map_ordered(send_one, queries, at_once)
        except httpx.HTTPError as error:
            raise LocalStackError(
                f"The stack at {stack.endpoint} gave no answer: {error}. See the logs in {logs}."
            ) from error


def direct_client(stack: StackInfo) -> httpx.Client:
    """Return a client without the environment's proxies: the stack is on this machine."""
    return httpx.Client(base_url=stack.endpoint, timeout=SLOWEST_ANSWER_S, trust_env=False)


def _post(http: httpx.Client, stack: StackInfo, query: str) -> Exchange:
    started = time.perf_counter()
    answer = http.post(
        "/v1/chat/completions",
        json={
            "model": "auto",
            "messages": [{"role": "user", "content": query}],
            "user": f"person {crc32(query.encode()) % PEOPLE}",
        },
        headers={"authorization": f"Bearer {stack.api_key}"},
    )
    latency_ms = (time.perf_counter() - started) * 1000
    return Exchange(query, answer.status_code, answer.headers, answer.json(), latency_ms)


def _raise_if_all_failed(first: Sequence[Exchange], logs: Path) -> None:
    if len(first) >= GIVE_UP_AFTER and all(sent.status >= 500 for sent in first):
        raise LocalStackError(
            f"The first {GIVE_UP_AFTER} requests failed: {first[-1].body}\nCheck the models' "
            f"server and keys, and see the logs in {logs}."
        )


def read_records(stack: StackInfo, ids: Sequence[str]) -> list[Record]:
    """Return these requests' records from the results table."""
    dynamodb = aws_client("dynamodb", stack.aws_endpoint, stack.region)
    records = []
    for request_id in ids:
        key = {"pk": {"S": f"RESULT#{request_id}"}, "sk": {"S": "RESULT"}}
        item = dynamodb.get_item(TableName=stack.results_table, Key=key)["Item"]
        records.append(json.loads(item["record"]["S"]))
    return records
