"""What a run has spent: noted before each call, so that the count is complete even after a kill."""

import threading
from collections import Counter, defaultdict

from route_switch.domain.errors import ProviderDownError, StoreError
from route_switch.domain.learning.learning_ports import AnswerMemo
from route_switch.domain.ports import JsonObject
from route_switch.services.learning.paid_calls import Purpose
from route_switch.services.learning.paid_entries import number_in, unanswered_entry

STARTED_SUFFIX = "-begun"
"""Suffix of the key of a note that a call was started. The call's own key exists once it has
finished."""


class SpendingLog:
    """What a run has paid, over the memo of its answers. Safe to share between threads."""

    def __init__(self, memo: AnswerMemo) -> None:
        self._memo = memo
        self._lock = threading.Lock()
        self.calls: Counter[str] = Counter()
        self.usd: defaultdict[str, float] = defaultdict(float)
        self._restore(memo)

    @property
    def spent_usd(self) -> float:
        return sum(self.usd.values())

    def _restore(self, memo: AnswerMemo) -> None:
        """Count what was spent before. A call that was started but has no answer was interrupted by
        a kill: count it as lost, at its maximum cost."""
        for key, entry in tuple(memo.items()):
            called = key.removesuffix(STARTED_SUFFIX)
            if "purpose" not in entry:  # not a paid call, such as vectors
                continue
            if called == key:
                self._count(entry)
            elif memo.get(called) is None and number_in(entry["cost_usd"]) > 0:
                self.store_and_count(f"{called}-lost-{len(tuple(memo.items()))}", entry)
                self._store(key, {**entry, "cost_usd": 0.0})

    def note_start(self, key: str, purpose: Purpose, most_usd: float) -> None:
        """Note a call's maximum cost before making it: after a kill, the call must count as spent.
        Free calls need no note."""
        if most_usd > 0 or self._memo.get(key + STARTED_SUFFIX) is not None:
            self._store(key + STARTED_SUFFIX, unanswered_entry(purpose, most_usd))

    def store_and_count(self, key: str, entry: JsonObject) -> None:
        self._store(key, entry)
        self._count(entry)

    def _store(self, key: str, entry: JsonObject) -> None:
        try:
            self._memo.put(key, entry)
        except StoreError as error:
            raise ProviderDownError(f"Answers cannot be stored, so none are bought: {error}") from (
                error
            )

    def _count(self, entry: JsonObject) -> None:
        with self._lock:
            purpose = str(entry["purpose"])
            self.calls[purpose] += 1
            self.usd[purpose] += number_in(entry["cost_usd"])
