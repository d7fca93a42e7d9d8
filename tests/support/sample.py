"""Parts of the packaged sample.

Its order mixes the sources at random and never changes, so its beginning is a fair part: tests that
take their time for each row use `recorded_rows(number)`.
"""

from route_switch_offline import SampleRow, load_sample


def recorded_rows(number: int | None = None) -> list[SampleRow]:
    """Return the first rows with recorded answers, or all of them."""
    return [row for row in load_sample() if row.models][:number]


def graded_rows() -> list[SampleRow]:
    """Return all rows whose recorded answers were compared with a gold."""
    return [row for row in recorded_rows() if row.gold is not None]


def chat_rows() -> list[SampleRow]:
    """Return all rows of Chatbot Arena, whose recorded answers have marks."""
    return [row for row in recorded_rows() if row.id.startswith("arena-chat/")]
