"""Check every hour whether people rate the live prompt's answers lower than its predecessor's. If
so, have the promoter roll it back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from route_switch.domain.ports import StoredVersion, VersionStore
from route_switch.domain.prompt_document import readable_prompt
from route_switch.domain.prompts.quality_drop import (
    QualityComparison,
    Scores,
    compare_scores,
    rests_on,
)
from route_switch.domain.prompts.rollback import RollbackOrder, RolledBack
from route_switch.services.prompts.publish_prompt import may_go_live

WATCH_PERIOD = timedelta(days=28)
"""After this, a difference says more about changing times than about the prompt: the predecessor's
scores are that old."""


class QualityOutcome(StrEnum):
    NOTHING_BEFORE = "nothing before"
    """The live version is the first one, or broken, or its predecessor must not go live."""
    RETURNED = "returned"
    """The live content was live before: it was rolled back to or restored. It is not rolled back
    again."""
    SETTLED = "settled"
    """The version has been live for longer than the watch period."""
    TOO_FEW = "too few"
    NO_DROP = "no drop"
    ROLLED_BACK = "rolled back"
    ONE_CLIENT = "one client"
    """The drop rests on the scores of one client, so a person was asked to decide."""
    PROMPT_CHANGED = "prompt changed"
    """The live prompt was changed at the same moment, so it was left unchanged."""


@dataclass(frozen=True, slots=True)
class QualityCheck:
    """`scores` are those of the version that was live at the start. `rolled_back` is the promoter's
    reply."""

    outcome: QualityOutcome
    prompt_version: str | None = None
    scores: Scores | None = None
    comparison: QualityComparison | None = None
    rolled_back: RolledBack | None = None


class QualityScores(Protocol):
    """Feedback scores by prompt version, and the pending rollback order, if any."""

    def scores(self, prompt_version: str) -> Scores: ...

    def by_client(self, prompt_version: str) -> Mapping[str, Scores]: ...

    def asked(self, prompt_version: str) -> bool:
        """Whether a person was asked to roll this version back."""
        ...

    def put_asked(self, prompt_version: str) -> None: ...

    def pending(self) -> RollbackOrder | None: ...

    def put_pending(self, order: RollbackOrder) -> None: ...

    def clear_pending(self) -> None: ...


class Promoter(Protocol):
    def roll_back(self, order: RollbackOrder) -> RolledBack:
        """Roll back once, however often the order is repeated."""
        ...


@dataclass(frozen=True, slots=True)
class CheckQuality:
    """An order is stored before it is sent and cleared when it is answered. After a crash in
    between, the next hourly check sends it again."""

    history: VersionStore
    quality: QualityScores
    promoter: Promoter
    trusted_keys: frozenset[str] = frozenset()

    def __call__(self, now: datetime) -> QualityCheck:
        """Raise when a store or the promoter fails. The order stays pending."""
        versions = self.history.versions()
        found = self._check(versions, now)
        order = self.quality.pending() or self._order_if_dropped(versions, found)
        if order is None:
            return found
        if order.only_ask:
            return self._ask(order, found)
        answer = self.promoter.roll_back(order)
        self.quality.clear_pending()
        outcome = (
            QualityOutcome.PROMPT_CHANGED if answer.version is None else QualityOutcome.ROLLED_BACK
        )
        return replace(found, outcome=outcome, rolled_back=answer)

    def _check(self, versions: Sequence[StoredVersion], now: datetime) -> QualityCheck:
        if not versions:
            return QualityCheck(QualityOutcome.NOTHING_BEFORE)
        live, before = _recorded_name(versions[-1]), _predecessor(versions)
        scores = self.quality.scores(live)
        if before is None:
            return QualityCheck(QualityOutcome.NOTHING_BEFORE, live, scores)
        unwatched = _why_unwatched(versions, now)
        if unwatched is not None:
            return QualityCheck(unwatched, live, scores)
        comparison = compare_scores(self.quality.scores(_recorded_name(before)), scores)
        outcome = QualityOutcome.TOO_FEW if comparison is None else QualityOutcome.NO_DROP
        return QualityCheck(outcome, live, scores, comparison)

    def _order_if_dropped(
        self, versions: Sequence[StoredVersion], found: QualityCheck
    ) -> RollbackOrder | None:
        before, drop = _predecessor(versions), found.comparison
        if before is None or drop is None or not drop.is_drop:
            return None
        client = rests_on(
            self.quality.by_client(_recorded_name(before)),
            self.quality.by_client(_recorded_name(versions[-1])),
            self.trusted_keys,
        )
        order = RollbackOrder(
            from_version=versions[-1].version,
            to_version=before.version,
            because=_reason_for_rollback(before.version, drop, client),
            only_ask=client is not None,
        )
        if not order.only_ask:
            self.quality.put_pending(order)
        return order

    def _ask(self, order: RollbackOrder, found: QualityCheck) -> QualityCheck:
        """Ask once per version. A crash in between asks twice, which is better than never."""
        version = f"live@{order.from_version}"
        if not self.quality.asked(version):
            self.promoter.roll_back(order)
            self.quality.put_asked(version)
        return replace(found, outcome=QualityOutcome.ONE_CLIENT)


def _predecessor(versions: Sequence[StoredVersion]) -> StoredVersion | None:
    """Return the version that the newest one replaced, skipping broken ones, which never served.
    Return None when there is none, or when it must not go live again."""
    earlier = reversed(versions[:-1])
    served = next((each for each in earlier if readable_prompt(each.document) is not None), None)
    return served if served is not None and may_go_live(served.document) else None


def _why_unwatched(versions: Sequence[StoredVersion], now: datetime) -> QualityOutcome | None:
    """Return None when the newest version's content is new and has been live for less than the
    watch period."""
    *earlier, live = versions
    prompt = readable_prompt(live.document)
    if prompt is None:
        return QualityOutcome.NOTHING_BEFORE
    known = (readable_prompt(each.document) for each in earlier)
    if prompt.version in {each.version for each in known if each is not None}:
        return QualityOutcome.RETURNED
    return QualityOutcome.SETTLED if now - live.written_at > WATCH_PERIOD else None


def _recorded_name(version: StoredVersion) -> str:
    """Return the version as records name it."""
    return f"live@{version.version}"


def _reason_for_rollback(before: int, found: QualityComparison, client: str | None) -> str:
    one = (
        ""
        if client is None
        else f" But without the ratings of {client or 'earlier releases'}, no drop can be shown."
    )
    return (
        f"people rated its answers {found.now.mean:.2f} on average (n = {found.now.n}), compared "
        f"with {found.before.mean:.2f} for version {before} (n = {found.before.n}). The drop is "
        f"significant: z = {found.z:.2f}, and {found.bound:.2f} is enough, however often it is "
        f"checked.{one}"
    )
