"""Alarms, dashboard and releases in the synthesized templates."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from pydantic import JsonValue

from infra.alarm_specs import alarm_specs
from infra.alarms import Alarms
from infra.app import read_context
from infra.metric_names import BY_SERVICE, CIRCUITS, MODEL
from infra.metrics import added, metric
from infra.monitoring import HOUR
from infra.stage import load_stage
from route_switch.domain.errors import ConfigurationError
from route_switch.domain.learning.learning_run import RunOutcome
from tests.infra.conftest import Synthesized, synthesize_stage

RUNBOOK = Path("docs/runbook.md")
PREFIX = "route-switch-prod-"


def alarms(stage: Synthesized) -> dict[str, dict[str, Any]]:
    found = (a["Properties"] for a in stage.resources("AWS::CloudWatch::Alarm").values())
    return {alarm["AlarmName"].removeprefix(PREFIX): alarm for alarm in found}


def board(stage: Synthesized) -> list[dict[str, Any]]:
    """Return the dashboard's widgets. Values known only at deployment are names in brackets."""
    (dashboard,) = stage.resources("AWS::CloudWatch::Dashboard").values()
    body = dashboard["Properties"]["DashboardBody"]
    parts = body["Fn::Join"][1] if isinstance(body, dict) else [body]
    text = "".join(p if isinstance(p, str) else f"<{next(iter(p.values()))}>" for p in parts)
    widgets: list[dict[str, Any]] = json.loads(text.replace("<['", "<").replace("']>", ">"))[
        "widgets"
    ]
    return widgets


def test_every_alarm_has_a_runbook_section_and_every_section_an_alarm(
    prod: Synthesized,
) -> None:
    described = RUNBOOK.read_text("utf-8").partition("## By hand")[0]
    assert set(re.findall(r"^### (.+)$", described, re.MULTILINE)) == alarms(prod).keys()
    for name, alarm in alarms(prod).items():
        assert alarm["AlarmDescription"].endswith(f" More: docs/runbook.md#{name}")


def test_the_mail_of_an_alarm_says_what_happened_what_it_means_and_what_to_do(
    prod: Synthesized,
) -> None:
    specs = {spec.name: spec for spec in alarm_specs(load_stage(read_context({}), "prod", {}))}
    for name, alarm in alarms(prod).items():
        spec, said = specs[name], alarm["AlarmDescription"]
        sentences = (spec.description, spec.meaning, spec.to_do)
        assert said.startswith(" ".join(sentences)), name
        assert all(each[0].isupper() and each.endswith(".") for each in sentences), name
        assert len(said) <= 1024, "CloudWatch's limit"


def test_every_alarm_notifies_when_it_fires_and_when_it_clears(prod: Synthesized) -> None:
    for name, alarm in alarms(prod).items():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": TOPIC}], name
        assert alarm["TreatMissingData"] == "notBreaching"


TOPIC = "AlarmsTopic3A2DFEBA"


def test_alarms_may_publish_to_the_tls_only_topic(prod: Synthesized) -> None:
    (policy,) = (
        p["Properties"]["PolicyDocument"]["Statement"]
        for p in prod.resources("AWS::SNS::TopicPolicy").values()
        if p["Properties"]["Topics"] == [{"Ref": TOPIC}]
    )
    allowed = [s for s in policy if s["Effect"] == "Allow"]
    assert [s["Principal"] for s in allowed] == [{"Service": "cloudwatch.amazonaws.com"}]


def test_only_a_stage_with_a_budget_has_a_spending_alarm(
    prod: Synthesized, local: Synthesized
) -> None:
    assert alarms(prod)["spend-pace"]["Threshold"] == 1000
    assert not [name for name in alarms(local) if "spend-pace" in name]


def test_every_custom_metric_of_an_alarm_is_emitted_by_a_function(prod: Synthesized) -> None:
    for name, alarm in alarms(prod).items():
        queries = [q["MetricStat"]["Metric"] for q in alarm.get("Metrics", []) if "MetricStat" in q]
        for found in queries or [alarm]:
            if found["Namespace"] == "RouteSwitch/prod":
                (service,) = [d["Value"] for d in found["Dimensions"]]
                assert found["MetricName"] in BY_SERVICE[service], name
            else:
                assert found["Namespace"].startswith("AWS/"), name


