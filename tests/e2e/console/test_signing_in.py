"""The key: what it opens, where it is kept, and when it is forgotten."""

import json
from typing import Any

from tests.support.browser import expect
from tests.support.console_world import ConsoleWorld
from tests.support.consoles import Consoles


def views_of(page: Any) -> list[str]:
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    links: list[str] = page.get_by_role("navigation").get_by_role("link").all_inner_texts()
    return links


def test_an_admin_key_opens_every_view_and_stays_in_the_tab_only(
    consoles: Consoles, world: ConsoleWorld
) -> None:
    key = world.stack.admin_key
    page = consoles.entered(key).page
    expect(page.get_by_role("navigation")).to_be_visible()
    assert len(views_of(page)) == 6
    page.reload()
    assert len(views_of(page)) == 6

    assert key not in page.url
    kept = page.evaluate("[JSON.stringify(localStorage), document.cookie]")
    assert kept == ["{}", ""]
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_label("API key")).to_be_visible()


def test_a_client_key_opens_the_playground_only(consoles: Consoles, world: ConsoleWorld) -> None:
    console = consoles.entered(world.stack.api_key, "access")
    expect(console.page.get_by_role("heading", level=1)).to_have_text("Playground")
    assert views_of(console.page) == ["Playground"]
    assert console.axe() == []


def test_a_wrong_key_is_refused_in_the_words_of_the_api(
    consoles: Consoles, world: ConsoleWorld
) -> None:
    for key in ("rs-wrong", "rs-wröng"):
        console = consoles.entered(key)
        field = console.page.get_by_label("API key")
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(console.page.get_by_role("main")).to_contain_text("key")
        assert console.axe() == []
        assert console.page.evaluate("sessionStorage.length") == 0


def test_forgetting_the_key_leaves_nothing_behind(consoles: Consoles, world: ConsoleWorld) -> None:
    page = consoles.entered(world.stack.admin_key).page
    page.get_by_role("button", name="Forget key").click()
    expect(page.get_by_label("API key")).to_have_value("")
    assert world.stack.admin_key not in page.content()
    assert world.stack.admin_key not in page.evaluate("JSON.stringify(sessionStorage)")


def test_a_key_that_is_no_longer_valid_is_asked_for_again(
    consoles: Consoles, world: ConsoleWorld
) -> None:
    page = consoles.signed_in(world.stack.admin_key, "access").page
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    error = {"message": "Incorrect API key.", "code": "invalid_api_key"}
    page.route(
        lambda url: "/v1/" in url,
        lambda route: route.fulfill(status=401, body=json.dumps({"error": error})),
    )
    page.evaluate("location.hash = '#/learning'")
    expect(page.get_by_label("API key")).to_be_visible()


def test_a_stage_of_signed_requests_says_that_the_console_cannot_be_used(
    consoles: Consoles,
) -> None:
    console = consoles.open()
    error = {"message": "Sign the request.", "code": "signature_required"}
    console.page.route(
        lambda url: "/v1/" in url,
        lambda route: route.fulfill(status=403, body=json.dumps({"error": error})),
    )
    consoles.enter(console, "rs-any")
    expect(console.page.get_by_role("alert")).to_contain_text("signed with AWS credentials")
    assert console.axe() == []
