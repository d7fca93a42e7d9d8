"""A search does not evaluate a prompt that the steering constraint refuses."""

from collections import Counter

import pytest

from route_switch.domain.errors import ProviderDownError, RouteSwitchError
from route_switch.domain.learning.learning_config import OptimizerName
from route_switch.domain.routing_prompt import RoutingPrompt
from tests.support.searching import INCUMBENT, Models, run, search_of

REASON = "easier to steer"


def refuses_proposals(prompt: RoutingPrompt) -> str | None:
    return REASON if "proposal" in prompt.instruction else None


@pytest.mark.parametrize("optimizer", ["mipro", "gepa"])
def test_a_refused_prompt_is_never_sent_to_the_router(optimizer: OptimizerName) -> None:
    models = Models()
    found = run(search_of(models, optimizer=optimizer, why_steered=refuses_proposals))
    assert found.rejected[REASON] > 0
    assert {trial.prompt.instruction for trial in found.trials} == {INCUMBENT.instruction}
    assert all("proposal" not in str(call.messages[0]) for call in models.routed)


def test_a_prompt_is_counted_once_however_often_it_is_proposed() -> None:
    refused: Counter[str] = Counter()

    def why(prompt: RoutingPrompt) -> str | None:
        reason = refuses_proposals(prompt)
        if reason is not None:
            refused[prompt.version] += 1
        return reason

    found = run(search_of(Models(), why_steered=why))
    assert found.rejected[REASON] == len(refused)


def test_demos_are_drawn_although_prompts_without_demos_are_refused() -> None:
    def why(prompt: RoutingPrompt) -> str | None:
        return None if prompt.demos else REASON

    found = run(search_of(Models(), why_steered=why))
    assert any(trial.prompt.demos not in ((), INCUMBENT.demos) for trial in found.trials)
    assert all(trial.prompt.demos for trial in found.trials)


def test_a_stop_while_a_prompt_is_tried_stops_the_search() -> None:
    def why(prompt: RoutingPrompt) -> str | None:
        if prompt.instruction != INCUMBENT.instruction:
            raise ProviderDownError("down")
        return None

    search = search_of(Models(), why_steered=why)
    with pytest.raises(ProviderDownError):
        run(search)
    assert search.trials


def test_a_defect_while_a_prompt_is_tried_fails_the_run() -> None:
    def why(_: RoutingPrompt) -> str | None:
        raise ValueError("a defect")

    with pytest.raises(RouteSwitchError, match="a defect"):
        run(search_of(Models(), why_steered=why))