def test_the_dashboard_shows_spending_quality_and_every_model(prod: Synthesized) -> None:
    widgets = board(prod)
    views = {w["properties"]["params"]["view"] for w in widgets if w["type"] == "custom"}
    assert views == {"spend", "keys", "prompts"}
    shown = {
        (entry[0], entry[1])
        for widget in widgets
        for entry in widget["properties"].get("metrics", [])
        if isinstance(entry[0], str)
    }
    custom = {name for namespace, name in shown if namespace == "RouteSwitch/prod"}
    expected = {
        *("cost_usd", "baseline_cost_usd", "saved_usd", "router_cost_usd", "learning_usd"),
        *("tier_1_cost_usd", "tier_2_cost_usd", "tier_3_cost_usd", "tier_1", "tier_2", "tier_3"),
        *("reason_bypass", "feedback_score", "heldout_quality_live", "prompt_version"),
        *("promotions", "rollbacks", *[*MODEL][1:], "projected_month_usd"),
    }
    assert expected <= custom
    models = set(_models(prod))
    of_models = {
        entry[entry.index("model") + 1]
        for widget in widgets
        for entry in widget["properties"].get("metrics", [])
        if "model" in entry
    }
    assert of_models == models


def test_the_dashboard_stays_within_the_free_tier(prod: Synthesized) -> None:
    """Three dashboards with 50 metrics each are free; another costs 3 USD a month."""
    different = set()
    for widget in board(prod):
        for entry in widget["properties"].get("metrics", []):
            if isinstance(entry[0], str):
                named = [part for part in entry if isinstance(part, str)]
                different.add(tuple(named))
    assert 30 < len(different) <= 50


def test_no_custom_metric_has_an_api_key_as_dimension(prod: Synthesized) -> None:
    for widget in board(prod):
        for entry in widget["properties"].get("metrics", []):
            if entry[0] == "RouteSwitch/prod":
                assert {part for part in entry[2::2] if isinstance(part, str)} <= {
                    "service",
                    "model",
                }


def test_the_dashboard_states_the_number_and_cost_of_custom_metrics(
    prod: Synthesized,
) -> None:
    [text] = [w["properties"]["markdown"] for w in board(prod) if w["type"] == "text"]
    outcomes = len(RunOutcome)
    by_model = len(MODEL) + len(CIRCUITS)
    count = outcomes + sum(map(len, BY_SERVICE.values())) + by_model * len(_models(prod))
    assert f"Up to {count} custom metrics" in text
    assert f"{count * 0.3:.2f} at most" in text


def test_a_misspelled_metric_stops_the_build() -> None:
    stage = load_stage(read_context({}), "prod", {})
    with pytest.raises(KeyError, match="router emits no costs_usd"):
        metric(stage, "router", "costs_usd")


def empty_alarms() -> Alarms:
    stage = load_stage(read_context({}), "prod", {})
    return Alarms(Stack(App(), "Stack"), "Alarms", stage=stage)


def test_every_declared_alarm_is_built_and_no_other(prod: Synthesized) -> None:
    specs = alarm_specs(load_stage(read_context({}), "prod", {}))
    assert sorted(spec.name for spec in specs) == sorted(alarms(prod))


def test_an_alarm_that_reads_other_metrics_than_it_declares_stops_the_build() -> None:
    stage = load_stage(read_context({}), "prod", {})
    prices = metric(stage, "router", "price_missing")
    with pytest.raises(ConfigurationError, match=r"'drift' declares .*drift_runs_started, but .*"):
        empty_alarms().add("drift", prices)
    both = added(metric(stage, "drift", "drift_runs_started"), prices, period=HOUR)
    with pytest.raises(ConfigurationError, match="reads drift_runs_started, price_missing"):
        empty_alarms().add("drift", both)


def test_an_alarm_that_is_not_declared_stops_the_build() -> None:
    stage = load_stage(read_context({}), "prod", {})
    with pytest.raises(ConfigurationError, match="declares no alarm 'noise'"):
        empty_alarms().add("noise", metric(stage, "router", "cost_usd"))


def test_a_declared_alarm_that_is_not_built_stops_the_build() -> None:
    with pytest.raises(ConfigurationError, match="does not build: router-failing"):
        empty_alarms().check_complete()


