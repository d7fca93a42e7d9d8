"""Budgets of keys after functions that were killed anywhere."""

from dataclasses import dataclass

from moto import mock_aws

from tests.integration.conftest import create_results_table
from tests.reliability.section import MOST_DIFFERENCE_USD, Aim, Section
from tests.support.accounts import aws_client
from tests.support.budget_simulation import run

STAGES, HOURS, PER_HOUR = 20, 6, 25


@dataclass(frozen=True, slots=True)
class Measured:
    requests: int
    killed: int
    due_usd: float
    taken_usd: float
    open_usd: float


def measure() -> Section:
    found = [one_stage(seed) for seed in range(STAGES)]
    largest = max(abs(each.taken_usd - each.due_usd) for each in found)
    still_open = sum(each.open_usd for each in found)
    return Section(
        name="budgets",
        title="Budgets after kills",
        promise="What a killed function left reserved in a key's budget is settled within two "
        "hours, for what its request has cost.",
        method=f"{STAGES} stages of {HOURS * PER_HOUR} requests each in {HOURS} simulated hours, "
        "against an emulated DynamoDB. About 40% of the functions are killed: after the "
        "reservation, after the metrics' lines, between settlement and record or the reverse, or "
        "their records are queued. The hourly check runs beside the requests "
        "(`tests/support/budget_simulation.py`).",
        columns=("what", "result"),
        rows=(
            ("requests, killed or queued", f"{_sum(found, 'requests')}, {_sum(found, 'killed')}"),
            ("due", f"{sum(each.due_usd for each in found):.6f} USD"),
            ("charged in the end", f"{sum(each.taken_usd for each in found):.6f} USD"),
            ("largest difference of a stage", f"{largest:.9f} USD"),
            ("still reserved", f"{still_open:.9f} USD"),
        ),
        notes=(
            "Due is the cost of each request whose answer was known, and of the others the most "
            "that they may have cost, as the log announced it: a provider may have charged them.",
            "The monitor settles an hour once it is over for an hour, and reads the router's log "
            "only where a reservation is left.",
        ),
        aims=(
            Aim(
                "each stage charges what is due",
                f"at most {largest:.9f} USD apart",
                largest <= MOST_DIFFERENCE_USD,
            ),
            Aim(
                "nothing stays reserved",
                f"{still_open:.9f} USD",
                still_open <= MOST_DIFFERENCE_USD,
            ),
        ),
    )


def one_stage(seed: int) -> Measured:
    with mock_aws():
        create_results_table(aws_client("dynamodb"))
        done = run(seed, HOURS, PER_HOUR)
        requests = HOURS * PER_HOUR
        return Measured(requests, done.killed, done.due_usd, done.taken_usd, done.open_usd)


def _sum(found: list[Measured], name: str) -> int:
    return sum(int(getattr(each, name)) for each in found)
