"""The synthesized stack as a whole: purity, protection, tags, tracing and outputs."""

import json
from pathlib import Path

import pytest

import infra.api
from infra.app import read_context, synthesize
from infra.stage import load_stage
from tests.infra.conftest import Synthesized, synthesize_stage


def test_synthesis_is_pure(local: Synthesized, tmp_path: Path) -> None:
    assert synthesize_stage(tmp_path, "local").text == local.text


def test_a_failed_first_deployment_leaves_nothing_behind(prod: Synthesized) -> None:
    kept = {
        name
        for name, r in prod.template["Resources"].items()
        if r.get("DeletionPolicy") == "Retain"
    }
    assert kept == set()


def test_stack_and_tables_can_be_left_unprotected(tmp_path: Path) -> None:
    """A first deployment that fails can be undone only without protection."""
    context = {**read_context({}), "protect": "false"}
    stage = load_stage(context, "prod", {})
    assert stage.retain
    assert not stage.protected
    synthesize(stage, context, str(tmp_path))
    manifest = json.loads((tmp_path / "manifest.json").read_text())["artifacts"]
    assert not manifest["route-switch-prod"]["properties"].get("terminationProtection")
    unprotected = Synthesized(tmp_path, "route-switch-prod")
    for table in unprotected.resources("AWS::DynamoDB::GlobalTable").values():
        (replica,) = table["Properties"]["Replicas"]
        assert not replica.get("DeletionProtectionEnabled")
        assert table["DeletionPolicy"] == "RetainExceptOnCreate"


def test_the_workflows_log_group_needs_no_room_in_the_accounts_resource_policy(
    prod: Synthesized,
) -> None:
    (machine,) = prod.resources("AWS::StepFunctions::StateMachine").values()
    (destination,) = machine["Properties"]["LoggingConfiguration"]["Destinations"]
    group = destination["CloudWatchLogsLogGroup"]["LogGroupArn"]["Fn::GetAtt"][0]
    name = prod.resources("AWS::Logs::LogGroup")[group]["Properties"]["LogGroupName"]
    assert name.startswith("/aws/vendedlogs/states/")


def test_a_second_stack_leaves_the_accounts_role_for_api_logs_alone(tmp_path: Path) -> None:
    second = synthesize_stage(tmp_path, "dev", settings={"account_log_role": False})
    assert not second.resources("AWS::ApiGateway::Account")


def test_every_resource_that_can_be_is_tagged(prod: Synthesized) -> None:
    tags = [{"Key": "app", "Value": "route-switch"}, {"Key": "stage", "Value": "prod"}]
    for kind in ("Lambda::Function", "Logs::LogGroup", "S3::Bucket", "SNS::Topic", "SQS::Queue"):
        for resource in prod.resources(f"AWS::{kind}").values():
            assert resource["Properties"]["Tags"] == tags
    for table in prod.resources("AWS::DynamoDB::GlobalTable").values():
        assert [replica["Tags"] for replica in table["Properties"]["Replicas"]] == [tags]


def test_setup_waits_for_everything_that_the_promoter_needs(prod: Synthesized) -> None:
    (first_deploy,) = prod.resources("Custom::FirstDeploy").values()
    awaited = first_deploy["DependsOn"]
    for part in ("LearningPromoterRoleDefaultPolicy", "LearningPromoterFunction", "PromptSeed"):
        assert [name for name in awaited if name.startswith(part)]


def test_tracing_is_on_in_prod_and_off_in_local(prod: Synthesized, local: Synthesized) -> None:
    for stage, traced in ((prod, True), (local, False)):
        functions = stage.resources("AWS::Lambda::Function").values()
        assert {"TracingConfig" in f["Properties"] for f in functions} == {traced}


def test_outputs_have_the_documented_names(prod: Synthesized, openai_hash: Synthesized) -> None:
    names = {
        *("ApiEndpoint", "ConsoleUrl", "FirstKeysParameter", "KeysTable", "LivePromptParameter"),
        *("ResultsTable", "RouterFunction", "SeedPromptParameter"),
        *("LearningBucket", "LearningStateMachine", "RunsTopic"),
        *(
            "AlarmsTopic",
            "CostsWidgetFunction",
            "DashboardName",
            "LearningFunction",
            "MissedQueue",
            "RecordsQueue",
        ),
    }
    assert prod.template["Outputs"].keys() == names
    assert openai_hash.template["Outputs"].keys() == names | {"ProviderSecret"}


def test_a_finding_that_is_not_accepted_stops_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(infra.api, "ACCEPTED", {})
    with pytest.raises(RuntimeError, match="AwsSolutions-APIG4"):
        synthesize_stage(tmp_path, "prod")
