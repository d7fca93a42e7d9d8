"""Learning reads all that the API accepts: from the body to a row of the outcome table."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from route_switch.api.feedback_request import parse_feedback
from route_switch.api.protocols.chat_completions.chat_request import parse_chat_request
from route_switch.api.request_shape import MAX_DEPTH, MAX_FIELDS, MAX_NAME_LENGTH
from route_switch.domain.errors import RequestRefusedError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.judging import Verdict
from route_switch.domain.learning.past_request import PastRequest
from route_switch.domain.query import query_of
from route_switch.domain.replay import replay_of
from route_switch.domain.request_record import Attempt, NotReplayable
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels
from route_switch.domain.usage import Usage
from route_switch.services.learning.build_outcomes import BuildOutcomes
from tests.support.paid import FakeModel, metered

MODELS = {Tier.SMALL: "fake/small", Tier.MEDIUM: "fake/medium", Tier.LARGE: "fake/large"}
CATALOG = ModelCatalog(
    tiers={tier: TierModels(model=model) for tier, model in MODELS.items()}, router="fake/router"
)


def nested(depth: int, as_list: bool = False) -> Any:  # JSON of any depth
    value: Any = "end"
    for _ in range(depth):
        value = [value] if as_list else {"name": value}
    return value


class KindJudge:
    """Finds every answer equivalent."""

    def __call__(self, example: Example, tier_3_answer: str, answer: str) -> Verdict:
        return "equivalent"

    def check(self) -> None:
        pass


def accepted(body: dict[str, object]) -> dict[str, Any] | None:
    """Return the request as the handler passes it on, or None if it is refused."""
    try:
        return parse_chat_request(json.dumps(body).encode()).content
    except RequestRefusedError:
        return None


def learned(content: dict[str, Any], feedback: dict[str, object]) -> list[Example]:
    """Record the request, collect it, and build its outcomes, as the weekly run does."""
    params = {name: value for name, value in content.items() if name not in ("messages", "model")}
    messages = content["messages"]
    replay = replay_of(messages, params, query_of(messages, params))
    if isinstance(replay, NotReplayable):
        return []
    stored = json.dumps({"conversation": replay.conversation, "params": replay.params})
    record = {
        "request_id": "chatcmpl-1",
        "key_id": "key_1",
        "user": content.get("user"),
        "query_text": query_of(messages, params).text,
        "answer_text": "Hi.",
        "tier": Tier.SMALL,
        "model": "fake/small",
        "attempts": [Attempt("fake/small", Tier.SMALL, "answered", 1.0, Usage(1, 1), 0.1)],
        "feedback": feedback,
    }
    request = PastRequest.model_validate({**record, **json.loads(stored)})
    row = request.as_example(CATALOG, weight=1.0, train_only=False)
    read = Example.model_validate_json(row.model_dump_json(exclude_defaults=True))
    assert read == row
    build = BuildOutcomes(metered(FakeModel()), KindJudge(), threads=1)
    return list(build([read], MODELS, {}).table.examples)


names = st.text(max_size=20) | st.sampled_from(["a" * 300, "\x00", "\u2028", "{{", "id", "x\ny"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=10,
) | st.builds(nested, st.integers(1, 300), st.booleans())
unknown = st.dictionaries(names, values, max_size=4)


@given(unknown, unknown, st.text(min_size=1, max_size=40), st.text(max_size=20))
@example({"x": nested(MAX_DEPTH)}, {}, "q", "")
@example({}, {"x": nested(MAX_DEPTH - 2, as_list=True)}, "q", "")
@example({"x": 10**4000, "y": -0.0}, {}, "q", "\x00")
def test_every_accepted_request_becomes_a_row_of_the_outcome_table(
    fields: dict[str, object], in_message: dict[str, object], query: str, earlier: str
) -> None:
    first = {**in_message, "role": "system", "content": earlier}
    body = {**fields, "messages": [first, {"role": "user", "content": query}]}
    content = accepted(body)
    if content is not None:
        assert bool(learned(content, {})) == bool(query.strip())


@given(st.text(min_size=1, max_size=50), st.sampled_from(["up", "down"]))
def test_all_accepted_feedback_is_read(gold: str, thumb: str) -> None:
    body = {"request_id": "chatcmpl-1", "thumb": thumb, "gold": gold, "comment": gold}
    said = parse_feedback(json.dumps(body).encode()).feedback
    stored = json.loads(said.model_dump_json(exclude_none=True))
    assert learned({"messages": [{"role": "user", "content": "Why?"}]}, stored)


def refusal(**fields: object) -> RequestRefusedError:
    body = {"messages": [{"role": "user", "content": "hello"}], **fields}
    with pytest.raises(RequestRefusedError) as refused:
        parse_chat_request(json.dumps(body).encode())
    assert refused.value.status == 400
    return refused.value


def test_the_refusal_names_the_field_and_the_limit_but_nothing_inside() -> None:
    deep = refusal(x={"secret": nested(MAX_DEPTH)})
    assert str(deep) == "'x' is nested more than 100 levels deep. Send a flatter value."
    assert deep.param == "x"
    long = refusal(metadata={"secret" * 100: 1})
    assert "'metadata' has 600 characters, but the limit is 256" in str(long)
    many = refusal(**{f"x{n}": 1 for n in range(MAX_FIELDS)})
    assert "has 201 fields, but the limit is 200" in str(many)
    assert "secret" not in f"{deep} {long} {many}"


def test_a_request_at_its_limits_is_accepted() -> None:
    fields = {"n" * MAX_NAME_LENGTH: nested(MAX_DEPTH - 1), "y": nested(MAX_DEPTH - 1, True)}
    assert accepted({"messages": [{"role": "user", "content": "hello"}], **fields}) is not None
