"""A judge's reply is read in the forms that judges use, and never taken for what it is not."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.learning.judge_reply import read_choice

UNDERSTOOD = [
    ("A is right.\nVerdict: A", "A"),
    ("**Verdict:** B.", "B"),
    ("verdict: same", "SAME"),
    ("Verdict: Answer B", "B"),
    (" B\n", "B"),
    ("**A**", "A"),
    ("(B)", "B"),
    ("Answer A", "A"),
    ("TIE", "SAME"),
    ("Final verdict: A", "A"),
    ("FINAL VERDICT: **B**", "B"),
    ("My final verdict is B.", "B"),
    ("Verdict: SAME because both name Paris.", "SAME"),
    ("Verdict: A because B forgets the unit.", "A"),
    ("Verdict: A, since B is wrong.", "A"),
    ("Verdict: TIE", "SAME"),
    ("Verdict: a tie", "SAME"),
    ("Verdict: equivalent", "SAME"),
    ("## Verdict\n\n**B**", "B"),
    ("- Verdict - SAME", "SAME"),
    ("Both name Paris. The verdict: SAME", "SAME"),
    ("Winner: Response B", "B"),
    ("Decision: [A]", "A"),
    ('{"verdict": "SAME"}', "SAME"),
    ('{"reason": "B forgets the unit.", "verdict": "A"}', "A"),
    ('```json\n{\n  "reason": "x",\n  "verdict": "B"\n}\n```', "B"),
    ("{'verdict': 'A'}", "A"),
    ('{"winner": "Answer B", "reason": "cut of', "B"),
    ('{"final_verdict": "tie"}', "SAME"),
    ("[[A]]", "A"),
    ("B rambles, so [[A]].", "A"),
    ("[[C]]", "SAME"),
    ("After comparing both: [[SAME]]", "SAME"),
    ("Answer A is better because it names the unit.", "A"),
    ("I think answer B is clearly better.", "B"),
    ("I prefer response B.", "B"),
    ("The better answer is A.", "A"),
    ("Both are equally good.", "SAME"),
    ("The two answers are equivalent.", "SAME"),
    ("It's a tie.", "SAME"),
    ("Verdict: A and B are equally good", "SAME"),
    ("Neither is better.", "SAME"),
    ("<think>Verdict: A, or is it?</think>Verdict: B", "B"),
    ("Answer A says 'Verdict: A', but is wrong.\nVerdict: B", "B"),
    ('A claims that "B is better".\nVerdict: A', "A"),
]
NOT_UNDERSTOOD = [
    "Verdict: A or B",
    "Verdict: none",
    "Verdict: a close call",
    "Both are fine.",
    "",
    "Verdict: A\nVerdict: B",
    "Verdict: B\nOn reflection:\nVerdict: SAME",
    "[[A]] or [[B]]",
    '{"verdict": "A"} {"verdict": "B"}',
    '{"verdict": "unclear", "reason": "A is better in style."}',
    "A is better in style. B is better in substance.",
    "A is not better than B.",
    "If A is better, say so.",
    "It is hard to say whether B is better.",
    "A man walks into a bar.",
    "I cannot compare these answers.",
    "<think>Verdict: A",
    "A: Paris. B: London.",
]


@pytest.mark.parametrize(("reply", "choice"), UNDERSTOOD)
def test_a_verdict_is_read_in_any_usual_form(reply: str, choice: str) -> None:
    assert read_choice(reply) == choice


@pytest.mark.parametrize("reply", NOT_UNDERSTOOD)
def test_a_reply_without_a_single_verdict_has_none(reply: str) -> None:
    assert read_choice(reply) is None


@given(st.text(max_size=300))
def test_any_text_can_be_read(reply: str) -> None:
    assert read_choice(reply) in ("A", "B", "SAME", None)


@given(st.sampled_from(["A", "B", "SAME"]), st.sampled_from(["A", "B", "SAME"]))
def test_two_verdicts_count_only_if_they_agree(first: str, second: str) -> None:
    for form in ("Verdict: {}", "[[{}]]", '{{"verdict": "{}"}}'):
        reply = f"{form.format(first)}\n{form.format(second)}"
        assert read_choice(reply) == (first if first == second else None)


PIECES = [
    "Verdict: ",
    "verdict",
    "[[",
    '"verdict": ',
    "A is ",
    "the ",
    "*",
    " ",
    "\n",
    "<think>",
    "A ",
]


@pytest.mark.parametrize("piece", PIECES)
def test_a_megabyte_is_read_within_the_limit(piece: str) -> None:
    reply = piece * (1_000_000 // len(piece))
    times = []
    for _ in range(3):
        start = time.process_time()
        read_choice(reply)
        times.append(time.process_time() - start)
    assert min(times) < 0.2, "50 ms, with a margin for slow and busy machines"
