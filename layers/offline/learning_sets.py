"""The sets that `make evaluate` and `make learn` learn from, and one run on one of them.

Which rows of a large set are used is fixed here, before any result: the first ones in the file's
order, which is a random one, after those that the search was developed on.
"""

import gzip
import json
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from route_switch.adapters.learning.example_file import file_digest, read_examples
from route_switch.adapters.learning.jsonl import write_gzip
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli.folder_run import FolderRun
from route_switch.cli.model_options import known_prices, prices, tier_models
from route_switch.cli.route import router_config
from route_switch.optimizer.plan import Plan
from route_switch.services.learning.pace import Pace
from route_switch_offline import OFFLINE_MODELS, load_results

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
ROUTELLM = ("mixtral-8x7b-instruct", "gpt-4-1106-preview")
ARENA = ("mistral-7b-instruct", "mixtral-8x7b-instruct", "gpt-4-1106-preview")
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
    """What one run learns from. `parts` None means the packaged sample.

    `margin` is how far a score may be below Tier 3's and still count as no worse. Texts of a set
    that `is_private` may be measured, but not shown again. `notes` says what stands in for a
    workload of the article. The search has `rounds`. With a `shuffle_seed`, each query has the
    results of another one, as a control.
    """

    name: str
    title: str
    parts: tuple[DatasetPart, ...] | None = None
    margin: float = 0.0
    is_private: bool = False
    shuffle_seed: int | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    about: str = ""
    rounds: int = 2

    @property
    def tiers(self) -> str:
        if self.parts is None:
            return ",".join(OFFLINE_MODELS)
        return "small,large" if len(self.parts[0].models) == 2 else "small,medium,large"

    def lines(self, data: Path | None) -> Iterator[str]:
        """Yield the set's rows as JSON, with the tiers' names instead of the models'."""
        lines = self._recorded_lines(data)
        return lines if self.shuffle_seed is None else _shuffled(lines, self.shuffle_seed)

    def _recorded_lines(self, data: Path | None) -> Iterator[str]:
        if self.parts is None or data is None:
            yield from (row.model_dump_json() for row in load_results())
            return
        for part in self.parts:
            with gzip.open(data / f"{part.name}.jsonl.gz", "rt", encoding="utf-8") as rows:
                end = None if part.rows is None else part.skip + part.rows
                for line in islice(rows, part.skip, end):
                    row = json.loads(line)
                    pairs = zip(self.tiers.split(","), part.models, strict=True)
                    row["models"] = {name: row["models"][model] for name, model in pairs}
                    yield json.dumps(row)


def _shuffled(lines: Iterable[str], seed: int) -> Iterator[str]:
    """Yield the rows with their results permuted among them."""
    rows = [json.loads(line) for line in lines]
    results = [row["models"] for row in rows]
    random.Random(seed).shuffle(results)  # noqa: S311 (a control, not a secret)
    for row, models in zip(rows, results, strict=True):
        yield json.dumps({**row, "models": models})


