"""What a choice of `local/encoder` rests on: how like the query each text of the prompt is."""

from collections.abc import Sequence

from route_switch.adapters.models.encoder import (
    EncoderReading,
    best_tier,
    labeled_texts,
    read_messages,
    split,
    tier_texts,
)
from route_switch.domain.explanation import Compared, WeighedText, Weighing
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompt_texts import number_texts
from route_switch.domain.router_view import View, read_view
from route_switch.domain.tiers import Tier


class WeighingEncoder:
    """Uses the vectors that routing has cached."""

    def weigh(self, messages: Sequence[JsonObject]) -> Weighing:
        prompt, query = split(read_messages(messages))
        by_tier, view = tier_texts(prompt), read_view(query)
        if not by_tier:
            return Weighing(Tier(best_tier({})), (), {})
        reading = EncoderReading(by_tier)
        scores = reading.scores(view)
        texts = number_texts(
            ("demo" if is_demo else "criterion", Tier(tier), text)
            for tier, text, is_demo in labeled_texts(prompt)
        )
        similarities = reading.similarities(view, [text.text for text in texts])
        return Weighing(
            Tier(best_tier(scores)),
            tuple(WeighedText(t, value) for t, value in zip(texts, similarities, strict=True)),
            {Tier(tier): score for tier, score in scores.items()},
            _compared(reading, view),
        )


def _compared(reading: EncoderReading, view: View) -> Compared:
    if reading.context(view) is None:
        return Compared.MESSAGE
    return Compared.CONTEXT if reading.follows(view.message) else Compared.BOTH
