"""A candidate is compared with the prompt that texts around a query moved least."""

from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.prompts.steering_figures import (
    MovedFigures,
    SteeringFigures,
    as_provenance,
)
from route_switch.domain.prompts.verdict_scope import CONTENT
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.services.learning.least_steered import VERSIONS, least_steered
from tests.support.searching import INCUMBENT
from tests.unit.test_publish_prompt import FakePrompts

ROUTER = "fake/router"


def scored(name: str, up: float, down: float | None, router: str = ROUTER) -> RoutingPrompt:
    prompt = INCUMBENT.model_copy(update={"instruction": f"{INCUMBENT.instruction}\n- {name}"})
    ways = [
        None if each is None else MovedFigures(mean=each, worst="a", moved=1, n=8)
        for each in (up, down)
    ]
    figures = SteeringFigures(
        prompt=prompt.version,
        router=router,
        texts=7,
        strings="f04f46ab3764",
        up=ways[0],
        down=ways[1],
        control=None,
    )
    provenance = {CONTENT: prompt.version, "router": router, **as_provenance(figures)}
    return prompt.model_copy(update={"provenance": provenance})


def found(*prompts: RoutingPrompt | str) -> RoutingPrompt | None:
    """Return the least steered one of the versions before the last one."""
    store = FakePrompts(*(each if isinstance(each, str) else to_markdown(each) for each in prompts))
    live = store.read_live()
    assert live is not None
    return least_steered(store, live, ROUTER)


def test_it_has_the_lowest_shares_of_both_directions_together() -> None:
    best = scored("b", 0.1, 0.1)
    chosen = found(scored("a", 0.0, 0.3), best, scored("c", 0.2, 0.1), scored("live", 0.3, 0.3))
    assert chosen is not None
    assert chosen.version == best.version


def test_the_live_version_broken_ones_and_those_without_a_score_are_left_out() -> None:
    assert found(INCUMBENT, "broken", scored("live", 0.0, 0.0)) is None
    edited = scored("a", 0.0, 0.0).model_copy(update={"instruction": INCUMBENT.instruction})
    assert found(edited, INCUMBENT) is None


def test_a_score_with_another_router_model_does_not_count() -> None:
    assert found(scored("a", 0.0, 0.0, "other/router"), INCUMBENT) is None
    assert found(scored("a", 0.0, None, "none"), INCUMBENT) is not None


def test_only_the_last_versions_count() -> None:
    old, newer = scored("old", 0.0, 0.0), scored("newer", 0.2, 0.2)
    versions = [old, *[newer] * VERSIONS, INCUMBENT]
    chosen = found(*versions)
    assert chosen is not None
    assert chosen.version == newer.version
    assert found(*versions[:-2], INCUMBENT) == old
