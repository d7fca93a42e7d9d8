"""Answers requests with a share of the processor; prints milliseconds as JSON.

`python share.py joins FILE TURNS` starts with a whole processor and then joins the cgroup whose
processes FILE lists; `python share.py starts FILE` joins it first and only starts. `python share.py
peak` prints the peak memory of a large request, without a cgroup.
"""

import json
import random
import sys
import time
from pathlib import Path

TEXTS = {
    "bypassed": "hello",
    "classified": "Explain step by step how the tides depend on the Moon and the Sun.",
}
LARGE = "data:image/png;base64," + "A" * 4_400_000
"""An image that makes a body of nearly 4.5 MB."""


def joins(processes: Path, turns: int) -> dict[str, list[float]]:
    times = {"init_ms": [_init()]}
    processes.write_text("0")  # this process
    times["first_ms"] = [_handle("hello")]
    _handle(TEXTS["classified"])
    cpu = time.process_time()
    for name, text in TEXTS.items():
        times[f"{name}_ms"] = []
        for _ in range(turns):
            time.sleep(random.uniform(0.02, 0.06))  # noqa: S311 (requests arrive at any time)
            times[f"{name}_ms"].append(_handle(text))
    times["cpu_ms"] = [(time.process_time() - cpu) * 1000 / turns / len(TEXTS)]
    return times | peak()


def peak() -> dict[str, list[float]]:
    image = {"type": "image_url", "image_url": {"url": LARGE}}
    large_ms = _handle([{"type": "text", "text": "What is this?"}, image])
    peak_mb = _peak_kb() / 1024
    return {"large_ms": [large_ms], "peak_mb": [peak_mb]}


def _peak_kb() -> int:
    """Return the most memory that was resident since this program began. `getrusage` would count
    the process that started it as well."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def _init() -> float:
    started = time.perf_counter()
    import functions.router.handler

    assert functions.router.handler
    return (time.perf_counter() - started) * 1000


def _handle(content: object) -> float:
    from functions.router.handler import lambda_handler
    from tests.support.events import chat_event

    # As the runtime does: an event comes as JSON, and an answer leaves as JSON.
    event = json.dumps(chat_event(content, "rs-bench"))
    before = time.perf_counter()
    answer = lambda_handler(json.loads(event), None)  # type: ignore[arg-type]  # unused
    json.dumps(answer)
    assert answer["statusCode"] == 200, answer["body"]
    return (time.perf_counter() - before) * 1000


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["joins", processes, turns]:
            found = joins(Path(processes), int(turns))
        case ["starts", processes]:
            Path(processes).write_text("0")
            found = {"init_in_share_ms": [_init()]}
        case _:
            found = peak()
    sys.stdout.write("\n" + json.dumps(found) + "\n")
