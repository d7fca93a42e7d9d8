"""Real conversations, whose calls are reconstructed from the recorded sums of tokens."""

import gzip
import json
import re
from collections.abc import Sequence
from pathlib import Path
from random import Random

from route_switch.domain.tiers import ALL_TIERS, Tier
from route_switch.domain.tokens import estimate_tokens
from tests.support.sessions.conversations import AGENT, CHAT, Call, Conversation, Turn, pause_s
from tests.support.sessions.rows import FileRow, Result, read_rows

TAU2 = ("qwen2.5-7b-instruct", "gpt-5.4", "claude-sonnet-4-5")
TAU2_SYSTEM_TOKENS = 4200
"""The airline's policy and tools: the smallest recorded input, 8,378, is that of two calls."""
TAU2_NEW_TOKENS = 250
"""A user's message or a tool's result."""


def tau2(folder: Path, seed: int = 1) -> list[Conversation]:
    """Every turn of a task has the task's score: nothing finer is recorded."""
    random = Random(seed)  # noqa: S311 (a simulation)
    said = _said_by_users(folder)
    return [_task(row, said[row.id], random) for row in read_rows(folder, "tau2_airline")]


def _task(row: FileRow, said: Sequence[str], random: Random) -> Conversation:
    results = {tier: row.models[name] for tier, name in zip(ALL_TIERS, TAU2, strict=True)}
    counts = {tier: _number_of_calls(result) for tier, result in results.items()}
    written = {
        tier: max((result.output_tokens or 1) // counts[tier], 1)
        for tier, result in results.items()
    }
    scores = {tier: result.score for tier, result in results.items()}
    texts = said[: counts[max(counts)]]
    tools = [0] * len(texts)
    for _ in range(counts[max(counts)] - len(texts)):
        tools[random.randrange(len(texts))] += 1
    found: list[Turn] = []
    for text, more in zip(texts, tools, strict=True):
        pause = pause_s(AGENT, random) if found else 0.0
        calls = [Call(estimate_tokens(text), written, pause)]
        calls += [Call(TAU2_NEW_TOKENS, written, 2.0)] * more
        found.append(Turn(text, row.id, scores, tuple(calls)))
    return Conversation(TAU2_SYSTEM_TOKENS, tuple(found))


def _number_of_calls(result: Result) -> int:
    """Solve for n: the recorded input is that of n calls, each as long as the one before, its
    answer and new tokens."""
    tokens_in, tokens_out = result.input_tokens or 0, result.output_tokens or 0

    def total(n: int) -> float:
        grown = (tokens_out / n + TAU2_NEW_TOKENS) * n * (n - 1) / 2
        return n * TAU2_SYSTEM_TOKENS + grown

    return next(n for n in range(1, 1000) if total(n + 1) > tokens_in)


def _said_by_users(folder: Path) -> dict[str, list[str]]:
    """Return what the simulated user of each task wrote to the large model."""
    found = {}
    with gzip.open(folder / "answers.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["dataset"] == "tau2_airline":
                parts = MESSAGE.split(row["answers"][TAU2[2]])
                heads, texts = parts[1::2], parts[2::2]
                found[row["id"]] = [
                    text.strip() for head, text in zip(heads, texts, strict=True) if head == "User"
                ]
    return found


MESSAGE = re.compile(r"^(User|Agent): ", re.MULTILINE)
MT_BENCH = {Tier.SMALL: "mixtral-8x7b-instruct", Tier.LARGE: "gpt-4-1106-preview"}


def mt_bench(folder: Path, seed: int = 1) -> list[Conversation]:
    """Two turns without a system message. Both have the mean of their marks: that is recorded."""
    random = Random(seed)  # noqa: S311 (a simulation)
    found = []
    for row in read_rows(folder, "routellm_mtbench"):
        results = {tier: row.models[name] for tier, name in MT_BENCH.items()}
        scores = {tier: result.score for tier, result in results.items()}
        half = {tier: max((each.output_tokens or 2) // 2, 1) for tier, each in results.items()}
        texts = (row.query, str(row.meta["turn_2"]))
        pauses = (0.0, pause_s(CHAT, random))
        turns = tuple(
            Turn(text, row.id, scores, (Call(estimate_tokens(text), half, pause),))
            for text, pause in zip(texts, pauses, strict=True)
        )
        found.append(Conversation(0, turns))
    return found
