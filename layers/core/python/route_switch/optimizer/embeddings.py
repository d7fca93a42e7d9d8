"""Embeddings that a resumed run does not compute again: each takes about 35 ms."""

import base64
import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from route_switch.domain.learning.learning_ports import AnswerMemo
from route_switch.optimizer.neighbors import Vectors
from route_switch.services.learning.map_ordered import map_ordered
from route_switch.services.learning.pace import Pace

BLOCK_SIZE = 64
"""Texts per memo entry; the deadline is checked between entries."""


class RememberedEmbeddings:
    """`EmbedTexts` on top of `embed`, which maps one text to a vector and can run in `threads`.

    Raise `DeadlineReachedError` between blocks when the time is over.
    """

    def __init__(
        self, embed: Callable[[str], Vectors], memo: AnswerMemo, pace: Pace, threads: int = 1
    ) -> None:
        self._embed = embed
        self._memo = memo
        self._pace = pace
        self._threads = threads

    def __call__(self, texts: Sequence[str]) -> Vectors:
        blocks = (texts[start : start + BLOCK_SIZE] for start in range(0, len(texts), BLOCK_SIZE))
        return np.concatenate([self._block(block) for block in blocks])

    def _block(self, texts: Sequence[str]) -> Vectors:
        digest = hashlib.sha256("\0".join(texts).encode(errors="surrogatepass")).hexdigest()
        key = f"vectors-{digest[:32]}"
        known = self._memo.get(key)
        if known is not None:
            packed = base64.b64decode(str(known["vectors"]))
            return np.frombuffer(packed, dtype=np.float32).reshape(len(texts), -1)
        self._pace.wait_for_turn()
        vectors = np.stack(map_ordered(self._embed, texts, self._threads)).astype(np.float32)
        self._memo.put(key, {"vectors": base64.b64encode(vectors.tobytes()).decode()})
        return vectors
