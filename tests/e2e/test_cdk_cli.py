"""The CDK's own command line against the local stack: bootstrap, deploy, diff, destroy.

The tests share one deployment; the last one destroys it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from local.aws.client import STACK_FILE, running_cloud
from local.aws.verify import CHECKED_TYPES, exists
from route_switch.cli.main import app
from tests.support.cdk import Cdk, Template
from tests.support.checkout import copied_checkout

SEED = Path("layers/core/python/route_switch/data/hand_written.md")
QUERY = {"messages": [{"role": "user", "content": "What is the capital of France?"}]}


@pytest.fixture(scope="module")
def cdk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cdk]:
    checkout = copied_checkout(tmp_path_factory.mktemp("checkout"))
    with running_cloud(checkout / ".local") as cloud:
        cdk = Cdk(checkout, cloud)
        # Synthesis is slow. Bootstrapping already synthesizes, so the deployment reuses its output.
        for done in (cdk("bootstrap"), cdk.deploy("cdk.out")):
            assert done.code == 0, done.output
        yield cdk


def ask(cdk: Cdk) -> dict[str, Any]:
    response = httpx.post(
        f"{cdk.cloud.endpoint}/v1/route",
        json=QUERY,
        headers={"Authorization": f"Bearer {cdk.stack.api_key}"},
        timeout=60,
    )
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def parameter(cdk: Cdk, name: str) -> tuple[int, str]:
    """Return version and value."""
    found = cdk.client("ssm").get_parameter(Name=f"/route-switch/local/prompt/{name}")["Parameter"]
    return found["Version"], found["Value"]


def test_the_deployed_api_answers(cdk: Cdk) -> None:
    assert cdk.status() == "CREATE_COMPLETE"
    answer = ask(cdk)
    assert (answer["tier"] in (1, 2, 3), answer["prompt_version"]) == (True, "live@1")


def test_a_repeated_deployment_changes_nothing_not_even_the_live_prompt(
    cdk: Cdk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`test_synthesis_is_pure` covers a repeated synthesis."""
    monkeypatch.chdir(cdk.checkout)
    Path("learned.md").write_text(SEED.read_text("utf-8") + "\nLearned from traffic.\n", "utf-8")
    pushed = CliRunner().invoke(app, ["prompt", "push", "learned.md"])
    assert pushed.exit_code == 0, pushed.output
    live, before = parameter(cdk, "live"), cdk.resources()
    assert live == (2, Path("learned.md").read_text("utf-8"))
    diff = cdk("diff --fail --app cdk.out")
    assert diff.code == 0, diff.output
    assert "There were no differences" in diff.output
    second = cdk.deploy("cdk.out")
    assert second.code == 0, second.output
    assert "(no changes)" in second.output
    assert (parameter(cdk, "live"), cdk.resources()) == (live, before)


def test_alarms_and_dashboards_match_the_template(cdk: Cdk) -> None:
    cloudwatch = cdk.client("cloudwatch")
    wanted = [
        (resource["Type"].rpartition(":")[2], resource["Properties"])
        for resource in cdk.template["Resources"].values()
        if resource["Type"].startswith("AWS::CloudWatch::")
    ]
    alarms = {each["AlarmName"]: each for each in cloudwatch.describe_alarms()["MetricAlarms"]}
    compared = ("ComparisonOperator", "EvaluationPeriods", "Threshold", "TreatMissingData")
    for properties in (properties for kind, properties in wanted if kind == "Alarm"):
        alarm = alarms[properties["AlarmName"]]
        assert {key: alarm.get(key) for key in compared} == {
            key: properties.get(key) for key in compared
        }
        assert len(alarm.get("Metrics", [])) == len(properties.get("Metrics", []))
        assert alarm["AlarmActions"], "the alarm notifies nobody"
    names = [properties["DashboardName"] for kind, properties in wanted if kind == "Dashboard"]
    assert names
    for name in names:
        body = cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"]
        assert json.loads(body)["widgets"]


