"""The hourly quality check: which versions are compared, and recovery from crashes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.clients import client_of
from route_switch.domain.errors import InvocationError
from route_switch.domain.ports import StoredVersion
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.prompts.quality_drop import Scores
from route_switch.domain.prompts.rollback import RollbackOrder, RolledBack
from route_switch.services.prompts.check_quality import WATCH_PERIOD, CheckQuality, QualityOutcome
from tests.support.local_models import numbers, with_local_model

NOW = datetime(2026, 11, 22, 13, tzinfo=UTC)
GOOD, BAD, FEW = Scores(200, 180, 180), Scores(200, 120, 120), Scores(3, 1, 1)


def prompt(word: str, **provenance: str) -> str:
    base = packaged_prompt()
    changed = {"instruction": f"{base.instruction}\n\n{word}", "provenance": provenance}
    return to_markdown(base.model_copy(update=changed))


A, B, C = map(prompt, "abc")
LOCAL = to_markdown(with_local_model(packaged_prompt(), "local"))
OTHER_LOCAL = to_markdown(with_local_model(packaged_prompt(), "local", numbers(0.3)))


@dataclass
class FakeHistory:
    documents: list[str]
    written_at: datetime = NOW - timedelta(days=1)

    def versions(self) -> tuple[StoredVersion, ...]:
        return tuple(
            StoredVersion(document, number, self.written_at, "arn")
            for number, document in enumerate(self.documents, 1)
        )


def shared(scores: Scores, clients: Sequence[str]) -> dict[str, Scores]:
    """Divide the scores equally."""
    share = len(clients)
    part = Scores(scores.n // share, scores.total / share, scores.total_squares / share)
    return dict.fromkeys(clients, part)


@dataclass
class FakeQuality:
    """The scores of a version come from the `clients`, equally."""

    by_version: dict[str, Scores] = field(default_factory=dict)
    order: RollbackOrder | None = None
    clients: Sequence[str] = ("key_a", "key_b", "key_c", "key_d")
    asked_about: list[str] = field(default_factory=list)

    def by_client(self, prompt_version: str) -> dict[str, Scores]:
        return shared(self.scores(prompt_version), self.clients)

    def asked(self, prompt_version: str) -> bool:
        return prompt_version in self.asked_about

    def put_asked(self, prompt_version: str) -> None:
        self.asked_about.append(prompt_version)

    def scores(self, prompt_version: str) -> Scores:
        return self.by_version.get(prompt_version, Scores())

    def pending(self) -> RollbackOrder | None:
        return self.order

    def put_pending(self, order: RollbackOrder) -> None:
        self.order = order

    def clear_pending(self) -> None:
        self.order = None


@dataclass
class FakePromoter:
    """Publishes into the history. It can fail before or after that, or decline."""

    history: FakeHistory
    fails: str | None = None
    orders: list[RollbackOrder] = field(default_factory=list)

    def roll_back(self, order: RollbackOrder) -> RolledBack:
        self.orders.append(order)
        if self.fails == "before":
            raise InvocationError("The promoter failed.")
        if order.only_ask:
            return RolledBack(why="A person was asked.")
        if self.fails == "refuses":
            return RolledBack(why="Version 9 is live.")
        documents = self.history.documents
        new = len(documents) == order.from_version
        if new:
            documents.append(documents[order.to_version - 1])
        if self.fails == "after":
            raise InvocationError("The promoter failed.")
        return RolledBack(version=order.from_version + 1, new=new)


@dataclass
class World:
    history: FakeHistory
    quality: FakeQuality
    promoter: FakePromoter
    trusted: frozenset[str] = frozenset()

    def look(self) -> QualityOutcome:
        check = CheckQuality(self.history, self.quality, self.promoter, self.trusted)
        return check(NOW).outcome


def world(documents: Sequence[str], *scores: Scores) -> World:
    """Score these versions, starting with the first."""
    history = FakeHistory(list(documents))
    by_version = {f"live@{number}": each for number, each in enumerate(scores, 1)}
    return World(history, FakeQuality(by_version), FakePromoter(history))


def test_a_version_that_is_rated_lower_is_rolled_back_once() -> None:
    found = world([A, B], GOOD, BAD)
    assert found.look() is QualityOutcome.ROLLED_BACK
    (order,) = found.promoter.orders
    assert (order.from_version, order.to_version) == (2, 1)
    assert "0.60 on average (n = 200), compared with 0.90 for version 1 (n = 200)" in order.because
    assert found.history.documents == [A, B, A]
    assert found.look() is QualityOutcome.RETURNED
    assert len(found.promoter.orders) == 1


def test_a_local_model_that_is_rated_lower_is_rolled_back_to_the_one_before() -> None:
    found = world([LOCAL, OTHER_LOCAL], GOOD, BAD)
    assert found.look() is QualityOutcome.ROLLED_BACK
    assert found.history.documents == [LOCAL, OTHER_LOCAL, LOCAL]
    assert found.look() is QualityOutcome.RETURNED


@pytest.mark.parametrize(
    ("documents", "scores", "outcome"),
    [
        ([], (), QualityOutcome.NOTHING_BEFORE),
        ([A], (BAD,), QualityOutcome.NOTHING_BEFORE),
        (["broken", A], (GOOD, BAD), QualityOutcome.NOTHING_BEFORE),
        ([A, "broken"], (GOOD, BAD), QualityOutcome.NOTHING_BEFORE),
        ([A, B], (GOOD, GOOD), QualityOutcome.NO_DROP),
        ([A, B], (BAD, GOOD), QualityOutcome.NO_DROP),
        ([A, B], (FEW, BAD), QualityOutcome.TOO_FEW),
        ([A, B], (GOOD, FEW), QualityOutcome.TOO_FEW),
        ([A, B], (), QualityOutcome.TOO_FEW),
        ([A, B, A], (GOOD, GOOD, BAD), QualityOutcome.RETURNED),
        ([A, prompt("a", origin="noted later")], (GOOD, BAD), QualityOutcome.RETURNED),
        ([A, B, C], (GOOD, BAD, BAD), QualityOutcome.NO_DROP),
    ],
)
def test_in_all_other_cases_the_prompt_stays(
    documents: list[str], scores: tuple[Scores, ...], outcome: QualityOutcome
) -> None:
    found = world(documents, *scores)
    assert found.look() is outcome
    assert found.promoter.orders == []
    assert found.quality.order is None


def test_the_ratings_of_one_key_roll_nothing_back_and_a_person_is_asked_once() -> None:
    found = world([A, B], GOOD, BAD)
    found.quality.clients = ["key_a"]
    assert [found.look(), found.look()] == [QualityOutcome.ONE_CLIENT] * 2
    (order,) = found.promoter.orders
    assert order.only_ask
    assert "without the ratings of key_a, no drop can be shown" in order.because
    assert found.quality.order is None
    assert found.history.documents == [A, B]


def test_with_one_key_its_users_decide_together() -> None:
    found = world([A, B], GOOD, BAD)
    found.quality.clients = [client_of("key_a", f"user {n}") for n in range(10)]
    assert found.look() is QualityOutcome.ROLLED_BACK


def test_a_key_that_the_owner_trusts_decides_alone() -> None:
    found = world([A, B], GOOD, BAD)
    found.quality.clients, found.trusted = ["key_a"], frozenset({"key_a"})
    assert found.look() is QualityOutcome.ROLLED_BACK


def test_a_crash_between_asking_and_noting_it_asks_again() -> None:
    found = world([A, B], GOOD, BAD)
    found.quality.clients, found.promoter.fails = ["key_a"], "before"
    with pytest.raises(InvocationError):
        found.look()
    found.promoter.fails = None
    assert found.look() is QualityOutcome.ONE_CLIENT
    assert len(found.promoter.orders) == 2


def test_a_broken_version_is_skipped_as_the_target_of_a_rollback() -> None:
    found = world([A, "broken", B], GOOD, Scores(), BAD)
    assert found.look() is QualityOutcome.ROLLED_BACK
    assert found.promoter.orders[0].to_version == 1


def test_after_four_weeks_a_drop_is_no_longer_attributed_to_the_promotion() -> None:
    found = world([A, B], GOOD, BAD)
    found.history.written_at = NOW - WATCH_PERIOD - timedelta(hours=1)
    assert found.look() is QualityOutcome.SETTLED
    assert found.promoter.orders == []


@pytest.mark.parametrize("dies", ["before", "after"])
def test_after_a_crash_the_promoter_gets_the_same_order_again(dies: str) -> None:
    found = world([A, B], GOOD, BAD)
    found.promoter.fails = dies
    with pytest.raises(InvocationError):
        found.look()
    found.promoter.fails = None
    found.quality.by_version["live@2"] = GOOD  # feedback that arrives meanwhile changes nothing
    assert found.look() is QualityOutcome.ROLLED_BACK
    first, second = found.promoter.orders
    assert first == second
    assert found.history.documents == [A, B, A]
    assert found.look() is QualityOutcome.RETURNED


def test_an_order_that_the_promoter_declines_is_not_repeated() -> None:
    found = world([A, B], GOOD, BAD)
    found.promoter.fails = "refuses"
    assert found.look() is QualityOutcome.PROMPT_CHANGED
    assert found.quality.order is None
