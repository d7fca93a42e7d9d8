"""Forms of keys, on made-up answers."""

import re

from tests.support.browser import DESKTOP, PHONE, expect
from tests.support.console_answers import KEYS, Answer, audit, iso, key
from tests.support.consoles import Consoles
from tests.support.fake_api import FakeApi, Response, refused


def test_saving_a_key_without_a_change_closes_the_form_and_sends_nothing(
    consoles: Consoles,
) -> None:
    api = FakeApi()
    page = consoles.faked(api, "access").page
    page.get_by_role("button", name="Change search").click()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert not any(name.startswith("PATCH") for name, _ in api.called)


def test_the_amounts_of_all_keys_have_the_same_digits(consoles: Consoles) -> None:
    page = consoles.faked(FakeApi(), "access").page
    for name, told in (
        ("search", r"\$7\.99 of \$10\.00.*\$0\.04 reserved"),
        ("owner", r"\$0\.31190 requests"),  # $0.31, and 190 requests below it
    ):
        row = page.get_by_role("row").filter(has=page.get_by_text(name, exact=True))
        expect(row).to_contain_text(re.compile(told))


LOST = Response({"message": "Endpoint request timed out"}, 504)
"""As the gateway answers while the function goes on."""


def test_a_key_or_secret_whose_answer_is_lost_may_be_there(consoles: Consoles) -> None:
    api = FakeApi(answers={"POST /v1/keys": LOST, f"POST /v1/keys/{KEYS[0][0]}/rotate": LOST})
    page = consoles.faked(api, "access").page
    page.get_by_role("button", name="Create a key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("bot")
    made: Answer = {**key(KEYS[0]), "key_id": "key_new", "name": "bot"}
    api.answers["GET /v1/keys"] = Response({"object": "list", "data": [key(KEYS[0]), made]})
    dialog.get_by_role("button", name="Create key").click()
    alert = dialog.get_by_role("alert")
    expect(alert).to_contain_text("It is not known whether the key was created")
    expect(alert).to_contain_text("The stage answered with status 504 and gave no reason.")
    expect(alert).to_contain_text("a new key named bot, revoke that one")
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Revoke bot")).to_be_visible()

    replaced: Answer = {**key(KEYS[0]), "rotated_at": "2026-11-30T14:19:00+00:00"}
    api.answers["GET /v1/keys"] = Response({"object": "list", "data": [replaced]})
    page.get_by_role("button", name="Rotate search").click()
    dialog.get_by_role("button", name="Rotate search").click()
    expect(alert).to_contain_text("It is not known whether the secret was replaced")
    expect(alert).to_contain_text("Rotate the key again")
    expect(page.get_by_text("secret replaced")).to_be_attached()


def test_a_refused_revocation_says_why(consoles: Consoles) -> None:
    told = "This is the last admin key. Make another one first."
    api = FakeApi()
    console = consoles.faked(api, "access")
    page = console.page
    revoke = page.get_by_role("button", name=re.compile("^Revoke ")).first
    name = (revoke.get_attribute("aria-label") or "").removeprefix("Revoke ")
    (key_id,) = (each[0] for each in KEYS if each[1] == name)
    call = f"DELETE /v1/keys/{key_id}"
    api.answers = {call: refused(409, "last_admin_key", told)}
    revoke.click()
    page.get_by_label("Type the key's name").fill(name)
    page.get_by_role("dialog").get_by_role("button", name=f"Revoke {name}").click()
    expect(page.get_by_role("alert")).to_contain_text(told)
    assert console.axe() == []


def test_a_long_name_leaves_the_actions_in_the_table(consoles: Consoles) -> None:
    name = "n" * 100
    long: Answer = {**key(KEYS[0]), "name": name, "tags": {"t" * 60: "v" * 60}}
    api = FakeApi(answers={"GET /v1/keys": Response({"object": "list", "data": [long]})})
    console = consoles.faked(api, "access")
    page = console.page
    action = page.get_by_role("button", name=f"Revoke {name}")
    inside = "e => e.scrollWidth - e.clientWidth"
    for width, height in (PHONE, DESKTOP):
        page.set_viewport_size({"width": width, "height": height})
        box = action.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width
        action.click()
        assert console.overflow() <= 0
        assert page.get_by_role("dialog").evaluate(inside) <= 0
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_what_a_change_leaves_without_effect_is_said_until_it_is_read(consoles: Consoles) -> None:
    told = ["The budget is refused where a model has no price.", "The cap has no effect."]
    changed: Answer = {**key(KEYS[0]), "warnings": [*told]}
    call = f"PATCH /v1/keys/{KEYS[0][0]}"
    api = FakeApi(answers={call: Response(changed)})
    console = consoles.faked(api, "access")
    page = console.page
    page.get_by_role("button", name="Change search").click()
    page.get_by_label("Requests per minute").fill("30")
    page.get_by_role("button", name="Save changes").click()
    dialog = page.get_by_role("dialog", name="search is changed, with warnings")
    for each in told:
        expect(dialog).to_contain_text(each)
    assert console.axe() == []
    assert api.bodies(call) == [{"requests_per_minute": 30}]
    dialog.get_by_role("button", name="Close", exact=True).last.click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Change search")).to_be_focused()


def test_a_key_without_tiers_is_reported_at_the_first_box_which_gets_the_focus(
    consoles: Consoles,
) -> None:
    console = consoles.faked(FakeApi(), "access")
    page = console.page
    page.get_by_role("button", name="Change search").click()
    boxes = [page.get_by_role("checkbox", name=f"Tier {tier}") for tier in (1, 2, 3)]
    for box in boxes:
        box.uncheck()
    page.get_by_role("button", name="Save changes").click()
    expect(boxes[0]).to_be_focused()
    expect(boxes[0]).to_have_attribute("aria-invalid", "true")
    expect(boxes[0]).to_have_accessible_description("Choose at least one tier.")
    expect(page.get_by_role("alert")).to_have_text("Choose at least one tier.")
    assert console.axe() == []
    boxes[1].check()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_revoked_keys_and_older_changes_are_shown_on_request(consoles: Consoles) -> None:
    gone: Answer = {**key(KEYS[2]), "name": "old-bot", "revoked_at": iso(9.0)}
    keys: Answer = {"object": "list", "data": [key(KEYS[0]), gone]}
    newest: Answer = {**audit(), "cursor": "page-2"}
    api = FakeApi(answers={"GET /v1/keys": Response(keys), "GET /v1/audit": Response(newest)})
    page = consoles.faked(api, "access").page
    row = page.get_by_role("region", name="Keys").get_by_role("row").filter(has_text="old-bot")
    expect(page.get_by_role("button", name="Change search")).to_be_visible()
    expect(row).to_have_count(0)
    page.get_by_role("button", name="Show 1 revoked key").click()
    expect(row).to_contain_text("revoked")
    expect(row.get_by_role("button")).to_have_count(0)

    trail = page.get_by_role("region", name="Audit trail")
    expect(trail.get_by_role("listitem")).to_have_count(4)
    older: Answer = {"at": iso(90.0), "subject": "key_0ld", "what": "keys", "action": "create"}
    entry: Answer = {**older, "by": "ann", "before": None, "after": None, "confirmed": False}
    api.answers["GET /v1/audit"] = Response({"object": "list", "data": [entry], "cursor": None})
    trail.get_by_role("button", name="Older changes").click()
    expect(trail.get_by_role("listitem")).to_have_count(5)
    expect(trail.get_by_role("listitem").last).to_contain_text("unconfirmed")
    expect(trail.get_by_role("button", name="Older changes")).to_have_count(0)
    assert api.queries[-1]["cursor"] == "page-2"
    trail.get_by_label("Show").select_option(label="Keys")
    expect(trail.get_by_role("listitem")).to_have_count(1)
    assert api.queries[-1]["what"] == "keys"
