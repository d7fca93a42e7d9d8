"""What a local model says of a query, in words."""

import base64
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.explain_local import contributions, local_view, strongest_for
from route_switch.domain.local_features import BUCKETS, DENSE
from route_switch.domain.local_model import LinearWeights, expect
from route_switch.domain.query import Query
from route_switch.domain.tiers import Tier
from tests.support.local_models import numbers, with_local_model

TEXTS = st.text("abcde é0?\n{}", min_size=1, max_size=80)
DENSE_WEIGHTS = st.lists(st.floats(-1, 1), min_size=len(DENSE), max_size=len(DENSE))


@given(TEXTS, st.binary(min_size=64, max_size=64), DENSE_WEIGHTS)
def test_contributions_add_up_to_what_the_model_expects(
    text: str, steps: bytes, dense: list[float]
) -> None:
    hashed = base64.b64encode(steps * (BUCKETS // 64)).decode()
    weights = LinearWeights(bias=0.1, step=0.01, hashed=hashed, dense=tuple(dense))
    model = numbers().model_copy(update={"quality": (weights, *numbers().quality[1:])})
    quality = expect(model, Query(text))[Tier.SMALL].quality
    total = 0.1 + math.fsum(value for _, value in contributions(weights, Query(text), 1000))
    assert math.log(quality / (1 - quality)) == pytest.approx(total, abs=1e-6)


@given(TEXTS)
def test_named_features_speak_for_the_tier_and_come_from_the_query(text: str) -> None:
    named = strongest_for(numbers(), Query(f"prove {text}"), Tier.LARGE, Tier.SMALL)
    assert all(weight > 0 for _, weight in named)
    words = [name.split("”")[0].removeprefix("“") for name, _ in named if name[0] == "“"]
    assert all(word.split()[0] in f"prove {text}".lower() or word[0] == "0" for word in words)


def test_no_view_without_a_local_model_that_takes_part() -> None:
    prompt, query = with_local_model(packaged_prompt()), Query("prove")
    assert local_view(prompt, "prompt", query) is None
    assert local_view(prompt.without_numbers, "hybrid", query) is None
    assert local_view(packaged_prompt(), "local", query) is None


def test_only_hybrid_asks_the_router_llm() -> None:
    prompt, query = with_local_model(packaged_prompt(), ask_below=5.0), Query("prove")
    asked = {name: local_view(prompt, name, query) for name in ("local", "hybrid")}
    assert {name: view is not None and view.asked for name, view in asked.items()} == {
        "local": False,
        "hybrid": True,
    }
