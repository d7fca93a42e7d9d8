"""Where prompt versions came from, derived from their documents."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.operations.audit import AuditEntry, Change, prompt_actions
from route_switch.domain.ports import StoredVersion
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.services.prompts.describe_versions import (
    NO_ACTIONS,
    Gain,
    VersionOrigin,
    describe_versions,
)
from tests.support.local_models import with_local_model

SEED = packaged_prompt()
LEARNED = SEED.model_copy(
    update={
        "instruction": SEED.instruction + "\n- a proof",
        "provenance": {
            "origin": "learned",
            "verdict": "better",
            "gain": 0.035,
            "gain_low": 0.01,
            "gain_high": 0.06,
        },
    }
)


def edited(prompt: RoutingPrompt, bullet: str) -> RoutingPrompt:
    return prompt.model_copy(update={"instruction": f"{prompt.instruction}\n- {bullet}"})


def kept(*documents: str) -> list[StoredVersion]:
    first = datetime(2026, 11, 1, tzinfo=UTC)
    return [
        StoredVersion(document, n + 1, first + timedelta(n), "arn:aws:iam::1:user/ann")
        for n, document in enumerate(documents)
    ]


def marks(
    *prompts: RoutingPrompt,
    serving: str = "live@1",
    newest: int = 10,
    actions: Mapping[int, str] = NO_ACTIONS,
) -> list[VersionOrigin]:
    return list(describe_versions(kept(*map(to_markdown, prompts)), serving, newest, actions))


def test_runs_edits_and_rollbacks_are_distinguished() -> None:
    versions = (SEED, LEARNED, edited(LEARNED, "a haiku"), SEED, edited(SEED, "an ode"))
    found = marks(*versions, actions={4: "rollback"})
    assert [(mark.version, mark.origin) for mark in found] == [
        (5, "edit of 4"),
        (4, "rollback to 1"),
        (3, "edit of 2"),
        (2, "learned"),
        (1, "hand-written"),
    ]


@pytest.mark.parametrize("action", ["push", "promote", "edit", None])
def test_an_old_text_that_was_not_rolled_back_to_is_not_a_rollback(action: str | None) -> None:
    actions = {} if action is None else {3: action}
    assert marks(SEED, LEARNED, SEED, actions=actions)[0].origin == "same text as 1"


def test_the_audit_trail_says_what_made_a_version() -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)

    def entry(action: str, after: str, **changes: str) -> AuditEntry:
        change = Change("prompt", action, "live", "version 1 (abc)", after)
        done = AuditEntry(at, after, "arn", "done", change)
        return replace(done, **changes)  # type: ignore[arg-type]  # fields of the class

    keys = AuditEntry(at, "k", "arn", "done", Change("keys", "create", "key_1", None, "version 7"))
    trail = [
        entry("push", "version 2 (def)"),
        entry("rollback", "version 3 (abc)"),
        entry("rollback", "(abc)", state="begun"),
        entry("push", "version 4 (broken)", state="begun"),
        entry("learn", "started"),
        keys,
    ]
    assert prompt_actions(trail) == {2: "push", 3: "rollback"}


def test_the_strategy_is_shown_unless_the_router_llm_alone_decides() -> None:
    found = marks(with_local_model(SEED, "local"), with_local_model(LEARNED, "hybrid"), LEARNED)
    assert [mark.origin for mark in found] == [
        "edit of 2",
        "learned (hybrid)",
        "hand-written (local)",
    ]


def test_only_the_version_that_a_run_made_has_its_verdict() -> None:
    found = marks(SEED, LEARNED, edited(LEARNED, "a haiku"), LEARNED)
    assert [mark.verdict for mark in found] == [None, None, "better", None]
    assert [mark.gain for mark in found] == [None, None, Gain(0.035, 0.01, 0.06), None]


def test_only_the_newest_are_listed_but_older_ones_still_explain_them() -> None:
    found = marks(SEED, LEARNED, SEED, newest=1)
    assert [(mark.version, mark.origin) for mark in found] == [(3, "same text as 1")]


def test_the_served_version_is_marked_even_if_the_newest_is_broken() -> None:
    found = describe_versions(kept(to_markdown(SEED), "no front matter"), "live@1", 10)
    assert [(mark.origin, mark.serves) for mark in found] == [
        ("broken: it cannot be served", False),
        ("hand-written", True),
    ]


def test_a_hand_written_provenance_gives_no_gain_and_no_error() -> None:
    changed = LEARNED.model_copy(
        update={"provenance": {"origin": "learned", "verdict": 1, "gain": "much", "gain_low": 0.0}}
    )
    (mark,) = marks(changed)
    assert (mark.verdict, mark.gain) == ("1", None)


def test_without_versions_the_list_is_empty() -> None:
    assert describe_versions((), "seed@1", 10) == ()
