"""The router model `local/encoder`: picks the tier whose criteria and demos are most like a query.

This definition was fixed before any learning was measured. A change to it needs a commit of its own
that measures every dependent figure again.

- **It reads the messages and nothing else.** *Criteria* are those that `domain.criteria` finds in
  the system messages. A *demo* is a user message with the assistant message right after it, if that
  contains one of the digits 1, 2, 3 as a word; the first one counts. The *query* is the last user
  message. A lead-in "Query:" on a line of its own is removed from user messages, and so are quotes
  (`domain.quoted_query`).
- **It reads the conversation** that `domain.router_view` put before the query; the *message* is the
  query without it. Its *context* is the newest earlier user turn that is not a follow-up, else the
  system message, else the newest answer.
- **A vector** comes from all-MiniLM-L6-v2 with weights rounded to int8: the mean of the token
  vectors of a text's first 254 word pieces, scaled to length 1. Texts are embedded one by one, so
  that a vector depends on its text alone, not on the batch.
- **A tier's score** is the mean of the two highest cosines between a text and the tier's criteria
  and demos (of one, if there is only one). Of a text of more than 254 word pieces, one topic is
  scored (`encoder_topics`): the last 254 pieces of its last topic, or the first 254 of its first.
- **A text of several topics** is scored by one of them (`encoder_parts`): by the longest that holds
  code or a list of options, or by the longest if none does, as long as it outweighs the topic of
  the lowest tier (`query_parts.outweighs`); otherwise by that topic. So few texts that are put
  around a query change its tier.
- **A message is a follow-up** ("go on") if it is blank, or if its score with `FOLLOW_UPS` is more
  than `FOLLOW_UP_LEAD` above every tier's. Then the scores of its context decide. Otherwise its own
  scores do, with `CONTEXT_WEIGHT` of the context's added.
- **The answer** is the digit of the tier with the highest score; on a tie, the lower tier. A tier
  without texts is never chosen. If no tier has texts, the answer is always 2.

The parameters here and in `encoder_topics` were chosen on queries whose SHA-256 is even, with the
packaged prompt, so that most queries keep their tier beside 300 unrelated words or another task,
follow-ups take their task's tier, and long questions are routed no worse. The figures in
docs/routing.md are of the other half.
"""

import re
from collections.abc import Iterable, Iterator
from heapq import nlargest
from itertools import pairwise
from typing import TYPE_CHECKING

from route_switch.adapters.models.encoder_parts import readable, topics_of
from route_switch.adapters.models.encoder_topics import question_in
from route_switch.adapters.models.sentence_vectors import (
    MOST_PIECES,
    last_vector_of,
    pieces_in,
    vector_of,
)
from route_switch.domain.conversation import text_of
from route_switch.domain.criteria import parse_criteria
from route_switch.domain.errors import ModelError
from route_switch.domain.ports import Chunk, JsonObject, ModelCall
from route_switch.domain.query_parts import outweighs, poses_task, words_in
from route_switch.domain.quoted_query import without_quotes
from route_switch.domain.router_view import View, read_view
from route_switch.domain.usage import Usage

if TYPE_CHECKING:
    from route_switch.adapters.models.sentence_vectors import Vector

Messages = tuple[tuple[str, str], ...]
"""Role and text of each."""

Scores = dict[int, float]
"""Scores by the number of the tier."""

TIER_WITHOUT_TEXTS = 2
BEST_COSINES = 2
FOLLOW_UP_LEAD = 0.05
CONTEXT_WEIGHT = 0.1
FOLLOW_UPS = (
    "Please go on.",
    "Yes, do that.",
    "Do the same again, but differently.",
    "Say more about what you just said.",
    "Now change your last answer.",
    "And what about the next one?",
    "Rewrite it in another language.",
    "Are you sure? Try that again.",
)
"""Messages that say nothing without their conversation."""

_DIGIT = re.compile(r"\b([123])\b")
_LEAD_IN = re.compile(r"\s*Query:[ \t]*(?:\n|\Z)")


class EncoderClient:
    """Answers `1`, `2` or `3`, as the module's docstring defines. Safe to share between threads.

    Usage counts the word pieces of all messages. Vectors of recently used texts are cached for the
    process, so those of a live prompt are computed once.
    """

    def stream(self, call: ModelCall) -> Iterator[Chunk]:
        if call.model != "encoder":
            raise ModelError(f"There is no model local/{call.model}. Configure local/encoder.")
        messages = read_messages(call.messages)
        tier = best_tier(scores_of(*split(messages)))
        yield Chunk(
            delta={"role": "assistant", "content": str(tier)},
            finish_reason="stop",
            usage=Usage(sum(pieces_in(text) for _, text in messages), 1),
        )

    def embed(self, text: str) -> "Vector":
        """Return a vector of length 1 for a query as the router sees it: that of the message, or of
        message and context with `CONTEXT_WEIGHT`."""
        import numpy as np

        view = read_view(text)
        message = vector_of(view.message)
        context = next((turn.text for turn in reversed(view.turns) if turn.speaker == "user"), "")
        if not context:
            return message
        both: Vector = message + np.float32(CONTEXT_WEIGHT) * vector_of(context)
        return both / np.linalg.norm(both)


