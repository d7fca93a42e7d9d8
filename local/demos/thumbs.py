"""Thumbs up and down, given as a simulated person would: no person sits at a local stack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from local.aws.client import StackInfo
from local.demos.traffic import SLOWEST_ANSWER_S, Sent
from route_switch.domain.learning.grading import grade
from route_switch_offline import SampleRow

EVERY = 3
"""Every third request gets one. Answers of Tier 3 and those that are the same as Tier 3's say
nothing about a judge: of 550 requests 70 thumbs are left, and 50 are needed."""


@dataclass(frozen=True, slots=True)
class Thumbs:
    up: int
    down: int


def give_thumbs(stack: StackInfo, sent: Sequence[Sent], rows: Mapping[str, SampleRow]) -> Thumbs:
    """Rates the answers to every third query, whatever they are. `rows` are the queries' own."""
    given = []
    bearer = {"authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.endpoint, headers=bearer, timeout=SLOWEST_ANSWER_S) as http:
        for each in sent[::EVERY]:
            adequate = thumb(rows[each.query], each)
            if adequate is not None:
                said = {"request_id": each.body["id"], "thumb": "up" if adequate else "down"}
                http.post("/v1/feedback", json=said).raise_for_status()
                given.append(adequate)
    return Thumbs(up=sum(given), down=len(given) - sum(given))


def thumb(row: SampleRow, sent: Sent) -> bool | None:
    """Whether the answer passes the test that its source, or else its gold answer, is; None where
    neither tells, or nothing was answered. As a person, it sees this one answer only: it does not
    know whether Tier 3 would have done better."""
    if not sent.answered:
        return None
    tests = {str(name): recorded.score for name, recorded in row.models.items()}
    score = tests.get(sent.headers["x-route-model"])
    if score is None:
        score = grade(sent.text, row.gold)
    return None if score is None else score >= 0.5
