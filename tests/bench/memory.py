"""What a request takes with the processor's share of each memory size, as JSON lines.

`python -m tests.bench.memory` as root, on Linux with cgroup v1 or v2 for `cpu`. Lambda gives a
function one processor at 1,769 MB and a share in proportion below, but a whole one while it starts.
So each process starts freely, then joins a cgroup whose quota is that share of each 20 ms, and
answers one request after another with pauses in between, as requests arrive. Models and AWS answer
at once, from a process outside. Sizes take turns, so that noise hits all.
"""

import json
import random
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.support.stand_ins import in_a_function, running_stand_ins

SIZES_MB = (256, 512, 1024, 1769)
FULL_PROCESSOR_MB = 1769
PERIOD_US = 20_000
TURNS, PROCESSES = 100, 5
CPU = next((p for p in (Path("/sys/fs/cgroup/cpu"),) if p.exists()), Path("/sys/fs/cgroup"))
TEXTS = {
    "bypass": "hello",
    "classified": "Explain step by step how the tides depend on the Moon and the Sun.",
}


def main() -> None:
    found: dict[int, list[dict[str, list[float]]]] = {size: [] for size in SIZES_MB}
    with running_stand_ins() as environment:
        for _ in range(PROCESSES):
            for size in SIZES_MB:
                command = in_a_function(__file__, str(_cgroup(size)))
                done = subprocess.run(
                    command, env=environment, capture_output=True, text=True, check=True
                )
                found[size].append(json.loads(done.stdout.splitlines()[-1]))
    for size, processes in found.items():
        sys.stdout.write(json.dumps({"memory_mb": size, **_summary(processes)}) + "\n")


def _summary(processes: list[dict[str, list[float]]]) -> dict[str, str]:
    summary = {}
    for name in processes[0]:
        values = [value for process in processes for value in process[name]]
        tenths = statistics.quantiles(values, n=20)
        p50 = statistics.median(values)
        summary[name] = f"p50 {p50:.1f} p95 {tenths[18]:.1f} (n={len(values)})"
    return summary


def _cgroup(size_mb: int) -> Path:
    """Make a cgroup with the share of this size, and return its list of processes."""
    group = CPU / f"route-switch-{size_mb}"
    group.mkdir(exist_ok=True)
    quota = min(size_mb / FULL_PROCESSOR_MB, 1) * PERIOD_US
    if (group / "cpu.max").exists():
        (group / "cpu.max").write_text(f"{quota:.0f} {PERIOD_US}")
    else:
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(f"{quota:.0f}")
    return group / "cgroup.procs"


def _measure(processes: Path) -> dict[str, list[float]]:
    started = time.perf_counter()
    from functions.router.handler import lambda_handler
    from tests.support.events import chat_event

    def handle(text: str) -> float:
        before = time.perf_counter()
        answer = lambda_handler(chat_event(text, "rs-bench"), None)  # type: ignore[arg-type]  # unused
        assert answer["statusCode"] == 200
        return (time.perf_counter() - before) * 1000

    start_ms = (time.perf_counter() - started) * 1000
    processes.write_text("0")  # this process
    times = {"start_ms": [start_ms], "first_ms": [handle("hello")]}
    handle(TEXTS["classified"])
    cpu = time.process_time()
    for name, text in TEXTS.items():
        times[f"{name}_ms"] = []
        for _ in range(TURNS):
            time.sleep(random.uniform(0.02, 0.06))  # noqa: S311 (requests arrive at any time)
            times[f"{name}_ms"].append(handle(text))
    times["cpu_ms"] = [(time.process_time() - cpu) * 1000 / TURNS / len(TEXTS)]
    times["rss_mb"] = [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]
    return times


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.stdout.write("\n" + json.dumps(_measure(Path(sys.argv[1]))) + "\n")
    else:
        main()