def read_messages(messages: Iterable[JsonObject]) -> Messages:
    return tuple((str(message.get("role")), text_of(message)) for message in messages)


def scores_of(prompt: Messages, query: str) -> Scores:
    """Return the score of each tier that has texts."""
    texts = tier_texts(prompt)
    return EncoderReading(texts).scores(read_view(query)) if texts else {}


def best_tier(scores: Scores) -> int:
    return max(scores, key=lambda tier: (scores[tier], -tier), default=TIER_WITHOUT_TEXTS)


class EncoderReading:
    """Scores what a query holds with the texts of each tier, of which there is at least one."""

    def __init__(self, texts: dict[int, list[str]]) -> None:
        self._tiers = {tier: [vector_of(text) for text in found] for tier, found in texts.items()}

    def scores(self, view: View) -> Scores:
        read = [(self._of(vector), weight) for vector, weight in self._asked(view)]
        return {tier: sum(weight * of[tier] for of, weight in read) for tier in self._tiers}

    def similarities(self, view: View, texts: Iterable[str]) -> list[float]:
        """Return how like the query each text is: -1 to 1."""
        asked = self._asked(view)
        whole = sum(weight for _, weight in asked)
        return [
            sum(weight * float(vector_of(text) @ vector) for vector, weight in asked) / whole
            for text in texts
        ]

    def _asked(self, view: View) -> "list[tuple[Vector, float]]":
        """Return what the choice rests on: vectors with their weights."""
        context, message = self.context(view), self._decisive(view.message)
        if context is None:
            return [(self._counted(message), 1.0)]
        context = self._decisive(context)
        if self.follows(view.message):
            return [(self._counted(context), 1.0)]
        return [(self._counted(message), 1.0), (self._counted(context), CONTEXT_WEIGHT)]

    def context(self, view: View) -> str | None:
        """Return what the message may refer to, or None if it has no context."""
        asked = (turn.text for turn in reversed(view.turns) if turn.speaker == "user")
        task = next((text for text in asked if not self.follows(text)), None)
        if task is not None or view.system:
            return task or view.system
        answers = (turn.text for turn in reversed(view.turns) if turn.speaker == "assistant")
        return next(filter(None, answers), None)

    def follows(self, text: str) -> bool:
        """Return whether a message says nothing without its context."""
        if not text.strip():
            return True
        follows = _score(map(vector_of, FOLLOW_UPS), vector_of(text))
        return follows > max(self._of_text(text).values()) + FOLLOW_UP_LEAD

    def _decisive(self, text: str) -> str:
        """Return the topic that the text is scored by."""
        read = readable(text)
        if pieces_in(read) > MOST_PIECES and not poses_task(read):
            read, _ = question_in(read, pieces_in, vector_of)
        topics = topics_of(read, self._counted)
        if len(topics) == 1:
            return topics[0]
        lowest = min(topics, key=lambda topic: best_tier(self._of_text(topic)))
        tasks = [topic for topic in topics if poses_task(topic)]
        longest = max(tasks or topics, key=words_in)
        return longest if outweighs(longest, lowest) else lowest

    def _of_text(self, text: str) -> Scores:
        return self._of(self._counted(text))

    def _counted(self, text: str) -> "Vector":
        """Return the vector that a text is read by."""
        if pieces_in(text) <= MOST_PIECES:
            return vector_of(text)
        question, is_last = question_in(text, pieces_in, vector_of)
        return last_vector_of(question) if is_last else vector_of(question)

    def _of(self, asked: "Vector") -> Scores:
        return {tier: _score(vectors, asked) for tier, vectors in self._tiers.items()}


def _score(vectors: "Iterable[Vector]", query: "Vector") -> float:
    """One product per vector: the sums of a matrix product would depend on a row's position."""
    best = nlargest(BEST_COSINES, (float(vector @ query) for vector in vectors))
    return sum(best) / len(best)


def split(messages: Messages) -> tuple[Messages, str]:
    """Return the messages before the last user message, and the query in that message."""
    for position in reversed(range(len(messages))):
        role, text = messages[position]
        if role == "user":
            return messages[:position], _query(text)
    raise ModelError("There is no user message to route. Send the query as the last message.")


def tier_texts(prompt: Messages) -> dict[int, list[str]]:
    """Return the criteria and demos of each tier that has any."""
    texts: dict[int, list[str]] = {}
    for tier, text, _ in labeled_texts(prompt):
        texts.setdefault(tier, []).append(text)
    return texts


def labeled_texts(prompt: Messages) -> Iterator[tuple[int, str, bool]]:
    """Yield criteria, then demos: tier, text, and whether it is a demo."""
    for role, text in prompt:
        if role == "system":
            for tier, criterion in parse_criteria(text):
                yield tier.value, criterion, False
    for (role, text), (next_role, reply) in pairwise(prompt):
        if role == "user" and next_role == "assistant" and (digit := _DIGIT.search(reply)):
            yield int(digit[1]), _query(text), True


def _query(text: str) -> str:
    lead_in = _LEAD_IN.match(text)
    return without_quotes(text[lead_in.end() if lead_in else 0 :]).strip()
