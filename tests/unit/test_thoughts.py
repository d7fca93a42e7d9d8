"""Routers that think aloud: their thoughts are never read as their decision."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.routing import RouterReply
from route_switch.domain.strategies.prompt_strategy import read_reply
from route_switch.domain.thoughts import without_thoughts

TAGGED = st.lists(
    st.sampled_from(["<think>", "</think>", "<THINKING>", "</thinking>", "tier 3", "1", " ", "\n"])
).map("".join)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3", "3"),
        ("", ""),
        ("<think>tier 1?</think>3", "3"),
        ("<think>\n</think>\n\n3\n", "3"),
        ("<thinking>1</thinking> 2", "2"),
        ("<reasoning>1</reasoning>2", "2"),
        ("<thought>1</thought>2", "2"),
        ("<THINK>1</THINK>2", "2"),
        ("tier 1, or 2?</think>3", "3"),
        ("Well. <think>1</think> 2 <think>3</think>", "Well.  2"),
        ("<think>a<think>b</think>c</think>3", "3"),
        ("1</think>2</think>3", "3"),
        ("<think>1", None),
        ("3 <think>or 1", None),
        ("<think>a</think><think>b", None),
        ("a < b and <thin>", "a < b and <thin>"),
    ],
)
def test_thoughts_are_removed_from_a_text(text: str, said: str | None) -> None:
    assert without_thoughts(text) == said


@pytest.mark.parametrize(
    ("text", "cut_off", "tier", "why"),
    [
        ("3", False, 3, "chosen by"),
        ("3", True, 3, "chosen by"),
        ("3. Because it is", True, 3, "chosen by"),
        ("Tier 2 is", True, 2, "chosen by"),
        ("It may be tier 1 or tier", True, None, "output limit"),
        ("<think>tier 1, tier 2, or tier 3?", True, None, "did not finish its thought"),
        ("<think>tier 3", False, None, "did not finish its thought"),
        ("<think>tier 1</think>3", False, 3, "chosen by"),
        ("<think>tier 1</think>The tier", True, None, "output limit"),
        ("perhaps tier 1</think>\n3", False, 3, "chosen by"),
        ("", True, None, "output limit"),
        ("", False, None, "names no tier"),
        ("banana", False, None, "names no tier"),
        ("1 or 3", False, None, "names no tier"),
    ],
)
def test_an_unfinished_thought_names_no_tier(
    text: str, cut_off: bool, tier: int | None, why: str
) -> None:
    suggestion = read_reply(RouterReply(text, cut_off))
    assert suggestion.tier == tier
    assert why in suggestion.why


@given(TAGGED, st.booleans())
def test_an_open_thought_never_decides(text: str, cut_off: bool) -> None:
    assert read_reply(RouterReply(f"</think></think>{text}<think>tier 3", cut_off)).tier is None


@given(TAGGED)
def test_only_what_follows_the_thought_decides(thought: str) -> None:
    closed = thought + "</think>" * (thought.lower().count("<think") + 1)
    assert read_reply(RouterReply(closed + "2")).tier == 2


def test_long_replies_are_read_quickly() -> None:
    for piece in ("<think>", "</think>", "<", "<think", "<think></think>"):
        started = time.process_time()
        without_thoughts(piece * 50_000)
        assert time.process_time() - started < 1
