"""Where the packaged sample comes from: datasets, licenses and the models that serve as tiers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """Rows of a dataset, or of one of its tasks. `models` are the recorded models, cheapest first.

    Rows without texts are drawn from those after the first `skip`: at most `results`, or all.
    """

    name: str
    license: str
    origin: str
    models: tuple[str, ...] = ()
    task: str | None = None
    skip: int = 0
    results: int | None = None


LLMROUTER_TASKS = {
    "agentverse-logicgrid": "MIT AND Apache-2.0",
    "commongen": "MIT",
    "commonsense_qa": "MIT",
    "gsm8k": "MIT",
    "human_eval": "MIT",
    "mbpp": "MIT AND CC-BY-4.0",
    "openbook_qa": "MIT AND Apache-2.0",
}
"""Licenses of the tasks. The others are share-alike, of unclear license, or part of MMLU-Pro."""

SOURCES = (
    Source(
        "mmlu_pro",
        "Apache-2.0",
        "github.com/TIGER-AI-Lab/MMLU-Pro@f418b11",
        ("llama-3.1-8b-instruct", "llama-3.1-70b-instruct", "gpt-4o-2024-05-13"),
        skip=2000,  # the search was developed on them
        results=700,
    ),
    Source(
        "crux_output",
        "Apache-2.0",
        "github.com/yuchenlin/ZeroEval@570c626",
        ("llama-3.1-8b-instruct", "llama-3.1-70b-instruct", "gpt-4o-2024-08-06"),
    ),
    Source(
        "banking77",
        "MIT AND CC-BY-4.0",
        "github.com/Dinesh0401/Evaluating-LLM-on-Banking77-Intent-Classification@d550d06",
        ("gpt-5-mini", "gpt-5.2", "claude-sonnet-4-5"),
    ),
    Source(
        "arena_chat",
        "Apache-2.0",
        "github.com/lmarena/arena-hard-auto@4a705dd",
        # Not gpt-3.5-turbo-1106: it costs more than mixtral and its mean mark is lower.
        ("mistral-7b-instruct", "mixtral-8x7b-instruct", "gpt-4-1106-preview"),
    ),
    *(
        Source(
            "llmrouter_mix",
            license_,
            "github.com/ulab-uiuc/LLMRouter@4e7a796",
            ("gemma-2-9b-it", "llama-3.1-8b-instruct", "llama-3.1-nemotron-51b-instruct"),
            task,
        )
        for task, license_ in LLMROUTER_TASKS.items()
    ),
    Source(
        "banking77_queries",
        "CC-BY-4.0",
        "github.com/PolyAI-LDN/task-specific-datasets@57ec275",
    ),
)
