"""A damaged document is refused with an explanation or read as a whole one, and never goes live."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from route_switch.domain.errors import PromptError
from route_switch.domain.prompt_document import parse_prompt, readable_prompt, to_json
from route_switch.services.refreshed_value import REFRESH_AFTER_S
from tests.support.attacks.corruption import STORED, damaged, try_damage
from tests.unit.test_live_prompt import GOOD, FakeStore, Served
from tests.unit.test_publish_prompt import FakePrompts, candidate, current, publisher

N = 70


@pytest.mark.parametrize("name", STORED)
def test_a_damaged_document_is_refused_or_read_and_breaks_nothing(
    name: str, tmp_path: Path
) -> None:
    found = try_damage(name, N, tmp_path)
    assert found.broken == ()
    assert found.refused + found.read == N


def test_a_damaged_candidate_never_goes_live_as_another_prompt() -> None:
    whole = candidate()
    for _, _, content in damaged(to_json(whole).encode(), 150):
        prompts = FakePrompts(GOOD)
        try:
            publisher(prompts).promote(content.decode("utf-8", "replace"), current)
        except PromptError:
            assert prompts.documents == [GOOD]
        else:
            assert parse_prompt(prompts.documents[-1]).version == whole.version


def test_while_the_live_prompt_is_damaged_the_last_good_one_is_served() -> None:
    with ThreadPoolExecutor(1) as pool:
        for _, _, content in damaged(to_json(candidate()).encode(), 100):
            document = content.decode("utf-8", "replace")
            served = Served(FakeStore(GOOD), pool)
            served.request()
            served.store.put_live(document)
            served.request(REFRESH_AFTER_S)
            is_whole = readable_prompt(document) is not None
            assert served.live.current().version == ("live@2" if is_whole else "live@1")
            assert served.live.current().healthy is is_whole
