"""On the local stack, a promoted prompt with lower ratings is rolled back automatically."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest

from local.aws.schedule import SCHEDULED_TIME
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.adapters.prompts.dynamodb_quality import DynamoDbQuality
from route_switch.domain.prompt_document import to_json, to_markdown
from route_switch.domain.prompts.quality_drop import Scores
from route_switch.domain.prompts.verdict_scope import stage_scope
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.wiring.learning import parse_learning_settings
from tests.e2e.conftest import client_of
from tests.support.scripted_models import query
from tests.support.weekly import Weekly

REQUESTS, USERS = 40, 8
RUN = {"id": "2026-11-22T030000Z", "month": "2026-11", "trigger": "schedule", "cap_usd": 1.0}
SEED = to_markdown(packaged_prompt())

Rating = Callable[[int], bool]


def promote(weekly: Weekly, word: str) -> str:
    """Promote an edit of the hand-written prompt, and return its content."""
    before = packaged_prompt()
    changed = {"instruction": f"{before.instruction}\n\nWhen in doubt, think of {word}."}
    return promote_candidate(weekly, before.model_copy(update=changed))


def promote_candidate(weekly: Weekly, changed: RoutingPrompt) -> str:
    """Promote a candidate through the promoter, as the workflow does, and return its content."""
    before = packaged_prompt()
    promoter = weekly.function("Promoter")
    variables = weekly.client("lambda").get_function_configuration(FunctionName=promoter)
    settings = parse_learning_settings(variables["Environment"]["Variables"])
    scope = stage_scope(settings.router, settings.learning)
    about = {"incumbent": before.version, "content": changed.version, **scope}
    candidate = changed.model_copy(update={"provenance": {"verdict": "better", **about}})
    weekly.client("s3").put_object(
        Bucket=weekly.stack.learning_bucket,
        Key=f"runs/{RUN['id']}/candidate.json",
        Body=to_json(candidate).encode(),
    )
    promoted = invoke(weekly, promoter, {"step": "promote", "state": {"run": RUN}})
    assert promoted["promoted"], promoted["why"]
    return to_markdown(candidate)


def restart_router(weekly: Weekly) -> None:
    """Serve from new processes: warm ones read the prompt again only after a minute."""
    client, name = weekly.client("lambda"), weekly.function("-Router")
    variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    generation = str(int(variables.get("GENERATION", "0")) + 1)
    client.update_function_configuration(
        FunctionName=name, Environment={"Variables": {**variables, "GENERATION": generation}}
    )
    version = client.publish_version(FunctionName=name)["Version"]
    client.update_alias(FunctionName=name, Name="live", FunctionVersion=version)


def ask_and_rate(weekly: Weekly, is_good: Rating, requests: int = REQUESTS) -> str:
    """Send and rate requests through the API. Return the prompt version that routed them."""
    restart_router(weekly)
    api, key = weekly.stack.endpoint, {"Authorization": f"Bearer {weekly.stack.api_key}"}
    client = client_of(weekly.stack).with_options(max_retries=2)

    def ask(number: int) -> str:
        answer = client.chat.completions.with_raw_response.create(
            model="auto",
            messages=[{"role": "user", "content": query(number)}],
            user=f"user {number % USERS}",
        )
        thumb = "up" if is_good(number) else "down"
        body = {"request_id": answer.headers["x-request-id"], "thumb": thumb}
        httpx.post(f"{api}/v1/feedback", json=body, headers=key, timeout=30).raise_for_status()
        return answer.headers["x-route-prompt-version"]

    # One after the other: each of several at once would find another cold router.
    (version,) = set(map(ask, range(requests)))
    return version


def check_quality(weekly: Weekly) -> str:
    """Run the check with its schedule's input, and return the outcome."""
    scheduler = weekly.client("scheduler")
    function = weekly.function("Monitor")
    (target,) = [
        scheduler.get_schedule(GroupName=each["GroupName"], Name=each["Name"])["Target"]
        for each in scheduler.list_schedules()["Schedules"]
        if each["Target"]["Arn"].endswith(f":{function}")
    ]
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    event = json.loads(target["Input"].replace(SCHEDULED_TIME, now))
    return invoke(weekly, target["Arn"], event)["outcome"]


def invoke(weekly: Weekly, function: str, event: object) -> dict[str, str]:
    said = weekly.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    answer: dict[str, str] = json.load(said["Payload"])
    assert "FunctionError" not in said, answer
    return answer


def scores(weekly: Weekly, version: str) -> Scores:
    return DynamoDbQuality(weekly.client("dynamodb"), weekly.stack.results_table).scores(version)


@pytest.mark.usefixtures("models")
def test_a_prompt_with_lower_ratings_is_rolled_back_once(weekly: Weekly) -> None:
    first, _ = weekly.live
    assert ask_and_rate(weekly, lambda number: number % 10 > 0) == f"live@{first}"
    assert scores(weekly, f"live@{first}") == Scores(REQUESTS, 36, 36)
    candidate = promote(weekly, "tides")
    assert weekly.live == (first + 1, candidate)
    assert ask_and_rate(weekly, lambda number: number % 10 < 3) == f"live@{first + 1}"

    assert check_quality(weekly) == "rolled back"
    assert weekly.live == (first + 2, SEED)
    (told,) = weekly.notifications()
    assert told["Subject"] == f"route-switch local: prompt version {first + 1} was rolled back"
    assert f"route-switch prompt rollback --to {first + 1} --stage local" in told["Message"]
    assert "0.30 on average (n = 40)" in told["Message"]
    assert told["Message"].startswith("In the last 7 days, ")
    assert (
        f"so version {first + 2} is live, with the content of version {first};" in told["Message"]
    )
    assert ask_and_rate(weekly, lambda _: False, requests=2) == f"live@{first + 2}"

    assert check_quality(weekly) == "returned"
    assert weekly.live == (first + 2, SEED)
    assert weekly.notifications() == []


@pytest.mark.usefixtures("models")
def test_a_prompt_with_similar_ratings_stays(weekly: Weekly) -> None:
    ask_and_rate(weekly, lambda number: number % 10 > 0)
    candidate = promote(weekly, "the moon")
    ask_and_rate(weekly, lambda number: number % 10 > 1)
    version, _ = weekly.live
    assert check_quality(weekly) == "no drop"
    assert weekly.live == (version, candidate)
    assert weekly.notifications() == []
