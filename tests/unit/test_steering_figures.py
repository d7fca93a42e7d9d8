"""A prompt's steering score survives its provenance, and an edited one is ignored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.prompt_document import parse_prompt, to_json, to_markdown
from route_switch.domain.prompts.steering_figures import (
    MovedFigures,
    SteeringFigures,
    as_provenance,
    in_words,
    steering_of,
)
from route_switch.domain.routing_prompt import RoutingPrompt

LIVE = packaged_prompt()
ROUTER = "bedrock/us.amazon.nova-micro-v1:0"


def moved() -> st.SearchStrategy[MovedFigures | None]:
    shares = st.integers(0, 10_000).map(lambda tenths: tenths / 10_000)
    return st.none() | st.builds(
        MovedFigures,
        mean=shares,
        worst=st.from_regex(r"[a-z0-9:/-]{1,20}", fullmatch=True),
        moved=st.integers(0, 60),
        n=st.integers(60, 90),
    )


FIGURES = st.builds(
    SteeringFigures,
    prompt=st.just(LIVE.version),
    router=st.sampled_from([ROUTER, "none"]),
    texts=st.integers(1, 999),
    strings=st.just("f04f46ab3764"),
    up=moved(),
    down=moved(),
    control=st.none() | st.just(0.0278),
)


def carrying(figures: SteeringFigures) -> RoutingPrompt:
    scope = {"content": LIVE.version, "router": ROUTER}
    return LIVE.model_copy(update={"provenance": {**scope, **as_provenance(figures)}})


@given(FIGURES)
def test_a_score_is_read_back_from_markdown_and_json(figures: SteeringFigures) -> None:
    prompt = carrying(figures)
    for document in (to_markdown(prompt), to_json(prompt)):
        assert steering_of(parse_prompt(document)) == figures


@given(FIGURES)
def test_a_score_takes_little_room_in_a_prompt(figures: SteeringFigures) -> None:
    [text] = as_provenance(figures).values()
    assert len(str(text)) < 130


@pytest.mark.parametrize(
    "said",
    [
        "- many x 0.1:2/12:up-1 - 0.5",
        "- 9 x 0.1 - 0.5",
        "- 9 x 7:2/12:up-1 - 0.5",
        "- 9 x 0.1:2/12:up-1 - much",
        "- 9",
        "",
    ],
)
def test_an_edited_score_does_not_count(said: str) -> None:
    def read(text: str, content: str = LIVE.version) -> SteeringFigures | None:
        provenance = {"content": content, "steering": text}
        return steering_of(LIVE.model_copy(update={"provenance": provenance}))

    whole = "- 9 x 0.1:2/12:up-1 - 0.5"
    assert read(whole) is not None
    assert read(whole, "178afca73c21") is None
    assert read(said) is None


def test_a_score_of_a_local_model_names_no_router() -> None:
    figures = SteeringFigures(
        prompt=LIVE.version,
        router="none",
        texts=9,
        strings="x",
        up=None,
        down=None,
        control=None,
        measured="2026-11-30",
    )
    assert in_words(figures) == (
        "Texts around a query: no query could be moved to a larger model, and no query could be "
        "moved to a smaller model.",
        "Measured with its local model and 9 texts (set x) on 2026-11-30.",
    )
