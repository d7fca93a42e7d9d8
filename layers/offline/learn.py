"""`make learn`: the whole learning loop on real queries, offline.

Usage: python layers/offline/learn.py [--data FOLDER] [--results FILE]

Without FOLDER it learns from the packaged sample (docs/data.md). FOLDER holds larger datasets as
gzipped JSON lines (`mmlu_pro.jsonl.gz`, …; docs/data.md names their origin). Each set is learned
from separately, under `.local/learn/`; results that are already there are reused. FILE receives
the figures of all sets as Markdown.
"""

import gzip
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from route_switch.adapters.learning.example_file import file_digest, read_examples
from route_switch.adapters.learning.jsonl import write_gzip
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.folder_run import FolderRun
from route_switch.cli.model_options import known_prices, optimizer_extra, prices, tier_models
from route_switch.cli.route import router_config
from route_switch.optimizer.plan import Plan
from route_switch.optimizer.report import tables as report_tables
from route_switch.optimizer.report.advice import first_sentence
from route_switch.optimizer.report.article_table import (
    TITLE,
    URL,
    article_remarks,
    article_rows,
    article_table,
)
from route_switch.optimizer.report.figures import Report
from route_switch.optimizer.report.markdown_page import table_of, to_markdown
from route_switch.optimizer.report.text_format import difference
from route_switch.optimizer.report.verdict import (
    compared_with_baselines,
    simulated,
    used_rows,
    verdict,
)
from route_switch.services.learning.pace import Pace
from route_switch_offline import OFFLINE_MODELS, load_results

OUT = Path(".local/learn")
NOTES = {
    "customer_support": "Banking77 queries, graded by their intent label",
    "code_generation": "CRUXEval, which asks what code returns",
    "research_qa": "MMLU-Pro questions",
}
"""What stands in for the article's workloads in the larger sets."""
SAMPLE_NOTES = {
    "customer_support": "Banking77 queries, graded by their intent label",
    "code_generation": "CRUXEval, which asks what code returns, MBPP and HumanEval",
    "research_qa": "MMLU-Pro and OpenBookQA questions",
}
LLAMAS = ("llama-3.1-8b-instruct", "llama-3.1-70b-instruct")


DEVELOPMENT_ROWS = 2000
"""The search was developed on the first rows of MMLU-Pro, so none of them is used here."""


@dataclass(frozen=True, slots=True)
class DatasetPart:
    """`rows` rows of a dataset after the first `skip`. `models` serve as its tiers, small to
    large."""

    name: str
    models: tuple[str, ...]
    rows: int | None = None
    skip: int = 0


@dataclass(frozen=True, slots=True)
class LearningSet:
    """What one run learns from, in `rounds` of search. `parts` None means the packaged sample."""

    name: str
    title: str
    parts: tuple[DatasetPart, ...] | None = None
    rounds: int = 2


SAMPLE = LearningSet(
    "sample",
    "The packaged sample: chats, exam questions, code, support, mathematics",
    rounds=1,  # it has to end within minutes; a second round takes a third of the time
)
SETS = (
    LearningSet(
        "three-workloads",
        "Three workloads: MMLU-Pro, CRUXEval, Banking77",
        (
            DatasetPart("mmlu_pro", (*LLAMAS, "gpt-4o-2024-05-13"), 1000, DEVELOPMENT_ROWS),
            DatasetPart("crux_output", (*LLAMAS, "gpt-4o-2024-08-06")),
            DatasetPart("banking77", ("gpt-5-mini", "gpt-5.2", "claude-sonnet-4-5")),
        ),
    ),
    LearningSet(
        "mmlu-pro-crux",
        "MMLU-Pro with CRUXEval: Llama 8B, Llama 70B, GPT-4o",
        (
            DatasetPart("mmlu_pro", (*LLAMAS, "gpt-4o-2024-05-13"), 480, DEVELOPMENT_ROWS),
            DatasetPart("crux_output", (*LLAMAS, "gpt-4o-2024-08-06")),
        ),
    ),
    LearningSet(
        "llmrouter-mix",
        "LLMRouter's thirteen tasks: Gemma 9B, Llama 8B, Nemotron 51B",
        (
            DatasetPart(
                "llmrouter_mix",
                ("gemma-2-9b-it", "llama-3.1-8b-instruct", "llama-3.1-nemotron-51b-instruct"),
            ),
        ),
    ),
    LearningSet(
        "routellm",
        "RouteLLM's sets: Mixtral 8x7B, GPT-4",
        (
            DatasetPart("routellm_mmlu", ("mixtral-8x7b-instruct", "gpt-4-1106-preview"), 1500),
            DatasetPart("routellm_gsm8k", ("mixtral-8x7b-instruct", "gpt-4-1106-preview")),
            DatasetPart("routellm_mtbench", ("mixtral-8x7b-instruct", "gpt-4-1106-preview")),
        ),
    ),
)


