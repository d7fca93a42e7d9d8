"""Arguments in pieces are whole if, and only if, they are a JSON object."""

import itertools
import json

from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.call_arguments import CallArguments
from route_switch.domain.json_values import InvalidJsonError, parse_json

VALUES = st.recursive(
    st.none() | st.integers(-9, 9) | st.text(max_size=4) | st.sampled_from(['"}', "\\", '\\"{']),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=4,
)
OBJECTS = st.dictionaries(st.text(max_size=3), VALUES, max_size=3).map(json.dumps)
MARKS = st.text(st.sampled_from('{}[]"\\ \n:,1a'), max_size=12)
TEXTS = OBJECTS | MARKS | VALUES.map(json.dumps) | st.tuples(OBJECTS, MARKS).map("".join)


def is_object(text: str) -> bool:
    try:
        return isinstance(parse_json(text), dict)
    except InvalidJsonError:
        return False


@given(TEXTS, st.lists(st.integers(0, 40), max_size=5))
def test_arguments_are_whole_if_they_are_an_object(text: str, cuts: list[int]) -> None:
    arguments, said = CallArguments(), ""
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    for start, end in itertools.pairwise(places):
        arguments.add(text[start:end])
        said += text[start:end]
        assert arguments.text == said
        assert arguments.is_whole == is_object(said)


def test_no_arguments_are_not_whole() -> None:
    assert not CallArguments().is_whole
