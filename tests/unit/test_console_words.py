"""What the console makes of errors and explanations, on those that the API really says."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest

from route_switch.api.owner import preview_shapes, refusals, run_shapes, switch_shapes
from route_switch.api.owner.prompt_refusals import prompt_refusals
from route_switch.api.owner.words import API_WORDS
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.decision import Reason, RoutingDecision
from route_switch.domain.errors import (
    LocalModelError,
    NoSuchVersionError,
    PromptChangedError,
    PromptLockedError,
    PromptReplacedError,
    RequestRefusedError,
)
from route_switch.domain.explain_local import LocalView
from route_switch.domain.explain_words import Facts, explain_in_words
from route_switch.domain.explanation import Evidence, TierCost, WeighedText, Weighing
from route_switch.domain.local_model import Expected, LocalChoice
from route_switch.domain.operations.refused_changes import (
    ChangeRefusedError,
    Conflict,
    UnknownSubjectError,
)
from route_switch.domain.operations.stored_keys import (
    MAX_FORMER_SECRETS,
    FormerSecret,
    StoredKey,
    check_is_not_last_admin,
    check_may_change,
    check_may_rotate,
)
from route_switch.domain.prompt_texts import PromptText
from route_switch.domain.query import Query
from route_switch.domain.tiers import Tier
from tests.support.page_functions import results_of

NOW = datetime(2026, 11, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = StoredKey(ApiKey("key_1", "bot", "admin"), "hash", "2026-11-01T00:00:00+00:00", None)
REVOKED = StoredKey(KEY.key, "hash", KEY.created_at, revoked_at=KEY.created_at)
ROTATED = StoredKey(
    KEY.key,
    "hash",
    KEY.created_at,
    None,
    former=tuple(FormerSecret(str(n), NOW + HOUR) for n in range(MAX_FORMER_SECRETS)),
)


def conflict(code: Conflict, message: str) -> Callable[[], object]:
    def refuse() -> None:
        raise ChangeRefusedError(message, code)

    return refuse


def raising(error: Exception) -> Callable[[], object]:
    def refuse() -> None:
        raise error

    return refuse


REMEDIES: dict[str, tuple[Callable[[], object], str]] = {
    "former_secrets": (
        lambda: check_may_rotate(ROTATED, NOW, HOUR, API_WORDS),
        "enter 0 hours to end all of them",
    ),
    "key_changed": (
        conflict(
            "key_changed",
            "Nothing was changed: key_1 (bot) was rotated or revoked at the same moment. "
            f"See {API_WORDS.list_keys}, and try again.",
        ),
        "Look at the list of keys, then try again.",
    ),
    "key_revoked": (lambda: check_may_change(REVOKED, API_WORDS), "Create a new key."),
    "last_admin_key": (
        lambda: check_is_not_last_admin(KEY, [KEY], API_WORDS),
        "Create another admin key first.",
    ),
    "learning_off": (conflict("learning_off", ""), "Turn it on in Keys and switches."),
    "local_model_unknown": (raising(LocalModelError("")), "Approve the learning run"),
    "no_live_prompt": (raising(preview_shapes.no_live_prompt()), "Publish one first."),
    "not_found": (
        raising(UnknownSubjectError(f"There is no key 'x'. {API_WORDS.list_keys} lists the keys.")),
        "Reload the view",
    ),
    "own_key": (raising(refusals.own_key(KEY)), "Sign in with another admin key."),
    "price_unknown": (raising(preview_shapes.router_price_unknown("m")), "Set it in USD"),
    "prompt_changed": (
        raising(PromptChangedError("", base=3, version=4, live="version 4 is live")),
        "Look at it first, then decide again.",
    ),
    "prompt_locked": (raising(PromptLockedError("")), "Try again in a few seconds."),
    "prompt_replaced": (
        raising(PromptReplacedError("", version=5, overwritten=4)),
        "Compare the two in “Versions”; to restore the other one, roll back to it.",
    ),
    "prompt_version_not_found": (raising(NoSuchVersionError("")), "“Versions” lists those"),
    "report_not_found": (raising(run_shapes.no_report("2026-11-29T030000Z")), "no report"),
    "router_not_callable": (
        raising(preview_shapes.router_not_callable("m")),
        "route-switch prompt preview",
    ),
    "run_exists": (conflict("run_exists", ""), "The list shows its progress."),
    "run_not_waiting": (conflict("run_not_waiting", ""), "it was answered, timed out"),
    "switches_unreadable": (
        raising(switch_shapes.unreadable_switches()),
        "choose “Rewrite all switches”",
    ),
}
"""For each code: how the API comes to say it, and what the page tells the reader to do."""


def told_by_the_api(refuse: Callable[[], object]) -> tuple[str | None, str]:
    with (
        pytest.raises(RequestRefusedError) as raised,
        prompt_refusals("document"),
        refusals.refusals(),
    ):
        refuse()
    return raised.value.code, str(raised.value)


def test_every_error_of_the_owner_s_routes_says_on_the_page_what_to_do() -> None:
    answers = [told_by_the_api(refuse) for refuse, _ in REMEDIES.values()]
    assert [code for code, _ in answers] == list(REMEDIES)
    told = results_of("api/words.ts", "wordsOf", answers)
    for (code, (_, remedy)), words in zip(REMEDIES.items(), told, strict=True):
        assert remedy in words, code
        assert not re.search(r"/v1/|'base_version'|'grace_hours'", words), code


def test_the_codes_above_are_all_that_a_change_can_be_refused_with() -> None:
    documented = re.search(r"A 409 says why (.*?)\n- ", Path("docs/api.md").read_text(), re.S)
    assert documented is not None
    codes = set(re.findall(r"`([a-z_]+)`", documented[1]))
    assert len(codes) > 10
    assert codes | set(get_args(Conflict)) <= REMEDIES.keys()


CRITERION = PromptText("criterion", 3, Tier.LARGE, "any question of tax")
OTHER = PromptText("criterion", 1, Tier.MEDIUM, "a word problem")
COSTS = tuple(
    TierCost(tier, f"p/m{tier.value}", 0.001 * tier.value, tier is not Tier.SMALL) for tier in Tier
)
WEIGHING = Weighing(
    Tier.LARGE,
    (WeighedText(CRITERION, 0.51), WeighedText(OTHER, 0.3)),
    {Tier.SMALL: 0.118, Tier.MEDIUM: 0.297, Tier.LARGE: 0.514},
)
VIEW = LocalView(
    LocalChoice(Tier.LARGE, 0.2, {tier: Expected(0.3 * tier.value, 0.1) for tier in Tier}),
    0.2,
    None,
    Tier.MEDIUM,
    (("“tax”", 0.4),),
)
COMPARED = (
    "The nearest text of another tier is criterion 1 of Tier 2 (similarity 0.30): “a word problem”."
)
BARRED = "Tier 1 (p/m1) would cost about $0.001000, $0.001000 less. It may not answer this request."


def on_the_page(
    tier: Tier = Tier.LARGE, evidence: Evidence | None = None, local: LocalView | None = None
) -> list[str]:
    """The sentences of an explanation that the page keeps."""
    decision = RoutingDecision(
        tier, Reason.ROUTER, "live@3", 1, 1.0, tier, "local model", by_strategy=True
    )
    facts = Facts(
        query=Query("Is a gift taxable?"),
        bypass_tokens=0,
        router="p/router",
        strategy="prompt" if local is None else "local",
        answer=decision,
        routed=decision,
        costs=COSTS,
        output_tokens=300,
        evidence=evidence,
        local=local,
    )
    explanation = explain_in_words(facts).as_json()
    [sentences] = results_of("views/playground/explained.ts", "sentencesOf", [[explanation]])
    return [str(each) for each in sentences]


def test_a_decision_says_only_what_the_page_does_not_show_next_to_it() -> None:
    read = "The router LLM (p/router) read the routing prompt version 3 and chose Tier 3."
    asked = Evidence(Tier.LARGE, CRITERION, was_asked=True)
    assert on_the_page(evidence=asked) == [read]
    weighed = Evidence(Tier.LARGE, CRITERION, WEIGHING, by_comparison=True)
    first, *rest = on_the_page(evidence=weighed)
    assert "compared the request with the texts of the routing prompt version 3" in first
    assert rest == [COMPARED]
    silent = Evidence(Tier.LARGE, was_asked=True)
    assert on_the_page(evidence=silent)[1:] == [
        "Asked for its reason in a second call, the router LLM named none of the prompt's texts."
    ]
    local = on_the_page(local=VIEW)
    assert [each.partition(" ")[0] for each in local] == ["The", "Its", "Strongest"]


def test_a_decision_still_says_that_a_tier_may_not_answer() -> None:
    assert on_the_page(Tier.MEDIUM)[1:] == [BARRED]
