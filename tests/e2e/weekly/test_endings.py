"""The weekly workflow on the local stack: outcomes of runs, and the live prompt after each."""

import json

from local.aws.client import STACK_NAME
from route_switch.domain.prompt_document import parse_prompt
from tests.support.definitions import state_machine
from tests.support.scripted_models import CRITERION, Models, numbers, recorded
from tests.support.weekly import Weekly

ENOUGH = numbers(train=20, validation=16, heldout=53)


def test_a_better_prompt_goes_live_and_is_announced_once_even_if_the_event_arrives_three_times(
    weekly: Weekly, models: Models
) -> None:
    before, _ = weekly.live
    weekly.seed([recorded(number) for number in ENOUGH])
    time = weekly.next_time()
    first = weekly.start(time)
    second = weekly.ended(weekly.start(time))
    assert second.outcome == "duplicate"
    assert second.states == ["Claim", "Claimed?", "Duplicate"]
    ended = weekly.ended(first)
    assert (ended.status, ended.outcome) == ("SUCCEEDED", "promoted")
    assert weekly.run(time).outcome == "duplicate"
    version, document = weekly.live
    assert version == before + 1
    assert CRITERION in document
    assert parse_prompt(document).provenance["verdict"] == "better"
    (told,) = weekly.notifications()
    assert f"live as version {version}" in told["Message"]
    assert models.asked_again == 0


def test_too_few_examples_are_reported_and_cost_nothing(weekly: Weekly, models: Models) -> None:
    before = weekly.live
    weekly.seed([recorded(number) for number in range(39)])
    ended = weekly.run()
    assert ended.outcome == "too few examples"
    assert weekly.live == before
    (told,) = weekly.notifications()
    assert "There are 39 examples, but 40 are needed" in told["Message"]
    assert models.calls.total() == 0


def test_the_executed_definition_equals_the_templates(weekly: Weekly) -> None:
    """The local stack corrects moto where it differs from AWS, and never changes the definition."""
    template = json.loads((weekly.assembly / f"{STACK_NAME}.template.json").read_text("utf-8"))
    wanted = state_machine(template, weekly.stack)
    executed = weekly.client("stepfunctions").describe_state_machine(
        stateMachineArn=weekly.stack.state_machine
    )
    assert executed["definition"] == wanted.definition
    assert executed["roleArn"] == wanted.role_arn
