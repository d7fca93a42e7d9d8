"""A prompt gets the numbers of its local model as it is served."""

import pytest

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.errors import LocalModelError, StoreError
from route_switch.domain.local_model import LocalNumbers
from route_switch.services.prompts.stored_numbers import with_stored_numbers
from tests.support.local_models import MemoryModels, numbers, with_local_model

PROMPT = with_local_model(packaged_prompt())


class BrokenModels(MemoryModels):
    def get(self, sha256: str) -> LocalNumbers | None:
        raise LocalModelError("They are broken.")


def test_stored_numbers_are_added() -> None:
    assert with_stored_numbers(PROMPT.without_numbers, MemoryModels(numbers())) == PROMPT


def test_nothing_is_read_for_a_prompt_that_has_its_numbers_or_needs_none() -> None:
    models = MemoryModels()
    for prompt in (PROMPT, packaged_prompt()):
        assert with_stored_numbers(prompt, models) is prompt
    assert models.reads == []


@pytest.mark.parametrize("models", [MemoryModels(), BrokenModels()])
def test_missing_and_broken_numbers_leave_the_prompt_to_the_router_llm(
    models: MemoryModels,
) -> None:
    assert with_stored_numbers(PROMPT.without_numbers, models) == PROMPT.without_numbers


def test_an_outage_is_not_a_reason_to_measure_another_strategy() -> None:
    models = MemoryModels(numbers())
    models.outage = True
    with pytest.raises(StoreError):
        with_stored_numbers(PROMPT.without_numbers, models)
