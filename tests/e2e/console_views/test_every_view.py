"""What holds for each view: everyone can use it, on every screen and in every state."""

import re
from collections.abc import Mapping
from itertools import product
from typing import Any

import pytest
from pydantic import JsonValue

from tests.support.assistive import press_until
from tests.support.browser import DESKTOP, PHONE, Watched, expect
from tests.support.console_answers import prompts
from tests.support.console_costs import no_costs
from tests.support.console_states import STATES, api_of_states
from tests.support.console_world import PLANTED
from tests.support.consoles import Consoles
from tests.support.fake_api import EMPTY, FakeApi, Response, refused

VIEWS = {
    "overview": "Overview",
    "playground": "Playground",
    "decisions": "Decisions",
    "prompt": "Prompt",
    "learning": "Learning",
    "access": "Keys and switches",
}
LOADED = {
    "overview": "Spent",
    "playground": "Nothing tried yet",
    "decisions": "router",
    "prompt": "Version 3",
    "learning": "2026-11-29T030000Z",
    "access": "support-bot",
}
"""A text that a view shows when its data has arrived."""
OF_VIEW = {
    "decisions": ("/v1/results",),
    "prompt": ("/v1/prompt", "/v1/prompt/history"),
    "learning": ("/v1/learning", "/v1/runs"),
    "access": ("/v1/keys", "/v1/switches", "/v1/audit"),
    "overview": ("/v1/costs",),
}
"""What a view loads first. The playground loads nothing."""
FIRST_DAY: Mapping[str, str] = {
    "overview": "No requests yet",
    "decisions": "No requests yet",
    "prompt": "Only one version so far",
    "learning": "No run yet",
    "access": "No change of this kind",
}
NAMES_OF_THE_API = {"object", "status", "state", "reason", "routing", "learning", "role", "profile"}
"""Fields whose texts are the API's own."""
SCREENS = tuple(product((DESKTOP, PHONE), ("light", "dark")))
SHOWN = ((DESKTOP, "light"), (PHONE, "dark"))
"""Screens of which a screenshot stays."""


@pytest.mark.parametrize("view", VIEWS)
def test_each_state_of_a_view_fits_phones_and_desktops_without_a_serious_finding_of_axe(
    consoles: Consoles, view: str
) -> None:
    console = consoles.faked(api_of_states(), view)
    page = console.page
    expect(page.get_by_role("heading", level=1)).to_have_text(VIEWS[view])
    expect(page.get_by_role("main")).to_contain_text(LOADED[view])
    for name, act in STATES[view].items():
        act(page)
        for (width, height), scheme in SCREENS:
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
            here = f"{view} {name}, {width} px, {scheme}"
            assert console.axe(colors_only=scheme == "dark") == [], here
            assert console.overflow() == 0, here
            if ((width, height), scheme) in SHOWN:
                console.screenshot("-".join(filter(None, (view, name, str(width), scheme))))


def test_a_view_says_that_it_loads(consoles: Consoles) -> None:
    console = consoles.faked(FakeApi(held=True))
    for view in OF_VIEW:
        go_to(console, view)
        loading = console.page.get_by_role("status").filter(has_text="Loading").first
        expect(loading).to_be_attached()
        assert console.axe() == [], view


def test_a_view_shows_an_error_in_the_words_of_the_api_and_tries_again(consoles: Consoles) -> None:
    told = "The table is away. Try again in a minute."
    api = FakeApi()
    console = consoles.faked(api, "playground")
    for view, paths in OF_VIEW.items():
        failed = refused(503, "store_unavailable", told, {"retry-after": "7"})
        api.answers = {f"GET {path}": failed for path in paths}
        go_to(console, view)
        alert = console.page.get_by_role("alert").filter(has_text=told).first
        expect(alert).to_contain_text("try again in 7 s")
        assert console.axe() == [], view
        console.screenshot(f"error-{view}")
        api.answers.clear()
        again = console.page.get_by_role("button", name="Try again")
        for left in reversed(range(again.count())):
            again.first.click()
            expect(again).to_have_count(left)
        expect(console.page.get_by_role("main")).to_contain_text(LOADED[view])


def test_on_the_first_day_each_view_says_what_to_do(consoles: Consoles) -> None:
    api = FakeApi(number_of_rows=0)
    api.answers = {f"GET {path}": Response(EMPTY) for path in ("/v1/runs", "/v1/audit", "/v1/keys")}
    api.answers["GET /v1/costs"] = Response(no_costs())
    first = prompts()["/v1/prompt?version=1"]
    api.answers["GET /v1/prompt"] = Response({**first, "serving": "live@1"})
    api.answers["GET /v1/prompt/history"] = Response({**EMPTY, "data": [first]})
    console = consoles.faked(api)
    for view, told in FIRST_DAY.items():
        go_to(console, view)
        expect(console.page.get_by_role("main")).to_contain_text(told)
        console.screenshot(f"first-day-{view}")
        assert console.axe() == [], view


def test_the_theme_is_chosen_in_turn_and_kept_in_the_tab(consoles: Consoles) -> None:
    console = consoles.faked(FakeApi(), "access", PHONE)
    page = console.page

    def color() -> str:
        return str(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))

    page.get_by_role("button", name="Theme: auto").click()
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    dark = color()
    page.reload()
    page.get_by_role("button", name="Theme: dark").click()
    light = color()
    assert dark != light
    page.emulate_media(color_scheme="dark")
    assert color() == light
    page.get_by_role("button", name="Theme: light").click()
    expect(page.get_by_role("button", name="Theme: auto")).to_be_visible()
    assert color() == dark


def planted(body: JsonValue, field: str = "") -> Any:
    """Return the body with the planted text in place of each text that a person could have
    written."""
    if isinstance(body, dict):
        return {name: planted(value, name) for name, value in body.items()}
    if isinstance(body, list):
        return [planted(each, field) for each in body]
    is_name = field in NAMES_OF_THE_API or re.search(r"(_at|_id|^run|^at|day|cursor)$", field)
    return PLANTED if isinstance(body, str) and not is_name else body


def test_markup_in_any_text_of_the_api_shows_as_text(consoles: Consoles) -> None:
    console = consoles.faked(FakeApi(change=planted))
    for view in VIEWS:
        go_to(console, view)
        if view != "playground":
            expect(console.page.get_by_text(PLANTED).first).to_be_attached()
        assert console.page.locator("main img[src='x'], main script").count() == 0
        assert console.overflow() == 0, view


def go_to(console: Watched, view: str) -> None:
    expect(console.page.get_by_role("navigation")).to_be_visible()
    console.page.evaluate("view => { location.hash = `#/${view}` }", view)
    expect(console.page.get_by_role("heading", level=1)).to_have_text(VIEWS[view])


def test_a_keyboard_alone_reaches_each_view(consoles: Consoles) -> None:
    console = consoles.faked(FakeApi())
    page = console.page
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.get_by_role("main").focus()
    for title in list(VIEWS.values())[1:]:
        press_until(page, title, key="Shift+Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_on_a_phone_the_tab_of_the_view_is_in_sight(consoles: Consoles) -> None:
    page = consoles.faked(FakeApi(), "access", PHONE).page
    tab = page.get_by_role("navigation").locator("[aria-current]")
    expect(tab).to_have_text("Keys and switches")
    expect(tab).to_be_in_viewport(ratio=0.99)
    page.evaluate("location.hash = '#/overview'")
    tab = page.get_by_role("navigation").get_by_role("link", name="Overview")
    expect(tab).to_be_in_viewport(ratio=0.99)
