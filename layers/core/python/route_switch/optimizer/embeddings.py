"""Embeddings that a run which goes on does not compute again: each takes some 35 ms."""

import base64
import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from route_switch.domain.learning.learning_ports import AnswerMemo
from route_switch.optimizer.neighbors import Vectors
from route_switch.services.learning.pace import Pace

AT_ONCE = 64
"""Texts an entry of the memo; the deadline is looked at between them."""


class RememberedEmbeddings:
    """`EmbedTexts` by `embed`, a text to a vector. Raises `DeadlineReachedError` between blocks."""

    def __init__(self, embed: Callable[[str], Vectors], memo: AnswerMemo, pace: Pace) -> None:
        self._embed = embed
        self._memo = memo
        self._pace = pace

    def __call__(self, texts: Sequence[str]) -> Vectors:
        blocks = (texts[start : start + AT_ONCE] for start in range(0, len(texts), AT_ONCE))
        return np.concatenate([self._block(block) for block in blocks])

    def _block(self, texts: Sequence[str]) -> Vectors:
        digest = hashlib.sha256("\0".join(texts).encode(errors="surrogatepass")).hexdigest()
        key = f"vectors-{digest[:32]}"
        known = self._memo.get(key)
        if known is not None:
            packed = base64.b64decode(str(known["vectors"]))
            return np.frombuffer(packed, dtype=np.float32).reshape(len(texts), -1)
        self._pace.wait_for_turn()
        vectors = np.stack([self._embed(text) for text in texts]).astype(np.float32)
        self._memo.put(key, {"vectors": base64.b64encode(vectors.tobytes()).decode()})
        return vectors
