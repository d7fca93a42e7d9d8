"""What the views show after an action, on made-up answers: for tests of each state, and for the
pictures of docs/console.md."""

from collections.abc import Callable, Mapping

from tests.support.browser import Page, expect
from tests.support.console_answers import KEYS, MODELS, WAITING, Answer, key, learned, preview
from tests.support.console_decisions import QUERY, route
from tests.support.fake_api import FakeApi, Response, Streamed

COMPLETIONS = "POST /v1/chat/completions"
SAID = {
    "tier-1": "A gift from a relative is usually not income, so no tax is due on it. Please check "
    "the rules where you live.",
    "tier-3": "It depends on the country. In Switzerland the cantons tax gifts: in Zurich, a gift "
    "of an aunt above CHF 15,000 is taxed at 2% to 6%, times three for nephews and nieces.",
}
EDIT = ("prices or return policies of the shop", "prices, returns or gift cards of the shop")
USD = {"tier-1": 0.000021, "tier-3": 0.000912}


def api_of_states() -> FakeApi:
    """An API that has an answer to each action below."""
    made: Answer = {**key(KEYS[0]), "key": "rs-4f1d09b27c", "name": "checkout", "warnings": []}
    return FakeApi(
        answers={
            "POST /v1/route": Response(route()),
            COMPLETIONS: lambda body: answer_of(str(body["model"])),
            "POST /v1/prompt/preview": Response(preview()),
            "POST /v1/keys": Response(made, 201),
        }
    )


def answer_of(model: str) -> Streamed:
    """A whole answer of this tier."""
    tier = model.removeprefix("tier-")
    answer = Streamed(
        {
            "x-request-id": f"req-of-tier-{tier}",
            "x-route-tier": tier,
            "x-route-reason": "override",
            "x-route-model": MODELS[int(tier) - 1],
        }
    )
    answer.say(SAID[model])
    answer.end(cost_usd=USD[model], saved_usd=USD["tier-3"] - USD[model])
    return answer


def nothing(page: Page) -> None:
    expect(page.get_by_role("main")).not_to_contain_text("Loading")


def decided(page: Page) -> None:
    page.get_by_label("Text of message 1").fill(QUERY.text)
    page.get_by_role("button", name="Decide only").click()
    expect(page.get_by_role("article", name="Decision")).to_be_visible()


def answered_twice(page: Page) -> None:
    page.get_by_label("Text of message 1").fill(QUERY.text)
    page.get_by_role("button", name="Compare").click()
    for tier in (1, 3):
        run = page.get_by_role("article", name=f"Run: Tier {tier}")
        expect(run.get_by_role("button", name="Copy answer")).to_be_visible()


def pasting(page: Page) -> None:
    page.get_by_role("button", name="Paste…").click()
    dialog = page.get_by_role("dialog", name="Paste a conversation")
    dialog.get_by_label("Conversation", exact=True).fill('[{"role": "user", "content": "Hello"}]')


def recorded(page: Page) -> None:
    page.locator("tr[data-row]").filter(has_text="Tier 2").first.click()
    expect(page.get_by_role("dialog", name="Request")).to_contain_text("Routing headers")


def previewed(page: Page) -> None:
    page.get_by_role("radio", name="Edit").check()
    page.get_by_label("Routing prompt").fill(learned().replace(*EDIT))
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("region", name="Preview")).to_contain_text("Would move")


def listed(page: Page) -> None:
    page.get_by_role("radio", name="Versions").check()
    expect(page.get_by_role("button", name="Roll back to version 2")).to_be_visible()


def judged(page: Page) -> None:
    page.get_by_role("link", name=WAITING).click()
    panel = page.get_by_role("dialog", name=f"Run {WAITING}")
    expect(panel).to_contain_text("added.")  # what it loads last


def key_form(page: Page) -> None:
    page.get_by_role("button", name="Create a key…").click()
    page.get_by_label("Name").fill("checkout")


def key_made(page: Page) -> None:
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_role("dialog", name="The secret of checkout")).to_be_visible()


STATES: Mapping[str, Mapping[str, Callable[[Page], None]]] = {
    "overview": {"": nothing},
    "playground": {
        "": nothing,
        "decision": decided,
        "comparison": answered_twice,
        "paste": pasting,
    },
    "decisions": {"": nothing, "record": recorded},
    "prompt": {"": nothing, "preview": previewed, "versions": listed},
    "learning": {"": nothing, "run": judged},
    "access": {"": nothing, "form": key_form, "secret": key_made},
}
"""By view, in an order in which one page can show them all."""