def _models(stage: Synthesized) -> list[str]:
    variables = stage.function("Router")["Environment"]["Variables"]
    models = json.loads(variables["ROUTE_SWITCH_CONFIG"])["models"]
    return [*(tier["model"] for tier in models["tiers"].values()), models["router"]]


def test_callers_reach_the_alias_and_a_failing_release_is_rolled_back(
    prod: Synthesized, local: Synthesized
) -> None:
    aliases = prod.resources("AWS::Lambda::Alias")
    assert {a["Properties"]["Name"] for a in aliases.values()} == {"live"}
    uris = [
        json.dumps(m["Properties"]["Integration"]["Uri"])
        for m in prod.resources("AWS::ApiGateway::Method").values()
    ]
    others = [uri for uri in uris if not any(f'"{alias}"' in uri for alias in aliases)]
    # The console's files must be of one version, so a canary would break its page.
    assert len(others) == 4  # GET and the other methods, of the page and of its files
    assert all('"ConsoleFunction' in uri for uri in others)
    groups = prod.resources("AWS::CodeDeploy::DeploymentGroup")
    assert len(groups) == len(aliases) == 3
    watched = prod.resources("AWS::CloudWatch::Alarm")
    for group in groups.values():
        properties = group["Properties"]
        assert (
            properties["DeploymentConfigName"] == "CodeDeployDefault.LambdaCanary10Percent5Minutes"
        )
        [alarm] = properties["AlarmConfiguration"]["Alarms"]
        assert watched[alarm["Name"]["Ref"]]["Properties"]["AlarmName"].endswith("-failing")
        assert "DEPLOYMENT_STOP_ON_ALARM" in properties["AutoRollbackConfiguration"]["Events"]
    for alias in aliases.values():
        assert "CodeDeployLambdaAliasUpdate" in alias["UpdatePolicy"]
    at_once = local.resources("AWS::CodeDeploy::DeploymentGroup").values()
    configurations = {each["Properties"]["DeploymentConfigName"] for each in at_once}
    assert configurations == {"CodeDeployDefault.LambdaAllAtOnce"}


def test_each_gradual_release_is_watched_for_exceptions_by_the_alarm_that_rolls_it_back(
    prod: Synthesized,
) -> None:
    """A version that cannot be imported or that times out counts nothing itself."""
    watched: list[str] = []
    for name, functions in (("router", ["Router"]), ("management", ["Management", "Owner"])):
        metrics = [
            m["MetricStat"] for m in alarms(prod)[f"{name}-failing"]["Metrics"] if "MetricStat" in m
        ]
        errors = [m for m in metrics if m["Metric"]["MetricName"] == "Errors"]
        read = sorted(json.dumps(each["Metric"]["Dimensions"]) for each in errors)
        assert len(read) == len(functions)
        for dimensions, function in zip(read, functions, strict=True):
            assert f'"{function}Function' in dimensions
            assert ":live" in dimensions
        watched += functions
    assert len(watched) == len(prod.resources("AWS::CodeDeploy::DeploymentGroup"))


def test_one_failed_minute_in_five_fires_because_log_metrics_arrive_late(prod: Synthesized) -> None:
    for name in ("router-failing", "management-failing"):
        alarm = alarms(prod)[name]
        assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]) == (5, 1)


def test_every_log_group_expires(prod: Synthesized, local: Synthesized) -> None:
    """Including API Gateway's execution logs, which it would otherwise keep forever."""
    for stage, days in ((prod, 90), (local, 7)):
        groups = stage.resources("AWS::Logs::LogGroup")
        assert {group["Properties"]["RetentionInDays"] for group in groups.values()} == {days}
        (execution,) = (name for name in groups if name.startswith("ApiExecutionLogs"))
        assert "API-Gateway-Execution-Logs_" in json.dumps(groups[execution])
        (served,) = stage.resources("AWS::ApiGateway::Stage").values()
        assert execution in served["DependsOn"]


def test_a_stage_without_an_address_for_alarms_gets_a_warning(
    prod: Synthesized, own_key: Synthesized
) -> None:
    for stage, warned in ((prod, True), (own_key, False)):
        report = (stage.folder / "validation-report.json").read_text("utf-8")
        assert ("Nobody is notified when an alarm fires" in report) is warned


