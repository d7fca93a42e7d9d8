"""A recorded request through everything in a week's run that reads it."""

import json
from pathlib import Path
from typing import get_args

from route_switch.adapters.learning.example_file import read_examples
from route_switch.adapters.learning.outcome_file import read_outcomes, serialize_outcomes
from route_switch.api.client_call import ClientCall
from route_switch.domain.learning.clients import cap_labels
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.judging import Verdict, first_order, judge_messages
from route_switch.domain.learning.merging import merge_equal
from route_switch.domain.learning.past_request import GivenFeedback, PastRequest
from route_switch.domain.learning.split import split
from route_switch.domain.learning.text_policy import (
    LearnFromText,
    as_demo,
    needs_context,
    text_for_learning,
    why_withheld,
)
from route_switch.domain.local_features import excerpts_of
from route_switch.domain.local_readings import readings_of
from route_switch.domain.needs import needs_of
from route_switch.domain.operations.deletion import DeletionNote
from route_switch.domain.query import query_of
from route_switch.domain.replay import replay_of
from route_switch.domain.request_record import Attempt, NotReplayable
from route_switch.domain.tiers import ModelCatalog, Tier, TierModels
from route_switch.domain.usage import Usage
from route_switch.services.learning.build_outcomes import BuildOutcomes
from route_switch.services.learning.cost_share import thin_costly
from tests.support.paid import FakeModel, metered

MODELS = {Tier.SMALL: "fake/small", Tier.MEDIUM: "fake/medium", Tier.LARGE: "fake/large"}
CATALOG = ModelCatalog(
    tiers={tier: TierModels(model=model) for tier, model in MODELS.items()}, router="fake/router"
)


class KindJudge:
    """Builds its prompt as a judge does, and finds every answer equivalent."""

    def __call__(self, example: Example, tier_3_answer: str, answer: str) -> Verdict:
        order = first_order(example, tier_3_answer, answer)
        json.dumps(judge_messages(example, tier_3_answer, answer, order, strict=False))
        return "equivalent"

    def check(self) -> None:
        pass


def recorded(call: ClientCall, feedback: GivenFeedback, answer: str) -> PastRequest | None:
    """Return the request as the index of a week finds it; None if it cannot be replayed."""
    query = query_of(call.messages, call.params)
    replay = replay_of(call.messages, call.params, query)
    if isinstance(replay, NotReplayable):
        return None
    kept = {"conversation": replay.conversation, "params": replay.params, "turn": replay.turn}
    stored = json.loads(json.dumps(kept))
    return PastRequest.model_validate(
        {
            "request_id": "chatcmpl-1",
            "key_id": "key_1",
            "user": call.user,
            "query_text": query.text,
            "answer_text": answer,
            "tier": Tier.SMALL,
            "model": "fake/small",
            "attempts": [Attempt("fake/small", Tier.SMALL, "answered", 1.0, Usage(1, 1), 0.1)],
            "feedback": feedback,
            **stored,
        }
    )


def read_by_the_week(request: PastRequest, folder: Path) -> list[Example]:
    """Return the rows of the outcome table. Anything that cannot be read raises an error."""
    row = request.as_example(CATALOG, weight=2.0, train_only=False)
    file = folder / "examples.jsonl"
    file.write_text(f"{row.model_dump_json(exclude_defaults=True)}\n", "utf-8")
    [example] = read_examples(file)
    assert example == row
    _read_as_text(example)
    kept, _ = thin_costly(cap_labels(merge_equal([example, example]))[0])
    split(kept)
    DeletionNote.from_request(
        request.request_id, request.query_text, request.conversation, request.params, request.turn
    )
    build = BuildOutcomes(metered(FakeModel(), cap_usd=1e9), KindJudge(), threads=1)
    build.missing(kept, MODELS)
    table = build(kept, MODELS, {}).table
    outcomes = folder / "outcomes.jsonl.gz"
    outcomes.write_bytes(serialize_outcomes(table))
    read_outcomes(outcomes, table.examples, {})
    return list(table.examples)


def _read_as_text(example: Example) -> None:
    query = example.as_query
    json.dumps(query.for_router(1000))
    excerpts_of(query)
    readings_of(query)
    needs_context(example)
    needs_of(example.messages, example.params)
    for policy in get_args(LearnFromText):
        why_withheld(example, policy)
        as_demo(query, text_for_learning(example, policy) or "").encode()
    assert example.template_key
