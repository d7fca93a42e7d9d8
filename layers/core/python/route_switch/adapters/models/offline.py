"""Models that need neither keys nor a network.

`offline/small`, `offline/medium` and `offline/large` replay what real models answered to the
queries of the project's own sample (docs/data.md). For any other query they return a text that says
so; answers are never made up. Such a text reports no tokens, so it has no cost and saves nothing.

`offline/judge` and `offline/proposer` are simulated. The judge knows recorded scores and cannot
reason. It reads only the messages it receives: the query and two answers between their tags. It
compares two texts that are both recorded for the query by their recorded scores. Any other two are
the same if they end in the same answer; otherwise it gives no verdict, because it never makes one
up. Its agreement with the recorded scores is near 1 because it repeats them. That shows that the
machinery works, but is worthless as evidence about judges. A run with this judge is a simulation.
"""

import re
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from route_switch.adapters.models import offline_proposer
from route_switch.domain.errors import ModelError
from route_switch.domain.learning.judge_reply import JudgeChoice
from route_switch.domain.learning.judging import ABSTAINED
from route_switch.domain.learning.outcome import NO_RECORDING
from route_switch.domain.ports import Chunk, JsonObject, ModelCall
from route_switch.domain.query import query_of, text_of
from route_switch.domain.tokens import estimate_tokens
from route_switch.domain.usage import Usage

if TYPE_CHECKING:
    from route_switch_offline import RecordedAnswer

SIZES = ("small", "medium", "large")

_BLOCK = re.compile(r"^<([a-z-]+)-([0-9a-f]{16})>\n(.*?)\n</\1-\2>$", re.DOTALL | re.MULTILINE)
_STATED = re.compile(r'(?:answer is|\\boxed\{|"answer"\s*:)(.*)', re.IGNORECASE)
_MARKS = " \t.:,;*$`\"'"


def judge(messages: Sequence[JsonObject]) -> str:
    """Reply to `judge_messages`."""
    blocks = {name: text for name, _, text in _BLOCK.findall(query_of(messages).text)}
    if not {"query", "answer-a", "answer-b"} <= blocks.keys():
        return ABSTAINED
    choice = _choose(blocks["query"], blocks["answer-a"], blocks["answer-b"])
    return ABSTAINED if choice is None else f"[simulated]\nVerdict: {choice}"


def _choose(query: str, a: str, b: str) -> JudgeChoice | None:
    scores = {r.answer.strip(): r.score for r in recorded_answers(query).values()}
    of_a, of_b = scores.get(a.strip()), scores.get(b.strip())
    if of_a is not None and of_b is not None:
        return "SAME" if of_a == of_b else "A" if of_a > of_b else "B"
    return "SAME" if _end_of(a) == _end_of(b) != "" else None


def _end_of(answer: str) -> str:
    r"""Return the last answer that is stated as such (`The answer is C.`, `\boxed{7}`, JSON), or
    else the last line."""
    stated: list[str] = _STATED.findall(answer)
    lines = answer.strip().splitlines() or [""]
    return (stated[-1] if stated else lines[-1]).strip(_MARKS).casefold()


def recorded_answers(query: str) -> "Mapping[str, RecordedAnswer]":
    """Return the recorded answers to a query by size (`small`, …); none if it is not in the
    sample."""
    return _by_query().get(_normalized(query), {})


@lru_cache(maxsize=1)
def _by_query() -> "Mapping[str, Mapping[str, RecordedAnswer]]":
    """The import is local because only the offline models need the sample."""
    from route_switch_offline import load_sample

    return {
        _normalized(row.query): {
            name.removeprefix("offline/"): answer for name, answer in row.models.items()
        }
        for row in load_sample()
    }


def _normalized(query: str) -> str:
    """Map different encodings of the same query to one text."""
    return unicodedata.normalize("NFC", query).strip()


SIMULATED: dict[str, Callable[[Sequence[JsonObject]], str]] = {
    "judge": judge,
    "proposer": offline_proposer.propose,
}
"""Programs that stand in for the models of learning: each maps messages to a reply."""


class OfflineClient:
    """Answers the last user message and ignores the rest of the conversation.

    A recorded answer reports its recorded tokens. Those of a simulated judge or proposer are
    estimated. A missing recording reports none: costs and savings of a placeholder mean nothing. A
    tier's answer takes `answer_s`.
    """

    def __init__(self, answer_s: float = 0.0, sleep: Callable[[float], None] = time.sleep) -> None:
        self._answer_s = answer_s
        self._sleep = sleep

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        if call.model in SIMULATED:
            yield _simulate(call.messages, SIMULATED[call.model](call.messages))
        elif call.model in SIZES:
            self._sleep(self._answer_s)
            recorded = recorded_answers(query_of(call.messages).text).get(call.model)
            yield _replay(recorded) if recorded else _answer(NO_RECORDING, None, None)
        else:
            raise ModelError(
                f"There is no model offline/{call.model}. Configure one of "
                f"{', '.join(f'offline/{name}' for name in (*SIZES, *SIMULATED))}."
            )


def _replay(recorded: "RecordedAnswer") -> Chunk:
    usage = Usage(recorded.input_tokens, recorded.output_tokens)
    return _answer(recorded.answer, usage, recorded.recorded_model)


def _simulate(messages: Sequence[JsonObject], text: str) -> Chunk:
    read = sum(estimate_tokens(text_of(message)) for message in messages)
    return _answer(text, Usage(read, estimate_tokens(text)), None)


def _answer(text: str, usage: Usage | None, provider_model: str | None) -> Chunk:
    return Chunk(
        delta={"role": "assistant", "content": text},
        finish_reason="stop",
        usage=usage,
        provider_model=provider_model,
    )
