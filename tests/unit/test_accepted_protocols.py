"""Every step of a week can read everything that any protocol of the API accepts."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.api.feedback_request import parse_feedback
from route_switch.api.protocols.protocol import ClientProtocol
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.learning.past_request import GivenFeedback
from tests.support.attacks.accepted_bodies import BODIES, accepted, texts
from tests.support.attacks.week_reads import read_by_the_week, recorded

feedback = st.builds(
    lambda adequate, gold: GivenFeedback(adequate=adequate, gold=gold or None),
    st.none() | st.booleans(),
    texts.filter(str.isprintable),
)


@pytest.mark.parametrize(("protocol", "bodies"), BODIES, ids=[p.path for p, _ in BODIES])
def test_every_step_of_a_week_reads_every_accepted_request(
    protocol: ClientProtocol, bodies: st.SearchStrategy[Any], tmp_path_factory: Any
) -> None:
    folder: Path = tmp_path_factory.mktemp("week")
    seen = Counter[str]()

    @given(bodies, feedback, texts.filter(str.isprintable))
    def check(body: Any, said: GivenFeedback, answer: str) -> None:
        call = accepted(protocol, body)
        request = None if call is None else recorded(call, said, answer)
        seen["refused" if call is None else "not replayed" if request is None else "read"] += 1
        if request is not None:
            read_by_the_week(request, folder)

    check()
    assert seen["read"] >= 0.2 * seen.total(), seen


@given(st.dictionaries(st.sampled_from(["thumb", "score", "gold", "comment"]), texts | st.floats()))
def test_feedback_of_any_shape_is_refused_or_readable(said: dict[str, object]) -> None:
    try:
        found = parse_feedback(json.dumps({"request_id": "chatcmpl-1", **said}).encode()).feedback
    except RequestRefusedError:
        return
    assert GivenFeedback.model_validate_json(found.model_dump_json()) == found
