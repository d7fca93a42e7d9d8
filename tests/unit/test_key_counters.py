"""What a request adds to the counters that the watch of keys reads, and what may bypass at all."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from route_switch.domain.decision import Reason
from route_switch.domain.key_counters import LONG_ANSWER_TOKENS, watched_counters
from route_switch.domain.ports import JsonObject
from route_switch.domain.query import query_of
from route_switch.domain.request_record import Attempt
from route_switch.domain.tiers import Tier
from route_switch.domain.usage import Usage
from tests.support.records import RECORD

HARD = "Prove that every bounded entire function is constant, with each step justified."


def bypassed(output_tokens: int) -> dict[str, float]:
    attempt = Attempt("fake/small", Tier.SMALL, "answered", 1.0, Usage(5, output_tokens), 0.1)
    return watched_counters(replace(RECORD, reason=Reason.BYPASS, attempts=(attempt,)))


def test_the_tier_that_routing_sent_a_request_to_is_counted_even_if_another_answered() -> None:
    record = replace(RECORD, decided_tier=Tier.LARGE, tier=Tier.MEDIUM)
    assert watched_counters(record) == {"routed:3": 1}


def test_a_tier_that_only_the_client_asked_for_does_not_count_as_an_upgrade() -> None:
    record = replace(RECORD, routed_tier=Tier.SMALL, decided_tier=Tier.LARGE)
    assert watched_counters(record) == {"routed:1": 1}


def test_a_capped_request_counts_with_the_tier_that_it_was_sent_to() -> None:
    record = replace(RECORD, reason=Reason.CAPPED, routed_tier=Tier.LARGE, decided_tier=Tier.MEDIUM)
    assert watched_counters(record) == {"routed:2": 1}


@pytest.mark.parametrize("reason", [Reason.ROUTER, Reason.BYPASS])
def test_a_dry_run_is_not_counted(reason: Reason) -> None:
    assert watched_counters(replace(RECORD, reason=reason, status="dry_run")) == {}


@pytest.mark.parametrize(
    "reason", sorted(set(Reason) - {Reason.ROUTER, Reason.CAPPED, Reason.BYPASS})
)
def test_a_request_that_routing_did_not_decide_is_not_counted(reason: Reason) -> None:
    assert watched_counters(replace(RECORD, reason=reason, decided_tier=Tier.LARGE)) == {}


def test_a_bypassed_request_with_a_long_answer_is_counted_apart() -> None:
    assert bypassed(LONG_ANSWER_TOKENS - 1) == {"bypassed": 1}
    assert bypassed(LONG_ANSWER_TOKENS) == {"bypassed": 1, "bypassed:long": 1}


def said(role: str, content: str) -> JsonObject:
    return {"role": role, "content": content}


@pytest.mark.parametrize("last", ["Answer.", "go", "yes please"])
@pytest.mark.parametrize(
    "forms",
    [
        lambda last: [said("system", HARD), said("user", last)],
        lambda last: [said("developer", HARD), said("user", last)],
        lambda last: [said("user", last), said("system", HARD)],
        lambda last: [said("user", HARD), said("user", last)],
        lambda last: [said("user", HARD), said("assistant", "Shall I?"), said("user", last)],
    ],
    ids=["system", "developer", "system after", "two messages", "a question between"],
)
def test_a_hard_task_outside_the_last_message_does_not_bypass_and_is_read(
    forms: Callable[[str], list[JsonObject]], last: str
) -> None:
    query = query_of(forms(last), {})
    assert not query.is_shorter_than(12)
    assert HARD[:40] in query.for_router(1000)
