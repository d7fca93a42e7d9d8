"""Models that need neither keys nor a network.

`offline/small`, `offline/medium` and `offline/large` replay what real models answered to the
queries of the project's own sample (docs/data.md). Any other query gets a text that says so: an
answer is recorded or it is not, and never made up. `offline/judge` and `offline/proposer` are
simulated.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from route_switch.adapters.models import offline_judge, offline_proposer
from route_switch.adapters.models.recordings import recorded_answers
from route_switch.domain.errors import ModelError
from route_switch.domain.learning.outcome import NO_RECORDING
from route_switch.domain.ports import Chunk, JsonObject, ModelCall
from route_switch.domain.query import query_of, text_of
from route_switch.domain.tokens import estimate_tokens
from route_switch.domain.usage import Usage

if TYPE_CHECKING:
    from route_switch_offline import RecordedAnswer

SIZES = ("small", "medium", "large")
SIMULATED: dict[str, Callable[[Sequence[JsonObject]], str]] = {
    "judge": offline_judge.judge,
    "proposer": offline_proposer.propose,
}
"""Roles of learning that a program plays: the text that it replies to messages."""


class OfflineClient:
    """Answers the last user message, whatever came before it.

    A recorded answer has the recorded tokens; those of any other text are estimated.
    """

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        if call.model in SIMULATED:
            yield _simulated(call.messages, SIMULATED[call.model](call.messages))
        elif call.model in SIZES:
            recorded = recorded_answers(query_of(call.messages).text).get(call.model)
            yield _replayed(recorded) if recorded else _simulated(call.messages, NO_RECORDING)
        else:
            raise ModelError(
                f"There is no model offline/{call.model}. Configure one of "
                f"{', '.join(f'offline/{name}' for name in (*SIZES, *SIMULATED))}."
            )


def _replayed(recorded: "RecordedAnswer") -> Chunk:
    usage = Usage(recorded.input_tokens, recorded.output_tokens)
    return _answer(recorded.answer, usage, recorded.recorded_model)


def _simulated(messages: Sequence[JsonObject], text: str) -> Chunk:
    read = sum(estimate_tokens(text_of(message)) for message in messages)
    return _answer(text, Usage(read, estimate_tokens(text)), None)


def _answer(text: str, usage: Usage, provider_model: str | None) -> Chunk:
    return Chunk(
        delta={"role": "assistant", "content": text},
        finish_reason="stop",
        usage=usage,
        provider_model=provider_model,
    )
