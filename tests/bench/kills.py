"""Kill the router between the end of its answers and their records, and count what is lost.

`python -m tests.bench.kills [KILLS]` runs the local stack with scripted models.
"""

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import httpx
from rich.console import Console

from tests.e2e.conftest import ServedStack, scripted_stack
from tests.support.router_processes import kill_router
from tests.support.stack_accounts import accounts_of, replay
from tests.support.upstream import completion, streamed

KILLS = 200


@dataclass
class Losses:
    """Of the requests during which a process was killed: how many have no record, how many no line
    in the log, and how many no record after `records replay`. `difference_usd` is how far records,
    days and keys' months differ afterwards."""

    killed: int = 0
    unrecorded: int = 0
    unlogged: int = 0
    unrecorded_after_replay: int | None = None
    difference_usd: float | None = None


def measure(served: ServedStack, kills: int, *, replays: bool = False) -> Losses:
    """Every second answer is streamed. The process is killed as soon as the last
    byte of the answer has arrived. With `replays`, the stack's log is replayed at the end."""
    served.upstream.script = lambda body: (
        streamed("Hello", " there.") if body.get("stream") else completion("Hello there.")
    )
    answered = [_answered_and_killed(served, stream=number % 2 == 0) for number in range(kills)]
    ids = [request_id for request_id, killed in answered if killed]
    log = "".join(file.read_text(errors="replace") for file in served.logs.glob("*Router*.log"))
    unrecorded = sum(not _is_recorded(served, each) for each in ids)
    losses = Losses(len(ids), unrecorded, sum(f'"request_id":"{each}"' not in log for each in ids))
    if replays:
        replay(served.stack, served.logs)
        accounts = accounts_of(served.stack)
        losses.unrecorded_after_replay = sum(each not in accounts.requests for each in ids)
        losses.difference_usd = accounts.difference_usd
    return losses


def _answered_and_killed(served: ServedStack, *, stream: bool) -> tuple[str, int]:
    """Return the request's id and how many processes were killed."""
    body = {"model": "tier-1", "messages": [{"role": "user", "content": "hi"}], "stream": stream}
    headers = {"authorization": f"Bearer {served.stack.api_key}"}
    url = f"{served.stack.endpoint}/v1/chat/completions"
    with httpx.stream("POST", url, json=body, headers=headers, timeout=60) as answer:
        ending = b"data: [DONE]\n\n" if stream else b"}"
        got = b""
        for piece in answer.iter_raw():
            got += piece
            if got.endswith(ending):
                break
        killed = kill_router(served.stack)
    assert answer.status_code == 200, got
    assert got.endswith(ending), got
    return answer.headers["x-request-id"], killed


def _is_recorded(served: ServedStack, request_id: str) -> bool:
    headers = {"authorization": f"Bearer {served.stack.api_key}"}
    found = httpx.get(f"{served.stack.endpoint}/v1/results/{request_id}", headers=headers)
    assert found.status_code in (200, 404), found.text
    return found.status_code == 200


def main(kills: int) -> None:
    with tempfile.TemporaryDirectory() as folder, scripted_stack(Path(folder)) as served:
        losses = measure(served, kills, replays=True)
    Console().print(json.dumps(vars(losses)))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else KILLS)
