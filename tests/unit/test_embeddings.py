"""Embeddings are computed once, even if a run is stopped and resumed."""

import numpy as np
import pytest

from route_switch.adapters.learning.file_memo import MemoryMemo
from route_switch.domain.errors import DeadlineReachedError
from route_switch.optimizer.embeddings import BLOCK_SIZE, RememberedEmbeddings
from route_switch.optimizer.neighbors import Vectors
from tests.support.paid import FakeModel, FakeTime, metered


class Encoder:
    def __init__(self, time: FakeTime) -> None:
        self.asked: list[str] = []
        self._time = time

    def __call__(self, text: str) -> Vectors:
        self.asked.append(text)
        self._time.now += 1.0
        return np.array([len(text), 0.5], dtype=np.float64)


def test_texts_embedded_before_the_deadline_are_not_embedded_again() -> None:
    memo, texts = MemoryMemo(), ["a" * n for n in range(1, BLOCK_SIZE * 2 + 3)]
    short, long = FakeTime(end=BLOCK_SIZE + 1.0), FakeTime()
    encoder = Encoder(short)
    with pytest.raises(DeadlineReachedError):
        RememberedEmbeddings(encoder, memo, short.pace())(texts)
    assert len(encoder.asked) == 2 * BLOCK_SIZE, "a block that was started is completed"
    again = Encoder(long)
    vectors = RememberedEmbeddings(again, memo, long.pace())(texts)
    assert again.asked == texts[2 * BLOCK_SIZE :]
    assert vectors[:, 0].tolist() == [len(text) for text in texts]
    assert vectors.dtype == np.float32


def test_remembered_vectors_do_not_count_as_paid_calls() -> None:
    memo, time = MemoryMemo(), FakeTime()
    RememberedEmbeddings(Encoder(time), memo, time.pace())(["a", "b"])
    calls = metered(FakeModel(), memo)
    assert (calls.spent_usd, calls.calls.total()) == (0.0, 0)
