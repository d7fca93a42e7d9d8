"""The simulated judge `offline/judge`: it knows recorded scores, and cannot reason.

It reads only the messages that it is sent: the query and two answers between their tags. Two
texts that are both recorded for the query are compared by their recorded scores. Any other two
are the same if they end on the same answer; if they do not, it gives no verdict: it never makes
one up.

Its agreement with the recorded scores is near 1 because it repeats them: that shows that the
machinery works, and is worthless as evidence about judges. A run with it is a simulation.
"""

import re
from collections.abc import Sequence

from route_switch.adapters.models.recordings import recorded_answers
from route_switch.domain.learning.judging import Choice
from route_switch.domain.ports import JsonObject
from route_switch.domain.query import query_of

NO_VERDICT = "[simulated: nothing is recorded that tells these answers apart]"

_BLOCK = re.compile(r"^<([a-z-]+)-([0-9a-f]{16})>\n(.*?)\n</\1-\2>$", re.DOTALL | re.MULTILINE)
_STATED = re.compile(r'(?:answer is|\\boxed\{|"answer"\s*:)(.*)', re.IGNORECASE)
_MARKS = " \t.:,;*$`\"'"


def judge(messages: Sequence[JsonObject]) -> str:
    """A reply to `judge_messages`."""
    blocks = {name: text for name, _, text in _BLOCK.findall(query_of(messages).text)}
    if not {"query", "answer-a", "answer-b"} <= blocks.keys():
        return NO_VERDICT
    choice = _choose(blocks["query"], blocks["answer-a"], blocks["answer-b"])
    return NO_VERDICT if choice is None else f"[simulated]\nVerdict: {choice}"


def _choose(query: str, a: str, b: str) -> Choice | None:
    scores = {r.answer.strip(): r.score for r in recorded_answers(query).values()}
    of_a, of_b = scores.get(a.strip()), scores.get(b.strip())
    if of_a is not None and of_b is not None:
        return "SAME" if of_a == of_b else "A" if of_a > of_b else "B"
    return "SAME" if _end_of(a) == _end_of(b) != "" else None


def _end_of(answer: str) -> str:
    """The last answer that is stated as such (`The answer is C.`, `\\boxed{7}`, JSON), or else
    the last line."""
    stated: list[str] = _STATED.findall(answer)
    lines = answer.strip().splitlines() or [""]
    return (stated[-1] if stated else lines[-1]).strip(_MARKS).casefold()
