"""The rules of a key's settings, in the words of the command line and of the API."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.api.owner.words import API_WORDS
from route_switch.cli.words import CLI_WORDS
from route_switch.domain.operations.key_settings import (
    KeySettings,
    changed_key,
    key_with,
    problems_of,
    settings_of,
)
from route_switch.domain.operations.refused_changes import InvalidSettingsError
from route_switch.domain.profiles import PROFILES
from route_switch.domain.tiers import ALL_TIERS, Tier

NOW = datetime(2026, 11, 30, tzinfo=UTC)
TEXT = st.text(max_size=120)
SETTINGS = st.builds(
    KeySettings,
    name=TEXT,
    role=st.sampled_from(["client", "admin"]),
    allowed_tiers=st.frozensets(st.sampled_from(sorted(ALL_TIERS)), min_size=1),
    tags=st.dictionaries(TEXT, TEXT, max_size=3),
    requests_per_minute=st.none() | st.integers(),
    monthly_budget_usd=st.none() | st.floats(),
    when_spent=st.sampled_from([None, "refuse", "downgrade"]),
    profile=st.sampled_from([None, *PROFILES]),
    max_upgrade_share=st.none() | st.floats(),
)


@given(SETTINGS)
def test_settings_are_a_key_exactly_if_they_have_no_problem(settings: KeySettings) -> None:
    problems = tuple(problems_of(settings, API_WORDS))
    try:
        key = key_with(settings, "key_1", API_WORDS)
    except InvalidSettingsError as error:
        assert error.problems == problems != ()
    else:
        assert problems == ()
        assert changed_key(key, KeySettings.of(key), API_WORDS) == key
        assert settings_of(key, NOW)


@given(SETTINGS)
def test_both_interfaces_find_the_same_problems_in_their_own_words(settings: KeySettings) -> None:
    of_api, of_cli = (list(problems_of(settings, words)) for words in (API_WORDS, CLI_WORDS))
    assert [each.setting for each in of_api] == [each.setting for each in of_cli]
    assert not any("--" in each.message for each in of_api if each.setting != "tags")


@pytest.mark.parametrize(
    ("settings", "of_api", "of_cli"),
    [
        (
            KeySettings("a", when_spent="refuse"),
            "'when_spent' has no effect without 'monthly_budget_usd'.",
            "--when-spent has no effect without --monthly-budget-usd.",
        ),
        (
            KeySettings("a", max_upgrade_share=30),
            "give it 'tiers': [1, 2].",
            "give it --tiers 1,2.",
        ),
        (
            KeySettings(
                "a",
                allowed_tiers=frozenset({Tier.LARGE}),
                monthly_budget_usd=1,
                when_spent="downgrade",
            ),
            "'when_spent': \"downgrade\" answers with Tier 1",
            "--when-spent downgrade answers with Tier 1",
        ),
    ],
)
def test_each_interface_reads_its_own_names(
    settings: KeySettings, of_api: str, of_cli: str
) -> None:
    for words, said in ((API_WORDS, of_api), (CLI_WORDS, of_cli)):
        [problem] = problems_of(settings, words)
        assert said in problem.message
