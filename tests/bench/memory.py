"""Measure the router's time and cost at Lambda's memory sizes: `make bench-memory`.

It needs root and Linux with cgroup v1 or v2 for `cpu`. Lambda gives a function one processor at
1,769 MB and a share in proportion below [1], but a whole one while it starts [2]. So each process
starts freely, then joins a cgroup whose quota is that share of each 20 ms, and answers one request
after another with pauses in between, as requests arrive. `init in its share` is the start without
that favor, as with provisioned concurrency. Models and AWS answer at once, from a process outside:
a model that takes its time lets the quota recover, so these are upper bounds. Sizes take turns, so
that noise hits all.

The rule, written before the first run: choose the smallest size of which

- a request takes at most 5 ms more than at 1,024 MB at p50, bypassed or classified;
- the first request after a start takes at most 500 ms more than at 1,024 MB at p50;
- the peak memory, with a body of 4.5 MB and an answer as long, is at most three quarters.

[1] https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
[2] https://serverlessland.com/content/service/lambda/guides/effectively-running-java-on-serverless/init-heavy-lifting
"""

import json
import subprocess
from pathlib import Path
from statistics import median, quantiles

from rich.console import Console
from rich.table import Table

from route_switch.cost_estimate.aws_prices import PriceList
from tests.support.stand_ins import in_a_function, running_stand_ins

SIZES_MB = (256, 512, 1024, 1769)
FULL_PROCESSOR_MB = 1769
PERIOD_US = 20_000
TURNS, PROCESSES = 50, 6
WAITING_S = 3.95
"""What a request waits for models by the assumptions of `route-switch estimate`."""
GB_S_USD = PriceList.packaged().prices["lambda_arm64_gb_s"].usd_each
SHARE = Path(__file__).with_name("share.py")
CPU = next((p for p in (Path("/sys/fs/cgroup/cpu"),) if p.exists()), Path("/sys/fs/cgroup"))
ROWS = {
    "init_ms": "init, whole processor",
    "init_in_share_ms": "init in its share",
    "first_ms": "first request",
    "bypassed_ms": "bypassed",
    "classified_ms": "classified",
    "large_ms": "4.5 MB in, 4.5 MB out",
}

Times = dict[str, list[float]]


def main() -> None:
    found: dict[int, list[Times]] = {size: [] for size in SIZES_MB}
    with running_stand_ins() as environment:
        for _ in range(PROCESSES):
            for size, runs in found.items():
                group = _cgroup(size)
                runs.append(_run(environment, "joins", str(group), str(TURNS)))
                runs[-1] |= _run(environment, "starts", str(group))
    console = Console(width=100)
    console.print(_table({size: _joined(runs) for size, runs in found.items()}))


def _run(environment: dict[str, str], *arguments: str) -> Times:
    done = subprocess.run(
        in_a_function(str(SHARE), *arguments),
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    times: Times = json.loads(done.stdout.splitlines()[-1])
    return times


def _joined(runs: list[Times]) -> Times:
    return {name: [value for run in runs for value in run[name]] for name in runs[0]}


def _table(found: dict[int, Times]) -> Table:
    table = Table(title="Milliseconds: p50 (p95, n)", title_justify="left")
    table.add_column("")
    for size in found:
        table.add_column(f"{size:,} MB", justify="right")
    for name, words in ROWS.items():
        table.add_row(words, *(_summary(times[name]) for times in found.values()))
    for name, words in (("cpu_ms", "processor time of a request"), ("peak_mb", "peak memory, MB")):
        table.add_row(words, *(f"{median(times[name]):.1f}" for times in found.values()))
    costs = (f"{_usd_per_million(size, times):.1f}" for size, times in found.items())
    table.add_row("Lambda, USD per million requests", *costs)
    return table


def _summary(values: list[float]) -> str:
    return f"{median(values):.1f} ({quantiles(values, n=20)[18]:.1f}, {len(values)})"


def _usd_per_million(size_mb: int, times: Times) -> float:
    """Nine of ten requests are classified, as `route-switch estimate` assumes."""
    own_s = (median(times["bypassed_ms"]) + 9 * median(times["classified_ms"])) / 10_000
    return 1e6 * (WAITING_S + own_s) * size_mb / 1024 * GB_S_USD


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


if __name__ == "__main__":
    main()
