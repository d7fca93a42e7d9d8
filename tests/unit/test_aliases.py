"""Names that agents insist on, and what they mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from route_switch.domain.aliases import DEFAULT_ALIASES, meaning_of
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels

CATALOG = ModelCatalog(
    tiers={tier: TierModels(model=f"p/{tier.value}") for tier in Tier}, router="p/router"
)


@pytest.mark.parametrize(
    "name",
    [
        *("claude-sonnet-4-5-20250929", "claude-opus-4-6[1m]", "gpt-5.1-codex", "gpt-4o-mini"),
        *("o3", "o4-mini", "chatgpt-4o-latest", "codex-mini-latest", "GPT-4o"),
    ],
)
def test_names_that_agents_send_by_default_are_routed(name: str) -> None:
    assert meaning_of(name, RouterConfig(models=CATALOG).aliases) == "auto"


@pytest.mark.parametrize("name", ["tier-9", "llama-3", "openai/gpt-4o", "auto ", "open", ""])
def test_other_names_mean_themselves(name: str) -> None:
    assert meaning_of(name, DEFAULT_ALIASES) == name


def test_the_most_specific_pattern_decides_in_any_order() -> None:
    aliases = {"claude-*": "auto", "claude-*haiku*": "tier-1", "*": "tier-2"}
    for ordered in (aliases, dict(reversed(aliases.items()))):
        assert meaning_of("claude-haiku-4-5", ordered) == "tier-1"
        assert meaning_of("claude-sonnet-4-5", ordered) == "auto"
        assert meaning_of("mistral", ordered) == "tier-2"


def test_a_listed_pattern_can_be_sent_as_a_name() -> None:
    assert {meaning_of(pattern, DEFAULT_ALIASES) for pattern in DEFAULT_ALIASES} == {"auto"}


@given(st.text(max_size=30), st.dictionaries(st.text(max_size=10), st.just("auto")))
def test_any_text_is_a_name_that_means_something(name: str, aliases: dict[str, str]) -> None:
    assert meaning_of(name, aliases) in {name, "auto"}


@pytest.mark.parametrize(
    ("aliases", "reason"),
    [
        ({"gpt-*": "tier-4"}, "neither 'auto', a tier such as 'tier-1', nor a tier's model"),
        ({"gpt-*": "gpt-5"}, "neither 'auto'"),
        ({"": "auto"}, "aliases"),
        ({"gpt 5": "auto"}, "aliases"),
    ],
)
def test_an_alias_without_a_meaning_is_refused(aliases: dict[str, str], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        RouterConfig(models=CATALOG, aliases=aliases)


def test_an_alias_may_name_a_tier_or_its_model() -> None:
    aliases = {"small": "tier-1", "large": "p/3"}
    assert RouterConfig(models=CATALOG, aliases=aliases).aliases == aliases
