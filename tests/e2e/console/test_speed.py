"""How fast the console of a stage is, and how much it loads, with nothing cached."""

from tests.support.browser import expect
from tests.support.console_figures import best_of, keep_figure
from tests.support.console_world import ConsoleWorld
from tests.support.consoles import Consoles

MOST_BYTES = 250_000
FIRST_PAINT_MS = 1000
FIRST_PAINT = """
new Promise(done => new PerformanceObserver(list =>
    list.getEntriesByName("first-contentful-paint").forEach(each => done(each.startTime))
).observe({ type: "paint", buffered: true }))
"""
RECEIVED = """
performance.getEntries().filter(each => each.transferSize !== undefined)
    .reduce((sum, each) => sum + each.transferSize, 0)
"""


def test_the_first_paint_takes_less_than_a_second(consoles: Consoles) -> None:
    def first_paint() -> float:
        page = consoles.open(context=consoles.fresh()).page
        page.goto(f"{consoles.endpoint}/console")
        expect(page.get_by_label("API key")).to_be_visible()
        return float(page.evaluate(FIRST_PAINT))

    best = best_of(first_paint, FIRST_PAINT_MS)
    keep_figure("first paint, ms", best)
    assert best < FIRST_PAINT_MS


def test_all_views_together_load_less_than_250_kb(consoles: Consoles, world: ConsoleWorld) -> None:
    console = consoles.open(context=consoles.fresh())
    consoles.enter(console, world.stack.admin_key)
    page = console.page
    expect(page.get_by_role("navigation")).to_be_visible()
    for link in page.get_by_role("navigation").get_by_role("link").all():
        link.click()
        expect(page.get_by_role("heading", level=1)).to_have_text(link.inner_text())
    received = page.evaluate(RECEIVED)
    keep_figure("all views, bytes received", received)
    assert 0 < received < MOST_BYTES