def test_old_function_versions_are_retained_but_not_those_of_a_failed_deployment(
    prod: Synthesized,
) -> None:
    for version in prod.resources("AWS::Lambda::Version").values():
        assert version["DeletionPolicy"] == "RetainExceptOnCreate"


def test_no_concurrency_is_reserved_by_default(prod: Synthesized) -> None:
    for function in prod.resources("AWS::Lambda::Function").values():
        assert "ReservedConcurrentExecutions" not in function["Properties"]


@pytest.fixture(scope="module")
def own_key(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    """Stage prod with a customer-managed key; cdk-nag and AWS's rules accept it too."""
    settings: dict[str, JsonValue] = {
        "encryption": "customer",
        "reserved_concurrency": 50,
        "notify_email": "a@b.example",
    }
    return synthesize_stage(tmp_path_factory.mktemp("own-key"), "prod", settings=settings)


def test_a_customer_key_encrypts_everything_that_holds_data(own_key: Synthesized) -> None:
    ((key, resource),) = own_key.resources("AWS::KMS::Key").items()
    assert resource["Properties"]["EnableKeyRotation"] is True
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
    arn = json.dumps({"Fn::GetAtt": [key, "Arn"]})
    (records,) = (
        queue["Properties"]
        for queue in own_key.resources("AWS::SQS::Queue").values()
        if "KmsMasterKeyId" in queue["Properties"]
    )
    assert arn == json.dumps(records["KmsMasterKeyId"])
    for kind in ("DynamoDB::GlobalTable", "S3::Bucket", "SNS::Topic", "Logs::LogGroup"):
        for name, encrypted in own_key.resources(f"AWS::{kind}").items():
            assert arn in json.dumps(encrypted["Properties"]), name


def test_services_without_a_role_may_use_the_customer_key(own_key: Synthesized) -> None:
    (key,) = own_key.resources("AWS::KMS::Key").values()
    allowed = {
        json.dumps(statement["Principal"].get("Service", ""))
        for statement in key["Properties"]["KeyPolicy"]["Statement"]
    }
    for service in ("logs.us-east-1.amazonaws.com", "cloudwatch.amazonaws.com"):
        assert json.dumps(service) in allowed
    assert not any("events" in service for service in allowed)  # EventBridge has a role


def test_cloudwatch_logs_may_use_the_customer_key_as_its_documentation_says(
    own_key: Synthesized,
) -> None:
    (key,) = own_key.resources("AWS::KMS::Key").values()
    (logs,) = (
        statement
        for statement in key["Properties"]["KeyPolicy"]["Statement"]
        if "logs.us-east-1" in json.dumps(statement["Principal"])
    )
    kinds = ("Decrypt", "Describe", "Encrypt", "GenerateDataKey", "ReEncrypt")
    assert logs["Action"] == [f"kms:{kind}*" for kind in kinds]
    assert logs["Condition"].keys() == {"ArnLike"}


def test_eventbridge_publishes_only_for_rules_of_this_account(own_key: Synthesized) -> None:
    policies = json.dumps(own_key.resources("AWS::SNS::TopicPolicy"))
    assert "events.amazonaws.com" not in policies
    (rule,) = own_key.resources("AWS::Events::Rule").values()
    (target,) = rule["Properties"]["Targets"]
    role = own_key.resources("AWS::IAM::Role")[target["RoleArn"]["Fn::GetAtt"][0]]
    (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    account = {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    assert trust["Condition"] == {"StringEquals": account}


def test_functions_may_use_the_customer_key_only_through_the_stores(own_key: Synthesized) -> None:
    statements = [
        (name, s) for name, s in own_key.statements() if "kms:Decrypt" in json.dumps(s["Action"])
    ]
    assert statements
    for name, statement in statements:
        assert statement["Condition"]["StringEquals"]["kms:ViaService"], name
        assert "kms:*" not in statement["Action"]


def test_reserved_concurrency_goes_to_the_router_and_bounds_what_callers_reach(
    own_key: Synthesized,
) -> None:
    for name, executions in (("Router", 50), ("ManagementF", 20), ("CostsWidget", 5)):
        assert own_key.function(name)["ReservedConcurrentExecutions"] == executions


def test_the_notification_address_gets_alarms_and_run_results(own_key: Synthesized) -> None:
    told = own_key.resources("AWS::SNS::Subscription").values()
    assert [s["Properties"]["Endpoint"] for s in told] == ["a@b.example"] * 2
