"""`route-switch savings` after requests in shadow and live, against moto."""

import json
from datetime import UTC, datetime

import boto3
import pytest
from typer.testing import CliRunner, Result

from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.cli import savings
from route_switch.cli.main import app
from route_switch.cli.stage import Deployed
from route_switch.domain.learning.learning_run import LearningRun, RunOutcome
from route_switch.domain.prompt_document import to_markdown
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.wiring.settings import read_settings
from tests.integration.conftest import LONG, Api, by_model, switch
from tests.support.upstream import completion

RUN = "2026-11-22T030000Z"
LEARNED = packaged_prompt().model_copy(
    update={"instruction": packaged_prompt().instruction + "\n- a riddle"}
)


@pytest.fixture
def on_this_stage(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed = Deployed(boto3.client, read_settings(), {"LearningBucket": "learning"})
    monkeypatch.setattr(savings, "find_deployed", lambda stage: deployed)


def run(*arguments: str) -> Result:
    done = CliRunner().invoke(app, ["savings", *arguments])
    assert done.exit_code == 0, done.exception
    return done


def put_live(prompt: RoutingPrompt) -> None:
    boto3.client("ssm").put_parameter(
        Name="/test/prompt/live", Value=to_markdown(prompt), Type="String", Overwrite=True
    )


def put_report(run_id: str, candidate: RoutingPrompt) -> None:
    """Store a run with the part of its report that matters here."""
    runs = DynamoDbRuns(boto3.client("dynamodb"), "results")
    runs.claim(LearningRun(id=run_id, month="2026-11", trigger="schedule", cap_usd=1.0), run_id)
    runs.finish(run_id, run_id, RunOutcome.PROMOTED, "", 2)

    def policy(name: str, mean: float) -> dict[str, object]:
        quality = {"mean": mean, "low": mean - 0.02, "high": mean + 0.02, "n": 412}
        return {"policy": name, "quality": quality, "more": 1}

    content = {
        "policies": [policy("candidate", 0.96), policy("incumbent", 0.9), policy("oracle", 1.0)],
        "candidate_prompt": to_markdown(candidate),
        "incumbent_prompt": to_markdown(packaged_prompt()),
    }
    boto3.client("s3").put_object(
        Bucket="learning", Key=f"runs/{run_id}/report.json", Body=json.dumps(content)
    )


def test_it_says_what_routing_would_have_saved_in_the_words_of_the_api(
    shadow: Api, on_this_stage: None
) -> None:
    for _ in range(3):
        shadow.chat(LONG)
    body = json.loads(run("--json").stdout)
    answers_usd, router_usd = 3 * (40 * 10 + 90 * 30) / 1e6, 3 * (1000 * 0.1 + 0.4) / 1e6
    would_usd = router_usd + 3 * (40 * 1 + 45 * 2) / 1e6
    assert body["routing"] == "shadow"
    told = body["shadow"]
    assert (told["requests"], told["decided"]) == (3, 3)
    assert told["spent_usd"] == pytest.approx(answers_usd + router_usd)
    assert told["router_usd"] == pytest.approx(router_usd)
    assert told["would_cost_estimated_usd"] == pytest.approx(would_usd)
    assert told["would_save_estimated_usd"] == pytest.approx(answers_usd - would_usd)
    assert told["would_save_low_usd"] <= told["would_save_estimated_usd"]
    assert told["tiers"] == {"1": 1.0, "2": 0.0, "3": 0.0}
    assert body["total"]["spent_usd"] == told["spent_usd"]
    assert body["total"]["saved_estimated_usd"] == pytest.approx(-router_usd)


def test_people_read_who_answers_and_what_is_not_known_yet(
    shadow: Api, on_this_stage: None
) -> None:
    shadow.chat(LONG)
    said = run().stdout
    assert "Routing is in shadow: Tier 3 answers." in said
    assert "would have cost 0.0002 USD (0.0002 to 0.0002)" in said
    assert "100% / 0% / 0% on Tier 1 / 2 / 3" in said
    assert "0% / 0% / 100% on Tier 1 / 2 / 3" in said
    assert "Quality lost: not known yet: no learning run has measured the live prompt." in said
    assert "Promise: no promise yet:" in said


def test_live_routing_has_no_shadow_part(api: Api, on_this_stage: None) -> None:
    api.upstream.script = by_model(router=completion("1"), small=completion("s"))
    api.chat(LONG)
    assert json.loads(run("--json").stdout)["shadow"] is None
    said = run().stdout
    assert "Routing is on." in said
    assert "In shadow" not in said


def test_a_stage_without_requests_is_not_an_error(api: Api, on_this_stage: None) -> None:
    assert "0 requests" in run("--days", "1").stdout


def test_a_pinned_tier_is_reported(api: Api, on_this_stage: None) -> None:
    switch(routing="shadow", pin_tier=2)
    assert "Tier 2 is pinned: it answers." in run().stdout


@pytest.mark.parametrize(
    ("live", "share"), [(LEARNED, 0.04), (packaged_prompt(), 0.1)], ids=["candidate", "incumbent"]
)
def test_the_quality_lost_is_that_of_the_live_prompt_in_the_newest_run_that_measured_it(
    api: Api, on_this_stage: None, live: RoutingPrompt, share: float
) -> None:
    put_report(RUN, LEARNED)
    put_report("2026-11-15T030000Z", LEARNED)
    put_live(live)
    lost = json.loads(run("--json").stdout)["quality_lost"]
    assert lost == {
        "share": share,
        "low": pytest.approx(share - 0.02),
        "high": pytest.approx(share + 0.02),
        "rows": 412,
        "run": RUN,
    }


def test_a_run_that_measured_other_prompts_says_nothing(api: Api, on_this_stage: None) -> None:
    put_report(RUN, packaged_prompt())
    put_live(LEARNED)
    assert json.loads(run("--json").stdout)["quality_lost"] is None


def test_the_promise_is_that_of_the_live_prompt(api: Api, on_this_stage: None) -> None:
    sentence = "at most 5% of answers are worse than Tier 3's (95% confidence, 412 rows)"
    provenance = {"promise": sentence, "promise_for": LEARNED.version}
    put_live(LEARNED.model_copy(update={"provenance": provenance}))
    assert json.loads(run("--json").stdout)["promise"] == sentence
    edited = LEARNED.model_copy(update={"provenance": {**provenance, "promise_for": "older"}})
    put_live(edited)
    assert json.loads(run("--json").stdout)["promise"] is None


def test_days_are_counted_back_from_today(api: Api, on_this_stage: None) -> None:
    body = json.loads(run("--days", "1", "--json").stdout)
    assert body["from"] == body["to"] == datetime.now(UTC).date().isoformat()
    assert CliRunner().invoke(app, ["savings", "--days", "0"]).exit_code == 2
