"""`make bench`: measure the router's own time, warm, streamed and cold, against baselines."""

import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.support.stand_ins import PROVIDER, in_a_function, running_stand_ins

TURNS = 500
STREAMS = 300
COLD_STARTS = 7
WITHOUT_SESSIONS = "conversation without sessions"
OWN, LITELLM = "the project's own client", "LiteLLM"
HERE = Path(__file__).parent


def main() -> None:
    console = Console()
    packages = ("boto3", "httpx", "aws-lambda-powertools", "pydantic", "litellm")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    console.print(f"Python {platform.python_version()}, {platform.machine()}; {versions}")
    with running_stand_ins() as environment, running_stand_ins(PROVIDER) as foreign:
        console.print(_warm_table(warm(environment)))
        console.print(_stream_table(streams(environment, sys.argv[1:])))
        console.print(_parts_table(parts(environment)))
        console.print(_cold_table(cold({OWN: environment, LITELLM: foreign})))


def warm(environment: dict[str, str]) -> dict[str, list[float]]:
    command = in_a_function(str(HERE / "warm.py"), str(TURNS))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    times: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return times


def streams(environment: dict[str, str], servers: list[str]) -> dict[str, dict[str, list[float]]]:
    """`servers` are further ones to measure, as `NAME=URL`."""
    command = in_a_function(str(HERE / "streams.py"), str(STREAMS), *servers)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    times: dict[str, dict[str, list[float]]] = json.loads(done.stdout.splitlines()[-1])
    return times


def parts(environment: dict[str, str]) -> dict[str, list[list[float]]]:
    command = in_a_function(str(HERE / "parts.py"), str(TURNS))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    times: dict[str, list[list[float]]] = json.loads(done.stdout.splitlines()[-1])
    return times


def cold(environments: Mapping[str, dict[str, str]]) -> dict[str, list[float]]:
    """Measure seconds from process start to first answer, alternating between environments."""
    times: dict[str, list[float]] = {name: [] for name in environments}
    for _ in range(COLD_STARTS):
        for name, environment in environments.items():
            times[name].append(_seconds(environment))
    return times


def _seconds(environment: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(
        in_a_function(str(HERE / "cold.py")), env=environment, capture_output=True, check=True
    )
    return time.perf_counter() - started


def _warm_table(times: dict[str, list[float]]) -> Table:
    table = Table(title=f"Warm, n = {TURNS} per path", title_justify="left")
    for column in ("path", "p50 ms", "p95 ms", "added, ms", "target, ms"):
        table.add_column(column, justify="left" if column == "path" else "right")
    above = {
        "bypass": ("one raw call", "≤ 1.5"),
        "bypass and recorded": ("one raw call", ""),
        "classified": ("two raw calls", "≤ 2.5"),
        "classified and recorded": ("two raw calls", ""),
        "local": ("one raw call", "≤ 2.5"),
        "hybrid, sure": ("one raw call", ""),
        "hybrid, asked": ("two raw calls", ""),
        "in shadow": ("named tier", "≤ 1.0"),
        "conversation": (WITHOUT_SESSIONS, "≤ 0.3"),
        "conversation and recorded": (f"{WITHOUT_SESSIONS} and recorded", ""),
        "tool loop": ("one raw call", ""),
    }
    for name, values in sorted(times.items()):
        row = [name, f"{statistics.median(values):.2f}", f"{_percentile(values, 95):.2f}"]
        if name in above:
            raw, aim = above[name]
            difference = statistics.median(values) - statistics.median(times[raw])
            row += [f"{difference:.2f}", aim]
        table.add_row(*row)
    return table


def _stream_table(times: dict[str, dict[str, list[float]]]) -> Table:
    """A piece's delay is the time from the upstream's writing to its arrival."""
    table = Table(title=f"Streams, n = {STREAMS} per path", title_justify="left")
    names = (
        "path",
        "first token p50 ms",
        "p95 ms",
        "added, p50 ms",
        "piece's delay p50 ms",
        "p95 ms",
    )
    for column in names:
        table.add_column(column, justify="left" if column == "path" else "right")
    raw = statistics.median(times["raw stream"]["first_token"])
    for name, of in times.items():
        first, piece = of["first_token"], of["piece"]
        added = "" if name == "raw stream" else f"{statistics.median(first) - raw:.2f}"
        row = (statistics.median(first), _percentile(first, 95), statistics.median(piece))
        first_p50, first_p95, piece_p50 = (f"{value:.2f}" for value in row)
        delay_p95 = f"{_percentile(piece, 95):.2f}"
        table.add_row(name, first_p50, first_p95, added, piece_p50, delay_p95)
    return table


def _parts_table(parts: dict[str, list[list[float]]]) -> Table:
    table = Table(title="Parts of the request path, ms: p50 (p5 to p95)", title_justify="left")
    for column in ("part", "without", "with", "with - without", "n"):
        table.add_column(column, justify="left" if column == "part" else "right")
    for name, (without, having) in parts.items():
        more = statistics.median(having) - statistics.median(without)
        spreads = (_spread(values) for values in (without, having))
        table.add_row(name, *spreads, f"{more:+.3f}", str(len(without)))
    return table


def _spread(values: list[float]) -> str:
    low, *_, high = statistics.quantiles(values, n=20, method="inclusive")
    return f"{statistics.median(values):.3f} ({low:.3f} to {high:.3f})"


def _cold_table(times: dict[str, list[float]]) -> Table:
    table = Table(title=f"Cold start to first answer, n = {COLD_STARTS}", title_justify="left")
    for column in ("client", "p50 s", "range s"):
        table.add_column(column, justify="left" if column == "handler" else "right")
    for name, values in times.items():
        table.add_row(
            name, f"{statistics.median(values):.2f}", f"{min(values):.2f}-{max(values):.2f}"
        )
    ratio = statistics.median(times[OWN]) / statistics.median(times[LITELLM])
    table.add_row("ratio", f"{ratio:.2f}", "target ≤ 0.25")
    return table


def _percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


if __name__ == "__main__":
    main()
