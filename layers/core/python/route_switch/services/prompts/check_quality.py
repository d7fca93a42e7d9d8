"""Looks every hour whether people rate the live prompt's answers lower than those of the version
that served before it, and if so has the promoter take it back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from route_switch.domain.ports import StoredVersion, VersionStore
from route_switch.domain.prompt_document import readable_prompt
from route_switch.domain.prompts.quality_drop import QualityComparison, Scores, compare
from route_switch.domain.prompts.rollback import RollbackOrder, RolledBack
from route_switch.services.prompts.publish_prompt import may_go_live

WATCHED = timedelta(days=28)
"""Later on, a difference says more about the times than about the prompt: what the version before
got is as old as that."""


class QualityOutcome(StrEnum):
    NOTHING_BEFORE = "nothing before"
    """The live version is the first one, or broken, or what was before it must not go live."""
    RETURNED = "returned"
    """Its content was live before: a rollback, or somebody put it back. It is not taken back."""
    SETTLED = "settled"
    """It has been live for longer than it is watched."""
    TOO_FEW = "too few"
    NO_DROP = "no drop"
    ROLLED_BACK = "rolled back"
    PROMPT_CHANGED = "prompt changed"
    """Somebody else changed the live prompt in the same moment, and it was left alone."""


@dataclass(frozen=True, slots=True)
class QualityCheck:
    """`scores` are the live version's, as it was found; `rolled_back` is the promoter's answer."""

    outcome: QualityOutcome
    prompt_version: str | None = None
    scores: Scores | None = None
    comparison: QualityComparison | None = None
    rolled_back: RolledBack | None = None


class QualityScores(Protocol):
    """What people said, and the rollback that was asked for and is not answered yet."""

    def scores(self, prompt_version: str) -> Scores: ...

    def pending(self) -> RollbackOrder | None: ...

    def put_pending(self, order: RollbackOrder) -> None: ...

    def clear_pending(self) -> None: ...


class Promoter(Protocol):
    def roll_back(self, order: RollbackOrder) -> RolledBack:
        """Does it once, however often it is asked."""
        ...


@dataclass(frozen=True, slots=True)
class CheckQuality:
    """An order is written down before it is given and crossed out when it is answered, so that
    whatever dies in between, the next hour gives it again."""

    history: VersionStore
    quality: QualityScores
    promoter: Promoter

    def __call__(self, now: datetime) -> QualityCheck:
        """Raises where a store or the promoter fails: the order stands."""
        versions = self.history.versions()
        found = self._look(versions, now)
        order = self.quality.pending() or self._order(versions, found)
        if order is None:
            return found
        answer = self.promoter.roll_back(order)
        self.quality.clear_pending()
        outcome = (
            QualityOutcome.PROMPT_CHANGED if answer.version is None else QualityOutcome.ROLLED_BACK
        )
        return replace(found, outcome=outcome, rolled_back=answer)

    def _look(self, versions: Sequence[StoredVersion], now: datetime) -> QualityCheck:
        if not versions:
            return QualityCheck(QualityOutcome.NOTHING_BEFORE)
        live, before = _recorded(versions[-1]), _before(versions)
        scores = self.quality.scores(live)
        if before is None:
            return QualityCheck(QualityOutcome.NOTHING_BEFORE, live, scores)
        unwatched = _why_unwatched(versions, now)
        if unwatched is not None:
            return QualityCheck(unwatched, live, scores)
        comparison = compare(self.quality.scores(_recorded(before)), scores)
        outcome = QualityOutcome.TOO_FEW if comparison is None else QualityOutcome.NO_DROP
        return QualityCheck(outcome, live, scores, comparison)

    def _order(
        self, versions: Sequence[StoredVersion], found: QualityCheck
    ) -> RollbackOrder | None:
        before, drop = _before(versions), found.comparison
        if before is None or drop is None or not drop.is_drop:
            return None
        order = RollbackOrder(
            from_version=versions[-1].version,
            to_version=before.version,
            because=_because(before.version, drop),
        )
        self.quality.put_pending(order)
        return order


def _before(versions: Sequence[StoredVersion]) -> StoredVersion | None:
    """The version that the newest one took the place of; a broken one never served. None where
    there is none, or it must not go live again."""
    earlier = reversed(versions[:-1])
    served = next((each for each in earlier if readable_prompt(each.document) is not None), None)
    return served if served is not None and may_go_live(served.document) else None


def _why_unwatched(versions: Sequence[StoredVersion], now: datetime) -> QualityOutcome | None:
    """None where the newest version is new, and has not been live for long."""
    *earlier, live = versions
    prompt = readable_prompt(live.document)
    if prompt is None:
        return QualityOutcome.NOTHING_BEFORE
    known = (readable_prompt(each.document) for each in earlier)
    if prompt.version in {each.version for each in known if each is not None}:
        return QualityOutcome.RETURNED
    return QualityOutcome.SETTLED if now - live.written_at > WATCHED else None


def _recorded(version: StoredVersion) -> str:
    """As requests name it."""
    return f"live@{version.version}"


def _because(before: int, found: QualityComparison) -> str:
    return (
        f"people rated the answers that it chose the tier of {found.now.mean:.2f} on average "
        f"({found.now.n} times), and those of version {before} {found.before.mean:.2f} "
        f"({found.before.n} times). That is more than chance explains, however often it is "
        f"looked at: z = {found.z:.2f}, and {found.bound:.2f} is enough."
    )
