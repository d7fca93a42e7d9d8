"""Keys and switches, changed in the browser and read back through the API."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.browser import Watched, expect
from tests.support.console_world import PLANTED, ConsoleWorld
from tests.support.consoles import Consoles


@pytest.fixture
def access(consoles: Consoles, world: ConsoleWorld) -> Watched:
    return consoles.signed_in(world.stack.admin_key, "access")


def key_named(world: ConsoleWorld, name: str) -> dict[str, Any]:
    (found,) = (each for each in world.call("GET", "/v1/keys")["data"] if each["name"] == name)
    return dict(found)


def make(page: Any, name: str, budget: str = "") -> str:
    """Create a key in the browser, and return its secret."""
    page.get_by_role("button", name="Create a key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_label("Monthly budget, USD").fill(budget)
    dialog.get_by_label("Tags").fill("team=search")
    dialog.get_by_label("Tier 3", exact=True).uncheck()
    dialog.get_by_role("button", name="Create key").click()
    secret: str = page.get_by_role("region", name="The new key").inner_text()
    return secret


def test_a_key_lives_from_making_to_revoking(access: Watched, world: ConsoleWorld) -> None:
    page = access.page
    secret = make(page, "bot", budget="5")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied", exact=True)).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    page.get_by_role("button", name="I have copied it").click()
    assert secret not in page.content()
    world.ask("When does the museum open?", secret)

    made = key_named(world, "bot")
    assert (made["tiers"], made["monthly_budget_usd"]) == ([1, 2], 5)
    assert made["tags"] == {"team": "search"}
    expect(page.get_by_role("meter", name="Budget of bot")).to_be_visible()

    page.get_by_role("button", name="Change bot").click()
    page.get_by_label("Requests per minute").fill("30")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("row").filter(has_text="bot")).to_contain_text("30 requests/min")

    page.get_by_role("button", name="Rotate bot").click()
    page.get_by_label("Hours until").fill("0")
    page.get_by_role("button", name="Rotate bot").last.click()
    rotated = page.get_by_role("region", name="The new key").inner_text()
    assert rotated.startswith("rs-")
    assert rotated != secret
    page.get_by_role("button", name="I have copied it").click()

    page.get_by_role("button", name="Revoke bot").click()
    revoke = page.get_by_role("dialog").get_by_role("button", name="Revoke bot")
    expect(revoke).to_be_disabled()
    page.get_by_label("Type the key's name").fill("bot")
    revoke.click()
    expect(page.get_by_text("bot is revoked.")).to_be_visible()
    assert key_named(world, "bot")["revoked_at"] is not None
    trail = page.get_by_role("region", name="Audit trail")
    for action in ("create", "set", "rotate", "revoke"):
        expect(trail).to_contain_text(f"keys: {action}")
    expect(trail).to_contain_text("key:")


def test_the_form_of_a_key_says_what_is_wrong_with_each_field(access: Watched) -> None:
    page = access.page
    page.get_by_role("button", name="Create a key").click()
    page.get_by_label("Monthly budget, USD").fill("-1")
    page.get_by_label("Requests per minute").fill("1.5")
    page.get_by_label("Tags").fill("team")
    page.get_by_role("button", name="Create key").click()
    dialog = page.get_by_role("dialog")
    for told in ("Give the key a name.", "above 0", "whole number", "name=value"):
        expect(dialog).to_contain_text(told)
    expect(dialog.get_by_label("Name")).to_be_focused()
    assert access.axe() == []
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_the_key_of_the_tab_is_marked_and_offers_no_revocation(
    access: Watched, world: ConsoleWorld
) -> None:
    own = next(e for e in world.call("GET", "/v1/keys")["data"] if e["role"] == "admin")
    row = access.page.get_by_role("row").filter(has_text=own["key_id"])
    expect(row).to_contain_text("this key")
    revoke = row.get_by_role("button", name="Revoke")
    expect(revoke).to_be_disabled()
    expect(revoke).to_have_accessible_description(re.compile("A key cannot revoke itself"))
    expect(row.get_by_role("button", name="Rotate")).to_be_visible()
    expect(access.page.get_by_text("this key", exact=True)).to_have_count(1)
    with pytest.raises(httpx.HTTPStatusError, match="409"):
        world.call("DELETE", f"/v1/keys/{own['key_id']}")


def test_a_secret_stays_until_it_is_copied(access: Watched) -> None:
    page = access.page
    secret = make(page, "stays")
    dialog = page.get_by_role("dialog", name="The secret of stays")
    for _ in range(3):
        page.keyboard.press("Escape")
    page.mouse.click(5, 5)
    page.evaluate("location.hash = '#/learning'")
    expect(
        page.get_by_role("heading", name="Learning", level=1, include_hidden=True)
    ).to_have_count(1)
    expect(dialog).to_contain_text(secret)
    with page.expect_event("dialog"):
        page.evaluate("setTimeout(() => location.reload())")
    expect(dialog).to_contain_text(secret)
    assert access.warned == 1
    page.get_by_role("button", name="I have copied it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_markup_in_a_key_s_name_shows_as_text(access: Watched, world: ConsoleWorld) -> None:
    page = access.page
    make(page, PLANTED)
    page.get_by_role("button", name="I have copied it").click()
    expect(page.get_by_role("row").filter(has_text=PLANTED)).to_be_visible()
    expect(page.get_by_role("button", name=f"Revoke {PLANTED}")).to_be_visible()
    assert key_named(world, PLANTED)["name"] == PLANTED


@pytest.fixture
def as_before(world: ConsoleWorld) -> Iterator[None]:
    yield
    world.call("PATCH", "/v1/switches", {"routing": "on", "pin_tier": None, "learning": "on"})


SWITCHES: tuple[tuple[str, str, str | None, dict[str, object]], ...] = (
    ("Routing", "Shadow", "Routing: On to Shadow?", {"routing": "shadow"}),
    ("Pin a tier", "Tier 3", "Pin a tier: Off to Tier 3?", {"pin_tier": 3}),
    ("Learning", "Off", None, {"learning": "off"}),
)
"""Group, new choice, the question about it if there is one, and what is stored."""


@pytest.mark.usefixtures("as_before")
def test_a_switch_that_changes_routing_asks_first(access: Watched, world: ConsoleWorld) -> None:
    page = access.page
    for group, option, asks, changed in SWITCHES:
        switch = page.get_by_role("group", name=group)
        choice = switch.get_by_role("radio", name=option, exact=True)
        before = world.call("GET", "/v1/switches")
        choice.click()
        if asks is not None:
            expect(page.get_by_role("heading", name=asks)).to_be_visible()
            page.get_by_role("button", name="Cancel").click()
            assert world.call("GET", "/v1/switches") == before
            expect(choice).not_to_be_checked()
            choice.click()
            page.get_by_role("dialog").get_by_role("button", name="Set").click()
        expect(page.get_by_text(f"{group}: {option}.")).to_be_visible()
        expect(choice).to_be_checked()
        assert changed.items() <= world.call("GET", "/v1/switches").items()
    expect(page.get_by_role("region", name="Audit trail")).to_contain_text("switches:")


def test_a_client_key_may_change_nothing(world: ConsoleWorld) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="403"):
        world.call("PATCH", "/v1/switches", {"routing": "off"}, world.stack.api_key)
