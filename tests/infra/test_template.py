"""Data, permissions, routes and layers in the synthesized templates."""

import json
import re
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

import infra.api
from infra.api import ERRORS, all_paths
from infra.app import read_context, synthesize
from infra.routes import ROUTES, STREAMED
from infra.stage import load_stage
from route_switch.domain.router_config import RouterConfig
from route_switch.wiring.settings import ManagementSettings, parse_environment, parse_settings
from tests.infra.conftest import Synthesized, synthesize_stage

STATEFUL = {
    "DataResultsDF54D4F1": "AWS::DynamoDB::GlobalTable",
    "DataKeysACA0E3B2": "AWS::DynamoDB::GlobalTable",
    "DataIdempotency4AE02808": "AWS::DynamoDB::GlobalTable",
    "DataTexts5F2BB645": "AWS::S3::Bucket",
    "DataLearning06BECC9F": "AWS::S3::Bucket",
    "DataRecords27C8EFFC": "AWS::SQS::Queue",
}

LAMBDA_MOST_S = API_GATEWAY_MOST_S = 900


def environment(stage: Synthesized, function: str) -> dict[str, str]:
    """Return a function's environment. Values known only at deployment are logical ids."""
    variables = stage.function(function)["Environment"]["Variables"]
    return {name: v if isinstance(v, str) else v["Ref"] for name, v in variables.items()}


def test_synthesis_is_pure(local: Synthesized, tmp_path: Path) -> None:
    assert synthesize_stage(tmp_path, "local").text == local.text


def test_cloudformation_owns_the_seed_but_never_the_live_prompt(prod: Synthesized) -> None:
    found = [p["Properties"] for p in prod.resources("AWS::SSM::Parameter").values()]
    parameters = {parameter["Name"]: parameter["Value"] for parameter in found}
    prefix = "/route-switch/prod/prompt"
    names = ("seed", "lock-table", "models-bucket", "verdict-scope")
    assert parameters.keys() == {f"{prefix}/{name}" for name in names}
    # The lock is not in the keys table: write access there would allow creating keys.
    assert parameters[f"{prefix}/lock-table"] == {"Ref": "DataResultsDF54D4F1"}
    scope = json.loads(parameters[f"{prefix}/verdict-scope"])
    assert scope.keys() == {"tiers", "router", "prices", "settings", "lambda"}
    assert "?" not in scope["prices"], "the prices of synthesis"


def test_stateful_resources_keep_their_logical_ids(prod: Synthesized) -> None:
    resources = prod.template["Resources"]
    assert {name: resources[name]["Type"] for name in STATEFUL} == STATEFUL


def test_prod_keeps_its_data_and_local_does_not(prod: Synthesized, local: Synthesized) -> None:
    for stage, policies in (
        (prod, ("RetainExceptOnCreate", "Retain")),
        (local, ("Delete", "Delete")),
    ):
        resources = stage.template["Resources"]
        for policy, expected in zip(
            ("DeletionPolicy", "UpdateReplacePolicy"), policies, strict=True
        ):
            assert {resources[name][policy] for name in STATEFUL} == {expected}


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


def test_prods_tables_are_protected_and_backed_up(prod: Synthesized) -> None:
    for table in prod.resources("AWS::DynamoDB::GlobalTable").values():
        (replica,) = table["Properties"]["Replicas"]
        assert replica["DeletionProtectionEnabled"] is True
        backups = replica["PointInTimeRecoverySpecification"]
        assert backups["PointInTimeRecoveryEnabled"] is True
        assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"


def test_every_resource_that_can_be_is_tagged(prod: Synthesized) -> None:
    tags = [{"Key": "app", "Value": "route-switch"}, {"Key": "stage", "Value": "prod"}]
    for kind in ("Lambda::Function", "Logs::LogGroup", "S3::Bucket", "SNS::Topic", "SQS::Queue"):
        for resource in prod.resources(f"AWS::{kind}").values():
            assert resource["Properties"]["Tags"] == tags
    for table in prod.resources("AWS::DynamoDB::GlobalTable").values():
        assert [replica["Tags"] for replica in table["Properties"]["Replicas"]] == [tags]


