"""Where texts that users leave in requests must not turn up."""

from typing import get_args

import pytest

from route_switch.domain.learning.example import Example
from route_switch.domain.learning.text_policy import LearnFromText, text_for_learning
from tests.support.attacks.canary_forms import KNOWN, LEARNED, Canary
from tests.support.attacks.planted import (
    found_in,
    learned_from,
    long_enough,
    told_of_failures,
)
from tests.support.attacks.planted_requests import FIELDS, USERS, written_by_requests

SOME = [canary for canaries in (KNOWN, LEARNED) for canary in long_enough(canaries)[::5]]
HARMLESS = [
    Canary("no form", f"Ask about zanzibar{'x' * n}", f"zanzibar{'x' * n}") for n in range(60)
]


@pytest.mark.parametrize("policy", ["redacted", "full"])
@pytest.mark.parametrize("canary", KNOWN, ids=lambda canary: canary.family)
def test_no_policy_shows_a_known_form(canary: Canary, policy: LearnFromText) -> None:
    example = Example(query=canary.text, from_traffic=True)
    assert canary.value not in (text_for_learning(example, policy) or "")


@pytest.mark.parametrize("policy", get_args(LearnFromText))
def test_a_week_writes_no_known_form_anywhere(policy: LearnFromText) -> None:
    written = learned_from(KNOWN[::2], policy)
    assert {place: found_in(text, KNOWN) for place, text in written.items()} == {
        place: [] for place in written
    }


def test_the_proposer_sees_harmless_words_of_traffic_and_the_report_does_not() -> None:
    written = learned_from(HARMLESS, "redacted")
    assert found_in(written["proposer's prompts"], HARMLESS)
    for report in ("report.md", "report.html", "report.json"):
        quoted = set(found_in(written[report], HARMLESS))
        assert quoted <= set(found_in(written["prompts tried"], HARMLESS)), "only in demos"


def test_a_run_that_fails_reveals_nothing_of_the_requests_that_providers_quote() -> None:
    told = told_of_failures(HARMLESS[::10])
    assert {place: found_in(text, HARMLESS) for place, text in told.items()} == {
        place: [] for place in told
    }
    assert all("fake/model" in text for text in told.values())


@pytest.mark.parametrize("text_storage", ["full", "none"])
def test_requests_leave_texts_in_the_table_only(text_storage: str) -> None:
    written = written_by_requests(SOME, text_storage)
    assert len(SOME) > len(FIELDS) + len(USERS)
    in_table = found_in(written.pop("table").text, SOME)
    assert bool(in_table) == (text_storage == "full")
    assert {place: found_in(each.text, SOME) for place, each in written.items()} == {
        place: [] for place in written
    }
    assert written["queue"].requests > 0
    assert "request_id" in written["queue"].text
    logs = written["logs and metrics"].text
    assert "Record not saved" in logs
    assert "The call of openai/small" in logs
    assert '"_aws"' in logs
