"""What a choice of `local/encoder` rests on: how like the query each text of the prompt is."""

from collections.abc import Sequence

from route_switch.adapters.models.encoder import (
    EncoderClient,
    best_tier,
    labeled_texts,
    read_messages,
    scores_of,
    split,
)
from route_switch.domain.explanation import WeighedText, Weighing
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompt_texts import number_texts
from route_switch.domain.tiers import Tier


class WeighingEncoder:
    """Uses the vectors that routing has cached."""

    def __init__(self) -> None:
        self._encoder = EncoderClient()

    def weigh(self, messages: Sequence[JsonObject]) -> Weighing:
        prompt, query = split(read_messages(messages))
        scores = scores_of(prompt, query)
        asked = self._encoder.embed(query)
        texts = number_texts(
            ("demo" if is_demo else "criterion", Tier(tier), text)
            for tier, text, is_demo in labeled_texts(prompt)
        )
        return Weighing(
            Tier(best_tier(scores)),
            tuple(WeighedText(t, float(self._encoder.embed(t.text) @ asked)) for t in texts),
            {Tier(tier): score for tier, score in scores.items()},
        )