def learn(
    data: Annotated[Path | None, typer.Option(help="Folder with larger datasets.")] = None,
    results: Annotated[Path | None, typer.Option(help="Markdown file for the figures.")] = None,
    threads: int = 2,
) -> None:
    """Learn from each set and print the reports."""
    console = Console()
    chapters = []
    for learning_set in (SAMPLE,) if data is None else (SAMPLE, *SETS):
        began = time.monotonic()
        report = _learned(learning_set, data, threads)
        minutes = (time.monotonic() - began) / 60
        console.print(Markdown(to_markdown(report)))
        folder = OUT / learning_set.name
        console.print(f"{learning_set.title}: {minutes:.1f} minutes; report: {folder}/report.html")
        chapters.append(_chapter(learning_set, report))
    if results is not None:
        command = "make learn RESULTS=docs/results.md" + ("" if data is None else " DATA=FOLDER")
        results.write_text(_document(command, chapters), "utf-8")


def _learned(learning_set: LearningSet, data: Path | None, threads: int) -> Report:
    folder = OUT / learning_set.name
    folder.mkdir(parents=True, exist_ok=True)
    examples = folder / "examples.jsonl.gz"
    write_gzip(examples, _lines(learning_set, data))
    config = router_config("local/encoder")
    models = tier_models(_tiers(learning_set))
    price = prices((), config)
    plan = Plan(
        models=models,
        prices=known_prices((*models.values(), "local/encoder"), price),
        config=config,
        proposer_model="offline/proposer",
        judge_model=None,
        threads=threads,
        rounds=learning_set.rounds,
    )
    run = FolderRun(
        plan=plan,
        examples=read_examples(examples),
        examples_digest=file_digest(examples),
        incumbent=packaged_prompt(),
        out=folder,
        budget_usd=0.0,
        price=price,
        pace=Pace(),
        monthly_queries=100_000,
        workload_notes=SAMPLE_NOTES if learning_set.parts is None else NOTES,
    )
    return run()


def _tiers(learning_set: LearningSet) -> str:
    if learning_set.parts is None:
        return ",".join(OFFLINE_MODELS)
    return "small,large" if len(learning_set.parts[0].models) == 2 else "small,medium,large"


def _lines(learning_set: LearningSet, data: Path | None) -> Iterator[str]:
    if learning_set.parts is None or data is None:
        yield from (row.model_dump_json() for row in load_results())
        return
    names = _tiers(learning_set).split(",")
    for part in learning_set.parts:
        with gzip.open(data / f"{part.name}.jsonl.gz", "rt", encoding="utf-8") as rows:
            end = None if part.rows is None else part.skip + part.rows
            for line in islice(rows, part.skip, end):
                row = json.loads(line)
                pairs = zip(names, part.models, strict=True)
                row["models"] = {name: row["models"][model] for name, model in pairs}
                yield json.dumps(row)


def _chapter(learning_set: LearningSet, report: Report) -> str:
    sentences = (
        first_sentence(report),
        verdict(report).sentence,
        *compared_with_baselines(report),
        used_rows(report),
        simulated(report),
    )
    blocks = [
        f"## {learning_set.title}",
        *(text for text in sentences if text),
        f"*{report_tables.policies(report).caption}*",
        table_of(report_tables.policies(report)),
        f"*{report_tables.differences(report).caption}*",
        table_of(report_tables.differences(report)),
    ]
    if report.shuffled_controls:
        controls = (f"{name} {difference(c)}" for name, c in report.shuffled_controls.items())
        blocks.append(
            f"Control on shuffled labels, minus random at the same mix: {', '.join(controls)}."
        )
    if any(workload.workload in NOTES for workload in report.workloads):
        blocks += [
            f"Compared with the article [{TITLE}]({URL}):",
            table_of(article_table(article_rows(report.workloads))),
            *article_remarks(report.workloads),
        ]
    return "\n\n".join(blocks)


def _document(command: str, chapters: list[str]) -> str:
    head = (
        "# Measured results of learning\n\n"
        f"Generated by `{command}`; do not edit. Each set is split by a hash of its queries "
        "(without numbers and ids) into train (40%), validation (30%) and held-out rows (30%). "
        "Every figure below is on held-out rows, which no choice depends on, with a bootstrap 95% "
        "interval. λ is 0.2. The router (`local/encoder`) is a real, small sentence encoder. "
        "Answers, scores and costs are recorded results of the named models. Seed 1, dspy "
        f"{version('dspy')}, optuna {version('optuna')}."
    )
    return "\n\n".join([head, *chapters]) + "\n"


if __name__ == "__main__":
    with optimizer_extra():
        typer.run(learn)
