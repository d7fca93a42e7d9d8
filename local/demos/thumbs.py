"""Give thumbs up and down in place of people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from local.aws.client import StackInfo
from local.demos.traffic import SLOWEST_ANSWER_S, Exchange
from route_switch.domain.learning.grading import grade
from route_switch_offline import SampleRow

EVERY = 3
"""Every third request gets a thumb. Thumbs for Tier 3's answers, or for answers equal to them, do
not calibrate a judge: of 550 requests, about 90 thumbs remain, and 50 are needed."""


@dataclass(frozen=True, slots=True)
class Thumbs:
    up: int
    down: int


def give_thumbs(
    stack: StackInfo, sent: Sequence[Exchange], rows: Mapping[str, SampleRow]
) -> Thumbs:
    """Rate the answers to every third query. `rows` has the sample's row for each query."""
    given = []
    bearer = {"authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.endpoint, headers=bearer, timeout=SLOWEST_ANSWER_S) as http:
        for each in sent[::EVERY]:
            adequate = rate_answer(rows[each.query], each)
            if adequate is not None:
                said = {"request_id": each.body["id"], "thumb": "up" if adequate else "down"}
                http.post("/v1/feedback", json=said).raise_for_status()
                given.append(adequate)
    return Thumbs(up=sum(given), down=len(given) - sum(given))


def rate_answer(row: SampleRow, sent: Exchange) -> bool | None:
    """Whether the answer is good, by its recorded score (at least 0.5) or else by the gold answer.

    None if there is neither, or no answer. Like a person, this sees only this answer and cannot
    compare it with Tier 3's.
    """
    if not sent.answered:
        return None
    tests = {str(name): recorded.score for name, recorded in row.models.items()}
    score = tests.get(sent.headers["x-route-model"])
    if score is None and row.gold is not None:
        score = grade(sent.text, row.gold)
    return None if score is None else score >= 0.5