def test_the_live_prompt_survives_a_new_packaged_prompt(
    cdk: Cdk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(cdk.checkout)
    live = parameter(cdk, "live")
    SEED.write_text(SEED.read_text("utf-8") + "\nPackaged with a later release.\n", "utf-8")
    start_in_shadow(Path("cdk.json"))
    deployed = cdk.deploy()
    assert (deployed.code, cdk.status()) == (0, "UPDATE_COMPLETE"), deployed.output
    assert parameter(cdk, "seed") == (2, SEED.read_text("utf-8"))
    assert parameter(cdk, "live") == live
    assert ask(cdk)["prompt_version"] == "live@2"


def start_in_shadow(path: Path) -> None:
    """Let new deployments of the stage start in shadow, as a later release does with prod."""
    app = json.loads(path.read_text("utf-8"))
    app["context"]["stages"]["local"]["router"] = {"start": "shadow"}
    path.write_text(json.dumps(app), "utf-8")


def test_a_stage_that_routes_keeps_routing_after_that_deployment(cdk: Cdk) -> None:
    functions = cdk.client("lambda").list_functions()["Functions"]
    configs = [f["Environment"]["Variables"].get("ROUTE_SWITCH_CONFIG", "{}") for f in functions]
    assert "shadow" in {json.loads(config).get("start") for config in configs}
    found = cdk.client("ssm").describe_parameters()["Parameters"]
    assert "/route-switch/local/switches" not in {each["Name"] for each in found}
    assert ask(cdk)["reason"] != "shadow"


def break_router(template: Template) -> None:
    """Break the router's code, let its alias serve it, and add a parameter that is rejected."""
    resources = template["Resources"]
    (router,) = (
        name
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Lambda::Function" and name.startswith("Router")
    )
    (alias,) = (
        name
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Lambda::Alias"
        and resource["Properties"]["FunctionName"] == {"Ref": router}
    )
    resources[router]["Properties"]["Handler"] = "gone.lambda_handler"
    resources["Gone"] = {
        "Type": "AWS::Lambda::Version",
        "Properties": {"FunctionName": {"Ref": router}},
    }
    version = {"Fn::GetAtt": ["Gone", "Version"]}
    resources[alias]["Properties"]["FunctionVersion"] = version
    resources["Refused"] = setting("x" * 5000, DependsOn=alias)


def setting(value: str, **more: str) -> Template:
    return {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Value": value},
        **more,
    }


def test_after_a_failed_deployment_the_old_version_serves(cdk: Cdk) -> None:
    before = [resource["PhysicalResourceId"] for resource in cdk.resources()]
    failed = cdk.deploy(cdk.assembly("broken", break_router))
    assert failed.code != 0
    assert "Standard tier parameters support a maximum parameter value of 4096" in failed.output
    assert cdk.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert sorted(r["PhysicalResourceId"] for r in cdk.resources()) == sorted(before)
    ask(cdk)

    def fix(template: Template) -> None:
        template["Resources"]["Accepted"] = setting("short")

    mended = cdk.deploy(cdk.assembly("mended", fix))
    assert (mended.code, cdk.status()) == (0, "UPDATE_COMPLETE"), mended.output
    ask(cdk)


def test_destroy_deletes_everything(cdk: Cdk) -> None:
    resources = cdk.resources()
    retained = {
        name
        for name, resource in cdk.template["Resources"].items()
        # Versions are deleted with their function, regardless of their own policy.
        if resource.get("DeletionPolicy", "").startswith("Retain")
        and resource["Type"] != "AWS::Lambda::Version"
    }
    done = cdk("destroy --force --app cdk.out")
    assert done.code == 0, done.output
    left = {
        each["LogicalResourceId"]
        for each in resources
        if each["ResourceType"] in CHECKED_TYPES and exists(cdk.client, each)
    }
    assert left <= retained
    with pytest.raises(ClientError, match="does not exist"):
        cdk.status()
    assert httpx.get(f"{cdk.cloud.endpoint}/health").status_code == 403
    assert not (cdk.checkout / ".local" / STACK_FILE).exists()
