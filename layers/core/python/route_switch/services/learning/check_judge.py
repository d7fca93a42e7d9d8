"""Whether the judge can be trusted: by all labels, and by those without any one client's."""

from route_switch.domain.learning.calibration import Agreement, why_uncalibrated
from route_switch.domain.learning.clients import in_turns, labelers, without_labels_of
from route_switch.domain.learning.outcome import OutcomeTable
from route_switch.services.learning.calibrate_judge import calibrate_judge
from route_switch.services.learning.judge_answers import JudgeAnswers
from route_switch.services.learning.paid_calls import PaidCalls

MAX_LABELERS = 20
"""The clients with the most labels, whose labels are left out in turn."""


def check_judge(
    judge: JudgeAnswers, calls: PaidCalls, table: OutcomeTable, threads: int, floor: float
) -> tuple[Agreement, str | None]:
    """Return the judge's agreement with labels, and why a person has to approve what rests on it.

    Clients take turns, so that a few labels of each count before many of one. Measuring again
    without one client's labels asks for replies that are known by then and cost nothing.
    """
    agreement = calibrate_judge(judge, calls, in_turns(table), threads)
    why = why_uncalibrated(agreement, floor)
    if why is not None:
        return agreement, why
    for client in labelers(table)[:MAX_LABELERS]:
        rest = calibrate_judge(judge, calls, in_turns(without_labels_of(table, client)), threads)
        why = why_uncalibrated(rest, floor)
        if why is not None:
            return agreement, f"without the labels of client {client}, {why}"
    return agreement, None
