"""The simulated person who rates answers in `make weekly`."""

import httpx
import pytest

from local.demos.thumbs import rate_answer
from local.demos.traffic import Exchange
from route_switch_offline import load_sample

ROW = next(
    row
    for row in load_sample()
    if row.models and row.models["offline/small"].score < row.models["offline/large"].score
)
LETTER = ROW.model_copy(update={"gold": "B"})


def sent(model: str, text: str = "", status: int = 200) -> Exchange:
    body = {"choices": [{"message": {"content": text}}]}
    return Exchange(ROW.query, status, httpx.Headers({"x-route-model": model}), body, 1.0)


def test_a_recorded_answer_is_rated_by_its_recorded_score() -> None:
    assert rate_answer(ROW, sent("offline/small")) is False
    assert rate_answer(ROW, sent("offline/large")) is True


@pytest.mark.parametrize(
    ("text", "up"), [("The answer is (B).", True), ("The answer is C.", False)]
)
def test_an_unrecorded_answer_is_rated_by_the_gold_answer(text: str, up: bool) -> None:
    assert rate_answer(LETTER, sent("openai/gpt-4.1", text)) is up


def test_an_answer_that_cannot_be_graded_gets_no_thumb() -> None:
    free = ROW.model_copy(update={"gold": "It depends on many things, which are told at length."})
    assert rate_answer(free, sent("openai/gpt-4.1", "It depends.")) is None
    assert rate_answer(ROW, sent("offline/small", status=502)) is None
