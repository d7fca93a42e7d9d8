"""`route-switch import`: make examples from a log of another tool."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer

from route_switch.adapters.learning.logs.log_reader import LogReader
from route_switch.adapters.learning.logs.ratings import scale_of
from route_switch.adapters.learning.logs.rows import read_log
from route_switch.adapters.learning.logs.sources import SOURCES
from route_switch.cli.files import write_whole
from route_switch.cli.model_options import tier_models
from route_switch.cli.options import usage_examples
from route_switch.cli.stage_names import UsageError
from route_switch.cli.terminal import json_text, say
from route_switch.domain.errors import RouteSwitchError
from route_switch.services.learning.import_log import ImportedLog, import_log

EXAMPLES = usage_examples(
    "import requests.jsonl -o examples.jsonl",
    "import langfuse.csv -o examples.jsonl --tiers openai/gpt-4.1-nano,openai/gpt-4.1",
    "import chats.csv -o examples.jsonl --column query=question --column rating=stars",
)
FORMATS = tuple(source.name for source in SOURCES)
FIELDS = (
    *("query", "answer", "model", "rating", "score", "gold", "workload"),
    *("input_tokens", "output_tokens", "cost_usd"),
)
MANY = 12
"""How many lines or ranges of lines a summary names for one reason."""


def import_(
    log: Annotated[
        Path, typer.Argument(metavar="FILE", help="JSONL, JSON or CSV; may be gzipped.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="JSONL file of examples. It contains users' text.")
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--format", help=f"Format of the log: {', '.join(FORMATS)}. Default: detected."
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=NAME",
            help=f"Column that holds a field. Fields: {', '.join(FIELDS)}. Repeatable.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=MODEL", help="Name to use for a model of the log. Repeatable."),
    ] = None,
    tiers: Annotated[
        str | None,
        typer.Option(help="Tier models, small to large. Ratings of their answers become feedback."),
    ] = None,
    every_line: Annotated[
        bool, typer.Option("--lines", help="Print each line that was left out, and why.")
    ] = False,
) -> None:
    """Make examples from a log: OpenAI, Azure, LiteLLM, Langfuse, Helicone, chats or a table.

    Calls with the same request become one example with the results of all models. Nothing is sent
    anywhere.
    """
    if source is not None and source not in FORMATS:
        raise UsageError(f"--format is '{source}', but must be one of {', '.join(FORMATS)}.")
    columns = _pairs(column, "--column", FIELDS)
    names = _pairs(model, "--model")
    if out.exists() and log.exists() and out.samefile(log):
        raise UsageError(f"--out is the log itself, {log}. Name another file.")
    reading = LogReader(source, columns)
    calls = [*reading.calls(read_log(log))]
    if every_line:
        for number, why in reading.left_out:
            say(f"line {number}: {why}")
    _check_columns(log, reading, columns)
    if not calls and not reading.examples:
        raise RouteSwitchError(f"{log} has no call that can become an example. {_advice(reading)}")
    scale = scale_of(call.rating for call in calls if call.rating is not None)
    found = import_log(calls, scale.score, names, tier_models(tiers) if tiers else {})
    found.rows += reading.examples
    write_whole(out, "".join(f"{json_text(row)}\n" for row in found.rows), private=True)
    for line in _summary(out, reading, found, scale.name):
        say(line)


def _check_columns(log: Path, reading: LogReader, columns: dict[str, str]) -> None:
    missing = [name for name in columns.values() if "." not in name]
    missing = [name for name in missing if name not in reading.columns_seen]
    if missing and reading.columns_seen:
        raise UsageError(
            f"{log} has no column '{missing[0]}'. It has {', '.join(reading.columns_seen)}."
        )


def _pairs(
    given: Sequence[str] | None, option: str, allowed: Sequence[str] | None = None
) -> dict[str, str]:
    pairs = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not (name and equals and value) or (allowed is not None and name not in allowed):
            wanted = f"FIELD=NAME with one of {', '.join(allowed)}" if allowed else "NAME=MODEL"
            raise UsageError(f"{option} is '{text}'. Write {wanted}.")
        pairs[name] = value
    return pairs


def _summary(out: Path, reading: LogReader, found: ImportedLog, scale: str) -> Iterator[str]:
    formats = ", ".join(f"{name} {n:,}" for name, n in sorted(reading.formats.items()))
    left_out = f", {len(reading.left_out):,} left out" if reading.left_out else ""
    yield (
        f"{reading.lines:,} rows -> {len(found.rows):,} examples in {out} "
        f"({found.calls:,} calls{left_out})."
    )
    yield f"format      {formats}"
    if reading.examples:
        yield "examples    kept as they are: the file has examples already"
    yield f"models      {_counts(found.models) or 'none named'}"
    yield f"workloads   {_counts(found.workloads)}"
    if found.repeats:
        yield f"repeats     {found.repeats:,} calls repeat a request; they count as its weight"
    if found.estimated:
        yield f"tokens      estimated for {found.estimated:,} calls (tokens_estimated in the file)"
    if found.rated:
        yield f"ratings     {found.rated:,} on a scale of {scale}{_use(found)}"
    if found.unreadable_ratings:
        yield f"ratings     {found.unreadable_ratings:,} cannot be read and are left out"
    for why, numbers in _reasons(reading.left_out).items():
        yield f"left out    {len(numbers):,}: {why} (line {_places(numbers)})"


def _use(found: ImportedLog) -> str:
    if not found.unused_ratings:
        return ", used as feedback on the tier"
    which = "not used yet" if found.unused_ratings == found.rated else "not all used yet"
    return f"; {which}: say which models are your tiers with --tiers SMALL,LARGE"


def _counts(counts: dict[str, int]) -> str:
    most = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    named = [f"{name} {n:,}" for name, n in most[:8]]
    return ", ".join(chain(named, [f"{len(most) - 8} more"] if len(most) > 8 else []))


def _reasons(left_out: Sequence[tuple[int, str]]) -> dict[str, list[int]]:
    reasons: dict[str, list[int]] = defaultdict(list)
    for number, why in left_out:
        reasons[why].append(number)
    return reasons


def _places(numbers: Sequence[int]) -> str:
    """Return line numbers, with runs as ranges."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    named = [str(first) if first == last else f"{first} to {last}" for first, last in runs[:MANY]]
    return ", ".join([*named, *(["…"] if len(runs) > MANY else [])])


def _advice(reading: LogReader) -> str:
    if reading.left_out:
        number, why = reading.left_out[0]
        fields = ", ".join(reading.columns_seen) or "unreadable"
        return (
            f"Line {number}: {why}. Its fields are {fields}. "
            "Name what wrote it with --format, or its columns with --column query=NAME."
        )
    return "It is empty."
