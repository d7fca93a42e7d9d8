"""The live prompt changes in only one way, and never silently overwrites another change."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.errors import PromptConflictError, PromptError
from route_switch.domain.ports import StoredPrompt, StoredVersion
from route_switch.domain.prompt_document import to_json, to_markdown
from route_switch.domain.routing_prompt import Provenance, RoutingPrompt
from route_switch.services.prompts.publish_prompt import PublishPrompt, Rollback

LIVE = packaged_prompt()
A = to_markdown(LIVE)
B, C = A.replace("a greeting", "a thank-you"), A.replace("a greeting", "a farewell")


class FakePrompts:
    """Parameter Store. `console` is written without the lock, just before the next put."""

    def __init__(self, *documents: str) -> None:
        self.documents = list(documents)
        self.console: list[str] = []
        self.locked = False
        self.outage = False

    def read_live(self, version: int | None = None) -> StoredPrompt | None:
        number = len(self.documents) if version is None else version
        if not 1 <= number <= len(self.documents):
            return None
        return StoredPrompt(self.documents[number - 1], number)

    def read_seed(self) -> StoredPrompt | None:
        return None

    def put_live(self, document: str) -> int:
        assert self.locked
        if self.outage:
            raise ConnectionError
        self.documents += [*self.console, document]
        return len(self.documents)

    def versions(self) -> tuple[StoredVersion, ...]:
        at = datetime(2026, 3, 1, 12, tzinfo=UTC)
        return tuple(
            StoredVersion(document, number, at, "user/alice")
            for number, document in enumerate(self.documents, 1)
        )

    @contextmanager
    def hold(self) -> Iterator[None]:
        assert not self.locked
        self.locked = True
        try:
            yield
        finally:
            self.locked = False


def publisher(prompts: FakePrompts) -> PublishPrompt:
    return PublishPrompt(prompts, prompts, prompts)


def candidate(**provenance: str) -> RoutingPrompt:
    known: Provenance = {"origin": "learned", "incumbent": LIVE.version, "verdict": "better"}
    return LIVE.model_copy(
        update={"instruction": LIVE.instruction + "\n- a haiku", "provenance": known | provenance}
    )


def test_a_document_goes_live_unchanged() -> None:
    prompts = FakePrompts(A)
    assert publisher(prompts)(B + "\n\n", 1) == 2
    assert prompts.documents == [A, B + "\n\n"]


def test_the_first_version_has_no_base() -> None:
    assert publisher(FakePrompts())(A, None) == 1


@pytest.mark.parametrize("base", [1, 3, None])
def test_a_change_based_on_an_older_version_is_refused(base: int | None) -> None:
    prompts = FakePrompts(A, B)
    with pytest.raises(PromptConflictError) as error:
        publisher(prompts)(C, base)
    assert prompts.documents == [A, B]
    for words in ("version 2 is live", "user/alice", "2026-03-01 12:00 UTC", "--base 2"):
        assert words in str(error.value)


def test_a_change_based_on_a_deleted_prompt_is_refused() -> None:
    with pytest.raises(PromptConflictError, match="the live prompt no longer exists"):
        publisher(FakePrompts())(A, 7)


def test_a_document_that_is_already_live_makes_no_new_version() -> None:
    prompts = FakePrompts(A, B)
    assert publisher(prompts)(B, 1) == 2
    assert prompts.documents == [A, B]


def test_a_broken_document_does_not_go_live() -> None:
    prompts = FakePrompts(A)
    with pytest.raises(PromptError):
        publisher(prompts)("no prompt", 1)
    assert prompts.documents == [A]


def test_an_overwritten_change_is_reported_and_can_be_restored() -> None:
    prompts = FakePrompts(A)
    prompts.console = [C]
    with pytest.raises(PromptConflictError, match=r"version 3 instead of 2.*rollback --to 2"):
        publisher(prompts)(B, 1)
    assert prompts.documents == [A, C, B]


def test_the_lock_is_released_when_a_change_fails() -> None:
    prompts = FakePrompts(A)
    prompts.outage = True
    with pytest.raises(ConnectionError):
        publisher(prompts)(B, 1)
    assert not prompts.locked


@pytest.mark.parametrize("artifact", [to_json(candidate()), to_markdown(candidate())])
def test_a_better_candidate_goes_live_as_markdown(artifact: str) -> None:
    prompts = FakePrompts(A)
    assert publisher(prompts).promote(artifact) == 2
    assert prompts.documents[-1] == to_markdown(candidate())


@pytest.mark.parametrize(
    ("provenance", "reason"),
    [
        ({"verdict": "not better"}, "verdict 'not better'"),
        ({"verdict": "not enough evidence"}, "verdict 'not enough evidence'"),
        ({"incumbent": "0123456789ab"}, f"prompt 0123456789ab, but version 1.*{LIVE.version}"),
    ],
)
def test_any_other_candidate_goes_live_only_by_force(
    provenance: dict[str, str], reason: str
) -> None:
    prompts, artifact = FakePrompts(A), to_json(candidate(**provenance))
    with pytest.raises(PromptError, match=reason):
        publisher(prompts).promote(artifact)
    assert prompts.documents == [A]
    assert publisher(prompts).promote(artifact, force=True) == 2


def test_a_prompt_that_was_never_compared_is_not_a_candidate() -> None:
    for live in (A, "broken"):
        with pytest.raises(PromptConflictError, match="no incumbent"):
            publisher(FakePrompts(live)).promote(B)
    compared = LIVE.model_copy(update={"provenance": {"incumbent": LIVE.version}})
    with pytest.raises(PromptError, match="no verdict"):
        publisher(FakePrompts(A)).promote(to_markdown(compared))


def test_promoting_a_live_candidate_does_nothing() -> None:
    prompts = FakePrompts(A, to_markdown(candidate()))
    assert publisher(prompts).promote(to_json(candidate())) == 2
    assert len(prompts.documents) == 2


def test_force_does_not_make_a_broken_candidate_live() -> None:
    short = LIVE.model_copy(update={"instruction": "Tier 1:\n- all"})
    with pytest.raises(PromptError, match="tier 2"):
        publisher(FakePrompts(A)).promote(to_json(short), force=True)


def test_a_rollback_uses_the_newest_different_content_that_can_be_served() -> None:
    prompts = FakePrompts(A, B, "broken", C, C)
    assert publisher(prompts).roll_back() == Rollback(before=5, content_of=2, version=6)
    assert prompts.documents[-1] == B
    assert publisher(prompts).roll_back() == Rollback(before=6, content_of=5, version=7)


def test_a_rollback_of_a_broken_prompt_works() -> None:
    assert publisher(FakePrompts(A, "broken")).roll_back() == Rollback(2, 1, 3)


def test_a_rollback_may_name_its_version() -> None:
    prompts = FakePrompts(A, B, C)
    assert publisher(prompts).roll_back(1) == Rollback(before=3, content_of=1, version=4)
    with pytest.raises(PromptError, match="no version 9"):
        publisher(prompts).roll_back(9)


def test_without_an_older_version_a_rollback_is_refused() -> None:
    with pytest.raises(PromptError, match="no older version"):
        publisher(FakePrompts(A, A)).roll_back()
    with pytest.raises(PromptError, match="no live prompt"):
        publisher(FakePrompts()).roll_back()
