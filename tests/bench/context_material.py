"""Conversations for `context_table`: recorded ones, and real queries to pair."""

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from route_switch.domain.ports import JsonObject

SETS = (
    *("mmlu_pro", "crux_output", "banking77_queries"),
    *("clinc150_queries", "llmrouter_mix", "arena_chat"),
)
PER_SET = 40
WORDS = 300
TEXTS_PER_SET = 12
AIRLINE_TIERS = ("qwen2.5-7b-instruct", "gpt-5.4", "claude-sonnet-4-5")
MT_BENCH_TIERS = ("mixtral-8x7b-instruct", "gpt-4-1106-preview", "gpt-4-1106-preview")

Row = dict[str, Any]


def message(role: str, content: str) -> JsonObject:
    return {"role": role, "content": content}


@dataclass(frozen=True, slots=True)
class RecordedTurn:
    """A user message in its conversation. `scores` are those of the tiers, 0 to 1."""

    conversation: int
    messages: tuple[JsonObject, ...]
    scores: tuple[float, float, float]


def rows(folder: Path, name: str) -> list[Row]:
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def held_out(folder: Path, name: str) -> list[str]:
    """Return the queries that no parameter of the encoder was chosen on."""
    queries = (row["query"] for row in rows(folder, name))
    return [q for q in queries if hashlib.sha256(q.encode()).digest()[-1] % 2]


def queries_to_pair(folder: Path, random: Random) -> list[str]:
    return [query for name in SETS for query in random.sample(held_out(folder, name), PER_SET)]


def long_texts(folder: Path, name: str, random: Random) -> list[str]:
    """Return texts of 300 words or a little more, made of queries of one set."""
    queries = held_out(folder, name)
    found = []
    for _ in range(TEXTS_PER_SET):
        parts: list[str] = []
        while sum(len(part.split()) for part in parts) < WORDS:
            parts.append(random.choice(queries))
        found.append("\n".join(parts))
    return found


def second_turns(folder: Path) -> list[RecordedTurn]:
    """Return MT-Bench's second turns after the small model's first answer, with the marks that
    GPT-4 gave the second answers."""
    asked = {row["id"]: row for row in rows(folder, "routellm_mtbench")}
    found: list[RecordedTurn] = []
    for answered in rows(folder, "answers"):
        if answered["dataset"] == "routellm_mtbench":
            row = asked[answered["id"]]
            messages = (
                message("user", row["query"]),
                message("assistant", answered["answers"][MT_BENCH_TIERS[0]]),
                message("user", row["meta"]["turn_2"]),
            )
            small, medium, large = (_mark(answered["judge"][m]) for m in MT_BENCH_TIERS)
            found.append(RecordedTurn(len(found), messages, (small, medium, large)))
    return found


def _mark(judged: Sequence[Mapping[str, Any]]) -> float:
    return float(next(j["score"] for j in judged if j["turn"] == 2)) / 10


def airline_turns(folder: Path) -> list[RecordedTurn]:
    """Return the user's messages after the first one in τ²-bench's conversations with the large
    model; scores are the rewards of whole conversations."""
    scored = {row["id"]: row["models"] for row in rows(folder, "tau2_airline")}
    found = []
    for number, answered in enumerate(rows(folder, "answers")):
        if answered["dataset"] != "tau2_airline":
            continue
        said = _turns(answered["answers"][AIRLINE_TIERS[2]])
        small, medium, large = (scored[answered["id"]][m]["score"] for m in AIRLINE_TIERS)
        asked = [i for i, turn in enumerate(said) if turn["role"] == "user"][1:]
        found += [RecordedTurn(number, said[: i + 1], (small, medium, large)) for i in asked]
    return found


def _turns(conversation: str) -> tuple[JsonObject, ...]:
    said: list[JsonObject] = []
    for block in conversation.split("\n\n"):
        head, _, rest = block.partition(": ")
        if head in ("User", "Agent"):
            said.append(message("user" if head == "User" else "assistant", rest))
        elif said:
            said[-1] = said[-1] | {"content": f"{said[-1]['content']}\n\n{block}"}
    return tuple(said)
