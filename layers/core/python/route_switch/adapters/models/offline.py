"""Models that replay what real models answered: `offline/small`, `offline/medium`, `offline/large`.

They know the queries of the project's own sample (docs/data.md). Any other query gets a text that
says so: an answer is recorded or it is not, and never made up.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from route_switch.domain.errors import ModelError
from route_switch.domain.ports import Chunk, JsonObject, ModelCall
from route_switch.domain.pricing import Usage
from route_switch.domain.query import query_of, text_of
from route_switch.domain.tokens import estimate_tokens

if TYPE_CHECKING:
    from route_switch_offline import RecordedAnswer

SIZES = ("small", "medium", "large")
NO_RECORDING = "[simulated: no recorded answer]"


class OfflineClient:
    """Answers the last user message, whatever came before it.

    A recorded answer has the recorded tokens; the tokens of the text that stands in for a missing
    one are estimated.
    """

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        if call.model not in SIZES:
            raise ModelError(
                f"There is no model offline/{call.model}. Configure one of "
                f"{', '.join(f'offline/{size}' for size in SIZES)}."
            )
        recorded = _recordings().get((call.model, _normal(query_of(call.messages).text)))
        yield _simulated(call.messages) if recorded is None else _replayed(recorded)


@lru_cache(maxsize=1)
def _recordings() -> "Mapping[tuple[str, str], RecordedAnswer]":
    """By size and query. Imported here: only who uses these models has the sample."""
    from route_switch_offline import load_sample

    return {
        (name.removeprefix("offline/"), _normal(row.query)): answer
        for row in load_sample()
        for name, answer in row.models.items()
    }


def _normal(query: str) -> str:
    """What two spellings of the same query have in common."""
    return unicodedata.normalize("NFC", query).strip()


def _replayed(recorded: "RecordedAnswer") -> Chunk:
    usage = Usage(recorded.input_tokens, recorded.output_tokens)
    return _answer(recorded.answer, usage, recorded.recorded_model)


def _simulated(messages: tuple[JsonObject, ...]) -> Chunk:
    read = sum(estimate_tokens(text_of(message)) for message in messages)
    return _answer(NO_RECORDING, Usage(read, estimate_tokens(NO_RECORDING)), None)


def _answer(text: str, usage: Usage, provider_model: str | None) -> Chunk:
    return Chunk(
        delta={"role": "assistant", "content": text},
        finish_reason="stop",
        usage=usage,
        provider_model=provider_model,
    )
