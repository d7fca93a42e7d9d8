"""What `make demo` asks, and what it shows of the answers."""

import io
import re

import httpx
from rich.console import Console

from local.demos.chats import ANSWER_CHARACTERS, ANSWER_LINES, beginning_of, print_chats
from local.demos.demo import PER_WORKLOAD, choose_queries
from local.demos.traffic import Exchange, Record
from route_switch_offline import OFFLINE_MODELS, load_sample
from tests.support.sample import chat_rows

CHATS = chat_rows()[:4]


def test_the_demo_asks_chats_first_and_two_queries_without_a_recording() -> None:
    rows = {row.query: row for row in load_sample()}
    chosen = [rows[query] for query in choose_queries(load_sample())]
    assert len(chosen) == len({row.id for row in chosen}) == 38
    chats = PER_WORKLOAD["general"]
    assert {row.workload for row in chosen[:chats]} == {"general"}
    assert all(row.workload != "general" for row in chosen[chats:])
    assert sum(not row.models for row in chosen) == 2


def answered(number: int, tier: int) -> tuple[Exchange, Record]:
    row, model = CHATS[number], OFFLINE_MODELS[tier - 1]
    recorded = row.models[model]
    body = {"id": str(number), "choices": [{"message": {"content": recorded.answer}}]}
    record = {
        "tier": tier,
        "model": model,
        "provider_model": recorded.recorded_model,
        "cost_usd": recorded.cost_usd,
    }
    return Exchange(row.query, 200, httpx.Headers(), body, 1.0), record


def test_the_first_chat_of_each_tier_is_shown_with_the_model_that_wrote_the_answer() -> None:
    pairs = [answered(0, 2), answered(1, 2), answered(2, 3)]
    failed = Exchange(CHATS[3].query, 502, httpx.Headers(), {}, 1.0)
    console = Console(width=100, record=True, file=io.StringIO())
    records = {each.body["id"]: record for each, record in pairs}
    chats = frozenset(row.query for row in CHATS)
    print_chats(console, [failed, *(each for each, _ in pairs)], records, chats)
    printed = console.export_text()
    assert re.findall(r"^Tier (\d), (\S+), \$0\.\d{6}$", printed, re.MULTILINE) == [
        ("2", "mixtral-8x7b-instruct"),
        ("3", "gpt-4-1106-preview"),
    ]
    first_words = pairs[0][0].text.split()[:5]
    assert " ".join(first_words) in " ".join(printed.split())


def test_a_long_answer_is_cut_after_whole_words_and_lines() -> None:
    assert beginning_of(" Yes. \n") == "Yes."
    cut = beginning_of("word " * 200)
    assert cut.endswith("word …")
    assert len(cut) <= ANSWER_CHARACTERS + 2
    assert beginning_of("\n".join("abcdefgh")).splitlines() == [*"abcde", "f …"]
    assert ANSWER_LINES == 6
