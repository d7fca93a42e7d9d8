"""A logged call: what was asked, what was answered, and what it took."""

from dataclasses import dataclass, field

from route_switch.domain.ports import JsonObject


class UnusableRowError(Exception):
    """The row holds no call that can become an example. The message says why, without texts of the
    row."""


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """`messages` end with the user's message or a tool's result, `answer` is the assistant's
    message. `rating` is as the log has it: its scale depends on the whole file. `score` is 0 to 1.
    `model` is None for a row that names none."""

    messages: tuple[JsonObject, ...]
    params: JsonObject = field(default_factory=dict)
    model: str | None = None
    answer: JsonObject | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    latency_ms: float | None = None
    score: float | None = None
    rating: str | None = None
    gold: str | None = None
    workload: str | None = None