SAMPLE = LearningSet(
    "sample",
    "The packaged sample: chats, exam questions, code, support, mathematics",
    notes=SAMPLE_NOTES,
    about="Its mix of sources was changed once after a look at held-out rows "
    "([data.md](data.md#where-it-comes-from)), so it is partly a choice that learning reaches a "
    "verdict here.",
    rounds=1,  # it has to end within minutes; a second round takes a third of the time
)
MMLU_PRO = (*LLAMAS, "gpt-4o-2024-05-13")
CRUX = DatasetPart("crux_output", (*LLAMAS, "gpt-4o-2024-08-06"))
BANKING = DatasetPart("banking77", ("gpt-5-mini", "gpt-5.2", "claude-sonnet-4-5"))
MMLU_PRO_CRUX = (DatasetPart("mmlu_pro", MMLU_PRO, 480, DEVELOPMENT_ROWS), CRUX)
SETS = (
    LearningSet(
        "three-workloads",
        "Three workloads: MMLU-Pro, CRUXEval, Banking77",
        (DatasetPart("mmlu_pro", MMLU_PRO, 1000, DEVELOPMENT_ROWS), CRUX, BANKING),
        notes=NOTES,
    ),
    LearningSet(
        "mmlu-pro-crux",
        "MMLU-Pro with CRUXEval: Llama 8B, Llama 70B, GPT-4o",
        MMLU_PRO_CRUX,
    ),
    LearningSet(
        "mmlu-pro-crux-shuffled",
        "MMLU-Pro with CRUXEval, results shuffled: a negative control",
        MMLU_PRO_CRUX,
        shuffle_seed=1,
        about="Each query has the results of another one, drawn with a fixed seed. So no query "
        "says which tier suits it, and no strategy may be clearly better than the best tier.",
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
        "arena-chat",
        "Chatbot Arena: Mistral 7B, Mixtral 8x7B, GPT-4",
        (DatasetPart("arena_chat", ARENA),),
        about="GPT-4's marks from 1 to 10 grade the answers; no worse means at least Tier 3's.",
    ),
    LearningSet(
        "arena-chat-margin",
        "Chatbot Arena, one mark of margin",
        (DatasetPart("arena_chat", ARENA),),
        margin=0.1,
        about="The same, but an answer may be one mark below Tier 3's.",
    ),
    LearningSet(
        "routellm-mmlu",
        "RouteLLM's MMLU: Mixtral 8x7B, GPT-4",
        (DatasetPart("routellm_mmlu", ROUTELLM, 1500),),
    ),
    LearningSet(
        "routellm-gsm8k",
        "RouteLLM's GSM8K: Mixtral 8x7B, GPT-4",
        (DatasetPart("routellm_gsm8k", ROUTELLM),),
    ),
    LearningSet(
        "routellm-mtbench",
        "RouteLLM's MT-Bench: Mixtral 8x7B, GPT-4",
        (DatasetPart("routellm_mtbench", ROUTELLM),),
        about="Too few rows to learn from.",
    ),
    LearningSet(
        "routerarena",
        "RouterArena: Gemini 2.0 Flash, Claude 3 Haiku",
        (DatasetPart("routerarena_sub10", ("gemini-2.0-flash-001", "claude-3-haiku-20240307")),),
        about="The dearer model is the worse one.",
    ),
    LearningSet(
        "livecodebench",
        "LiveCodeBench: GPT-4o mini, Claude 3.5 Sonnet, o4-mini",
        (
            DatasetPart(
                "livecodebench",
                ("gpt-4o-mini-2024-07-18", "claude-3-5-sonnet-20241022", "o4-mini-medium"),
            ),
        ),
        is_private=True,
        about="Costs rest on assumed numbers of tokens.",
    ),
    LearningSet(
        "banking77",
        "Banking77, a negative control: GPT-5 mini, GPT-5.2, Claude Sonnet 4.5",
        (BANKING,),
        about="The smallest model is as good as the others, so there is nothing to gain.",
    ),
    LearningSet(
        "tau2-airline",
        "τ²-bench, airline: Qwen 2.5 7B, GPT-5.4, Claude Sonnet 4.5",
        (DatasetPart("tau2_airline", ("qwen2.5-7b-instruct", "gpt-5.4", "claude-sonnet-4-5")),),
        about="Too few rows to learn from.",
    ),
)


def plan_of(learning_set: LearningSet, threads: int, lambda_: float = 0.2) -> Plan:
    """Return the settings of a run that costs nothing: the router LLM is `local/encoder`, and the
    proposer is simulated."""
    config = router_config("local/encoder")
    models = tier_models(learning_set.tiers)
    return Plan(
        models=models,
        prices=known_prices((*models.values(), "local/encoder"), prices((), config)),
        config=config,
        proposer_model="offline/proposer",
        judge_model=None,
        lambda_=lambda_,
        threads=threads,
        rounds=learning_set.rounds,
        no_worse_margin=learning_set.margin,
        strategy="auto",
    )


def run_of(
    learning_set: LearningSet,
    data: Path | None,
    out: Path,
    threads: int,
    lambda_: float = 0.2,
) -> FolderRun:
    """Return a run in the folder `out`, after writing its examples there."""
    plan = plan_of(learning_set, threads, lambda_)
    out.mkdir(parents=True, exist_ok=True)
    examples = out / "examples.jsonl.gz"
    write_gzip(examples, learning_set.lines(data))
    return FolderRun(
        plan=plan,
        examples=read_examples(examples),
        examples_digest=file_digest(examples),
        incumbent=packaged_prompt(),
        out=out,
        budget_usd=0.0,
        price=prices((), plan.config),
        pace=Pace(),
        monthly_queries=100_000,
        workload_notes=learning_set.notes,
    )