def test_results_expire(prod: Synthesized) -> None:
    results = prod.resources("AWS::DynamoDB::GlobalTable")["DataResultsDF54D4F1"]["Properties"]
    assert results["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert [key["AttributeName"] for key in results["KeySchema"]] == ["pk", "sk"]
    texts = prod.resources("AWS::S3::Bucket")["DataTexts5F2BB645"]["Properties"]
    (rule,) = texts["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == 90


def test_texts_in_the_learning_bucket_expire_with_the_learning_window(prod: Synthesized) -> None:
    bucket = prod.resources("AWS::S3::Bucket")["DataLearning06BECC9F"]["Properties"]
    rules = bucket["LifecycleConfiguration"]["Rules"]
    assert {rule["Prefix"] for rule in rules} == {"answers/", "work/"}
    assert {rule["ExpirationInDays"] for rule in rules} == {28 + 7}


def test_the_learning_and_users_indexes_hold_keys_only(prod: Synthesized) -> None:
    results = prod.resources("AWS::DynamoDB::GlobalTable")["DataResultsDF54D4F1"]["Properties"]
    keys = {
        index["IndexName"]: [(key["AttributeName"], key["KeyType"]) for key in index["KeySchema"]]
        for index in results["GlobalSecondaryIndexes"]
    }
    assert keys == {
        "Learning": [("learn_pk", "HASH"), ("learn_sk", "RANGE")],
        "UsersByKey": [("user_pk", "HASH"), ("key_id", "RANGE")],
        "Users": [("user_pk", "HASH")],
    }
    for index in results["GlobalSecondaryIndexes"]:
        assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}


def test_buckets_queues_and_topics_are_private_and_require_tls(prod: Synthesized) -> None:
    policies = [
        *prod.resources("AWS::S3::BucketPolicy").values(),
        *prod.resources("AWS::SQS::QueuePolicy").values(),
        *prod.resources("AWS::SNS::TopicPolicy").values(),
    ]
    assert len(policies) == 6
    for policy in policies:
        denied = [
            statement["Condition"]
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
            if statement["Effect"] == "Deny"
        ]
        assert denied == [{"Bool": {"aws:SecureTransport": "false"}}]
    for bucket in prod.resources("AWS::S3::Bucket").values():
        assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    for queue in prod.resources("AWS::SQS::Queue").values():
        assert queue["Properties"]["SqsManagedSseEnabled"] is True
        assert queue["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_permissions_name_their_actions_and_resources(prod: Synthesized) -> None:
    """Except names made at run time (objects, executions) and actions without resources."""
    unscoped = ("xray:", "logs:")
    for _, statement in prod.statements():
        actions, resources = _list(statement["Action"]), json.dumps(statement["Resource"])
        assert "*" not in json.dumps(actions)
        if "*" in resources and not all(action.startswith(unscoped) for action in actions):
            objects = {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}
            assert set(actions) <= objects | {"states:DescribeExecution"}
            assert statement["Resource"] != "*"


def test_only_the_router_reads_and_writes_sessions(prod: Synthesized) -> None:
    grants = {
        (name.split("Role")[0], *sorted(_list(statement["Action"])))
        for name, statement in prod.statements()
        if "SESSION#*" in json.dumps(statement)
    }
    assert grants == {
        ("Management", "dynamodb:DeleteItem"),
        ("Router", "dynamodb:GetItem", "dynamodb:PutItem"),
    }


def test_local_models_are_written_by_the_promoter_and_read_by_who_uses_them(
    prod: Synthesized,
) -> None:
    grants = {
        (name.split("Role")[0], action)
        for name, statement in prod.statements()
        if "/models/*" in json.dumps(statement["Resource"])
        for action in _list(statement["Action"])
    }
    assert grants == {
        ("Router", "s3:GetObject"),
        ("LearningOptimizer", "s3:GetObject"),
        ("LearningPromoter", "s3:GetObject"),
        ("LearningPromoter", "s3:PutObject"),
    }


def test_only_functions_that_delete_for_users_may_delete_records_and_objects(
    prod: Synthesized,
) -> None:
    deletes = [
        (name.split("Role")[0], statement)
        for name, statement in prod.statements()
        if {"s3:DeleteObject", "dynamodb:DeleteItem"} & set(_list(statement["Action"]))
    ]
    on_objects = {name for name, s in deletes if "s3:DeleteObject" in _list(s["Action"])}
    assert on_objects == {"Management", "LearningSteps"}
    on_records = [(n, s["Condition"]) for n, s in deletes if "RESULT#*" in json.dumps(s)]
    assert on_records == [
        ("Management", {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["RESULT#*"]}})
    ]


def test_the_management_function_accepts_its_environment(
    prod: Synthesized, local: Synthesized
) -> None:
    for stage, days in ((prod, 35), (local, 0)):
        variables = environment(stage, "Management")
        settings = parse_environment(
            ManagementSettings, variables, ROUTE_SWITCH_CONFIG=RouterConfig
        )
        assert settings.backup_days == days
        assert settings.learning_bucket == "DataLearning06BECC9F"


def test_only_the_promoter_writes_the_live_prompt(prod: Synthesized) -> None:
    writers = [
        name
        for name, s in prod.statements()
        if "ssm:PutParameter" in _list(s["Action"]) and "/prompt/" in json.dumps(s["Resource"])
    ]
    assert [name.split("Role")[0] for name in writers] == ["LearningPromoter"]


def test_no_role_may_change_or_delete_the_audit_trail_and_only_the_promoter_may_add_to_it(
    prod: Synthesized,
) -> None:
    actions: dict[str, set[str]] = {}
    for name, statement in prod.statements():
        on_table = [
            each
            for each in _list(statement["Resource"])
            if "DataResults" in json.dumps(each) and "/index/" not in json.dumps(each)
        ]
        if not on_table or statement["Effect"] != "Allow":
            continue
        condition = statement.get("Condition", {}).get("ForAllValues:StringLike", {})
        partitions = condition.get("dynamodb:LeadingKeys", ["*"])
        if any(fnmatch("AUDIT#2026-11", partition) for partition in partitions):
            granted = actions.setdefault(name.split("Role")[0], set())
            granted.update(_list(statement["Action"]))
    assert actions == {"LearningPromoter": {"dynamodb:PutItem"}}


def test_setup_waits_for_everything_that_the_promoter_needs(prod: Synthesized) -> None:
    (first_deploy,) = prod.resources("Custom::FirstDeploy").values()
    awaited = first_deploy["DependsOn"]
    for part in ("LearningPromoterRoleDefaultPolicy", "LearningPromoterFunction", "PromptSeed"):
        assert [name for name in awaited if name.startswith(part)]


def test_setup_and_monitor_may_invoke_only_the_promoter(prod: Synthesized) -> None:
    invoked = {
        name.split("Role")[0]: _list(statement["Resource"])
        for name, statement in prod.statements()
        if "lambda:InvokeFunction" in _list(statement["Action"])
    }
    for name in ("LearningMonitor", "SetupFunction"):
        (resource,) = invoked[name]
        assert resource["Fn::GetAtt"][0].startswith("LearningPromoterFunction")


def test_the_router_may_read_but_not_write_prompts_and_keys(prod: Synthesized) -> None:
    router = [s for name, s in prod.statements() if name.startswith("Router")]
    granted = {action for s in router for action in _list(s["Action"]) if "ssm:" in action}
    assert granted == {"ssm:GetParameter", "ssm:GetParameters"}
    keys = [s for s in router if "DataKeys" in json.dumps(s["Resource"])]
    assert [s["Action"] for s in keys] == ["dynamodb:GetItem"]


def test_costs_are_read_from_counters_not_from_requests(prod: Synthesized) -> None:
    management = [s for name, s in prod.statements() if name.startswith("Management")]
    bulk = [s for s in management if "dynamodb:BatchGetItem" in _list(s["Action"])]
    (read,) = [s["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] for s in bulk]
    assert read == ["DAY#*", "KEY#*", "LEARNING#*"]
    scanned = [s["Resource"] for s in management if "dynamodb:Scan" in _list(s["Action"])]
    assert len(scanned) == 1
    assert "DataKeys" in json.dumps(scanned)


def test_no_function_has_a_managed_policy(prod: Synthesized) -> None:
    managed = [
        name
        for name, role in prod.resources("AWS::IAM::Role").items()
        if role["Properties"].get("ManagedPolicyArns")
    ]
    services = {re.sub(r"ServiceRole\w+$|[0-9A-F]{8}$", "", name) for name in managed}
    assert services == {"ApiRestCloudWatchRole", "RouterDeployments", "ManagementDeployments"}


@pytest.mark.parametrize("name", ["prod", "local", "openai_hash"])
def test_the_router_accepts_its_environment(name: str, request: pytest.FixtureRequest) -> None:
    stage: Synthesized = request.getfixturevalue(name)
    settings = parse_settings(environment(stage, "Router"))
    assert settings.results_table == "DataResultsDF54D4F1"
    assert settings.live_parameter.endswith("/prompt/live")
    timeout = stage.function("Router")["Timeout"]
    assert settings.router.request_deadline_s < timeout <= LAMBDA_MOST_S


def path_of(resources: Mapping[str, Any], name: str) -> str:
    """Return a resource's path; the API itself is no resource."""
    properties = resources[name]["Properties"]
    above = properties["ParentId"].get("Ref")
    return f"{path_of(resources, above) if above else ''}/{properties['PathPart']}"


def test_requests_of_every_protocol_are_streamed_and_no_other_route_is(prod: Synthesized) -> None:
    resources = prod.resources("AWS::ApiGateway::Resource")
    streamed = [
        (method["HttpMethod"], path_of(resources, method["ResourceId"]["Ref"]))
        for method in (m["Properties"] for m in prod.resources("AWS::ApiGateway::Method").values())
        if method["Integration"].get("ResponseTransferMode") == "STREAM"
    ]
    assert sorted(streamed) == sorted(STREAMED)
    paths = ("/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/completions")
    assert {("POST", path) for path in paths} == STREAMED


def test_a_stream_has_the_url_and_the_time_that_it_needs(prod: Synthesized) -> None:
    integrations = [
        m["Properties"]["Integration"]
        for m in prod.resources("AWS::ApiGateway::Method").values()
        if m["Properties"]["Integration"].get("ResponseTransferMode") == "STREAM"
    ]
    assert len(integrations) == len(STREAMED)
    for integration in integrations:
        parts = [p for p in integration["Uri"]["Fn::Join"][1] if isinstance(p, str)]
        assert any(":lambda:path/2021-11-15/functions/" in part for part in parts)
        assert parts[-1] == "/response-streaming-invocations"
        assert integration["Type"] == "AWS_PROXY"
        assert integration["TimeoutInMillis"] == API_GATEWAY_MOST_S * 1000
    timeout = prod.function("Router")["Timeout"]
    deadline_s = parse_settings(environment(prod, "Router")).router.request_deadline_s
    assert deadline_s == 300
    assert deadline_s + 10 == timeout < API_GATEWAY_MOST_S


def test_the_longest_deadline_fits_into_lambda(tmp_path: Path) -> None:
    stage = synthesize_stage(tmp_path, "local", settings={"router": {"request_deadline_s": 870}})
    assert stage.function("Router")["Timeout"] == 880 < LAMBDA_MOST_S


def test_the_router_may_invoke_models_with_and_without_a_stream(prod: Synthesized) -> None:
    [actions] = [
        statement["Action"]
        for name, statement in prod.statements()
        if name.startswith("Router") and "bedrock" in json.dumps(statement["Action"])
    ]
    assert set(actions) == {"bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"}


def test_secrets_exist_only_if_a_stage_needs_them(
    prod: Synthesized, local: Synthesized, openai_hash: Synthesized
) -> None:
    assert not prod.resources("AWS::SecretsManager::Secret")
    assert not local.resources("AWS::SecretsManager::Secret")
    settings = parse_settings(environment(openai_hash, "Router"))
    used = {settings.text_hash_secret, settings.provider_secret}
    assert openai_hash.resources("AWS::SecretsManager::Secret").keys() == used
    granted = [
        statement["Resource"]
        for name, statement in openai_hash.statements()
        if name.startswith("Router") and statement["Action"] == "secretsmanager:GetSecretValue"
    ]
    assert {resource["Ref"] for found in granted for resource in _list(found)} == used


def test_an_unknown_price_is_absent_and_gives_a_warning(openai_hash: Synthesized) -> None:
    prices = parse_settings(environment(openai_hash, "Router")).router.models.prices
    assert "openai/gpt-4.1" in prices
    assert "openai/nobody/knows" not in prices
    report = (openai_hash.folder / "validation-report.json").read_text(encoding="utf-8")
    assert "openai/nobody/knows has no known price" in report


def test_the_offline_layers_are_attached_only_if_a_stage_needs_them(
    prod: Synthesized, local: Synthesized
) -> None:
    assert _packages(prod, "Router") == _packages(prod, "Setup") == _packages(local, "Setup")
    assert _packages(local, "Router") > _packages(prod, "Router") | {"route_switch_offline"}


def test_prods_layers_contain_no_heavy_packages(prod: Synthesized) -> None:
    packages = _packages(prod, "Router")
    assert {"route_switch", "boto3", "httpx", "pydantic"} <= packages
    assert not packages & {"litellm", "dspy", "optuna", "numpy", "onnxruntime", "openai"}


def test_prods_wheels_are_for_its_platform(prod: Synthesized) -> None:
    router = prod.function("Router")
    assert (router["Runtime"], router["Architectures"]) == ("python3.14", ["arm64"])
    libraries = [f.name for folder in prod.layer_folders("Router") for f in folder.rglob("*.so")]
    assert libraries
    assert all("cpython-314-aarch64" in name for name in libraries)


def test_the_core_layer_does_not_contain_the_command_line(prod: Synthesized) -> None:
    (core,) = [f for f in prod.layer_folders("Router") if (f / "python/route_switch").exists()]
    assert (core / "python/route_switch/data/hand_written.md").exists()
    assert not (core / "python/route_switch/cli").exists()


def test_the_api_has_exactly_its_routes(prod: Synthesized) -> None:
    parts = {
        name: (resource["Properties"]["ParentId"].get("Ref"), resource["Properties"]["PathPart"])
        for name, resource in prod.resources("AWS::ApiGateway::Resource").items()
    }

    def path(name: str | None) -> str:
        if name is None:  # the root
            return ""
        parent, part = parts[name]
        return f"{path(parent)}/{part}"

    methods = prod.resources("AWS::ApiGateway::Method").values()
    found = {
        (m["Properties"]["HttpMethod"], path(m["Properties"]["ResourceId"].get("Ref")))
        for m in methods
    }
    others = {("ANY", f"/{path.strip('/')}") for path in all_paths()}
    assert others > {("ANY", "/{proxy+}"), ("ANY", "/health"), ("ANY", "/v1")}
    assert {(method, path or "/") for method, path in found} == {*ROUTES, *others}
    (rest,) = prod.resources("AWS::ApiGateway::RestApi").values()
    assert rest["Properties"]["EndpointConfiguration"] == {"Types": ["REGIONAL"]}
    assert rest["Properties"]["BinaryMediaTypes"] == ["*/*"]


def test_the_api_takes_no_old_tls(prod: Synthesized) -> None:
    (rest,) = prod.resources("AWS::ApiGateway::RestApi").values()
    assert rest["Properties"]["SecurityPolicy"] == "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"
    assert rest["Properties"]["EndpointAccessMode"] == "STRICT"


def test_pages_of_listed_origins_may_read_api_gateways_errors(
    prod: Synthesized, tmp_path: Path
) -> None:
    origin = "https://app.example.com"
    settings: dict[str, JsonValue] = {"cors_origins": [origin]}
    pages = synthesize_stage(tmp_path, "dev", settings=settings)
    for stage, value in ((pages, f"'{origin}'"), (prod, None)):
        for response in stage.resources("AWS::ApiGateway::GatewayResponse").values():
            headers = response["Properties"].get("ResponseParameters", {})
            name = "gatewayresponse.header.Access-Control-Allow-Origin"
            assert headers.get(name) == value
    assert environment(pages, "Router")["CORS_ORIGINS"] == origin
    assert environment(pages, "Management")["CORS_ORIGINS"] == origin
    assert "CORS_ORIGINS" not in environment(prod, "Router")


def test_api_gateways_own_errors_are_openai_shaped(prod: Synthesized) -> None:
    responses = prod.resources("AWS::ApiGateway::GatewayResponse").values()
    found = {r["Properties"]["ResponseType"]: r["Properties"] for r in responses}
    assert found.keys() == {error.response for error in ERRORS}
    for response in found.values():
        template = response["ResponseTemplates"]["application/json"]
        body = json.loads(template.replace("$context.error.messageString", '"message"'))
        assert body["error"].keys() == {"message", "type", "param", "code"}
        assert body["error"]["message"]
    unknown = found["MISSING_AUTHENTICATION_TOKEN"]
    assert unknown["StatusCode"] == "404"
    assert "unknown_url" in unknown["ResponseTemplates"]["application/json"]


def test_clients_do_not_repeat_a_request_that_ran_out_of_time_after_models_were_paid(
    prod: Synthesized,
) -> None:
    responses = prod.resources("AWS::ApiGateway::GatewayResponse").values()
    headers = {
        response["Properties"]["ResponseType"]: response["Properties"].get("ResponseParameters", {})
        for response in responses
    }
    retry, no_retry = (
        {kind for kind, given in headers.items() if f"gatewayresponse.header.{name}" in given}
        for name in ("Retry-After", "x-should-retry")
    )
    assert retry == {"THROTTLED", "INTEGRATION_FAILURE"}
    assert no_retry == {"INTEGRATION_TIMEOUT"}


def test_no_gateway_log_contains_a_body(prod: Synthesized) -> None:
    (stage,) = prod.resources("AWS::ApiGateway::Stage").values()
    access = json.loads(stage["Properties"]["AccessLogSetting"]["Format"])
    wanted = {"status", "responseLatency", "integrationLatency", "integrationError", "traceId"}
    assert wanted <= access.keys()
    assert not [value for value in access.values() if "body" in value or "querystring" in value]
    (settings,) = stage["Properties"]["MethodSettings"]
    assert settings["DataTraceEnabled"] is False
    assert settings["ThrottlingRateLimit"] > 0


def test_tracing_is_on_in_prod_and_off_in_local(prod: Synthesized, local: Synthesized) -> None:
    for stage, traced in ((prod, True), (local, False)):
        functions = stage.resources("AWS::Lambda::Function").values()
        assert {"TracingConfig" in f["Properties"] for f in functions} == {traced}


def test_outputs_have_the_documented_names(prod: Synthesized, openai_hash: Synthesized) -> None:
    names = {
        *("ApiEndpoint", "FirstKeysParameter", "KeysTable", "LivePromptParameter"),
        *("ResultsTable", "RouterFunction", "SeedPromptParameter"),
        *("LearningBucket", "LearningStateMachine", "RunsTopic"),
        *("AlarmsTopic", "DashboardName", "MissedQueue", "RecordsQueue"),
    }
    assert prod.template["Outputs"].keys() == names
    assert openai_hash.template["Outputs"].keys() == names | {"ProviderSecret"}


def test_a_finding_that_is_not_accepted_stops_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(infra.api, "ACCEPTED", {})
    with pytest.raises(RuntimeError, match="AwsSolutions-APIG4"):
        synthesize_stage(tmp_path, "prod")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _packages(stage: Synthesized, function: str) -> set[str]:
    folders = stage.layer_folders(function)
    return {
        item.name
        for folder in folders
        for item in (folder / "python").iterdir()
        if (item / "__init__.py").exists()
    }
