"""What the role of each function may do."""

import json
import re
from fnmatch import fnmatch

from tests.infra.conftest import Synthesized, environment_of, listed


def test_permissions_name_their_actions_and_resources(prod: Synthesized) -> None:
    """Except names made at run time (objects, executions) and actions without resources."""
    unscoped = ("xray:", "logs:")
    for _, statement in prod.statements():
        actions, resources = listed(statement["Action"]), json.dumps(statement["Resource"])
        assert "*" not in json.dumps(actions)
        if "*" in resources and not all(action.startswith(unscoped) for action in actions):
            objects = {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}
            assert set(actions) <= objects | {"states:DescribeExecution"}
            assert statement["Resource"] != "*"


def test_only_the_router_reads_and_writes_sessions(prod: Synthesized) -> None:
    grants = {
        (name.split("Role")[0], *sorted(listed(statement["Action"])))
        for name, statement in prod.statements()
        if "SESSION#*" in json.dumps(statement)
    }
    assert grants == {
        ("Management", "dynamodb:DeleteItem"),
        ("Router", "dynamodb:GetItem", "dynamodb:PutItem"),
    }


def test_local_models_are_written_by_the_promoter_and_read_by_the_functions_that_use_them(
    prod: Synthesized,
) -> None:
    grants = {
        (name.split("Role")[0], action)
        for name, statement in prod.statements()
        if "/models/*" in json.dumps(statement["Resource"])
        for action in listed(statement["Action"])
    }
    assert grants == {
        ("Router", "s3:GetObject"),
        ("LearningOptimizer", "s3:GetObject"),
        ("LearningPromoter", "s3:GetObject"),
        ("LearningPromoter", "s3:PutObject"),
        ("Owner", "s3:GetObject"),
    }


def test_only_functions_that_delete_for_users_may_delete_records_and_objects(
    prod: Synthesized,
) -> None:
    deletes = [
        (name.split("Role")[0], statement)
        for name, statement in prod.statements()
        if {"s3:DeleteObject", "dynamodb:DeleteItem"} & set(listed(statement["Action"]))
    ]
    on_objects = {name for name, s in deletes if "s3:DeleteObject" in listed(s["Action"])}
    assert on_objects == {"Management", "LearningSteps"}
    on_records = [(n, s["Condition"]) for n, s in deletes if "RESULT#*" in json.dumps(s)]
    assert on_records == [
        (
            "Management",
            {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["RESULT#*", "TIME#*"]}},
        )
    ]


def test_claims_to_demos_are_added_by_the_optimizer_and_withdrawn_by_the_deleting_functions(
    prod: Synthesized,
) -> None:
    grants = {
        (name.split("Role")[0], action)
        for name, statement in prod.statements()
        if "/demo-claims.json" in json.dumps(statement["Resource"])
        for action in listed(statement["Action"])
        if action != "s3:GetObject"
    }
    writers = ("LearningOptimizer", "LearningSteps", "Management")
    assert grants == {(name, "s3:PutObject") for name in writers}


def test_only_the_promoter_and_the_owner_function_write_the_live_prompt(
    prod: Synthesized,
) -> None:
    writers = [
        name
        for name, s in prod.statements()
        if "ssm:PutParameter" in listed(s["Action"]) and "/prompt/" in json.dumps(s["Resource"])
    ]
    assert {name.split("Role")[0] for name in writers} == {"LearningPromoter", "Owner"}
    written = [
        json.dumps(statement["Resource"])
        for name, statement in prod.statements()
        if name.startswith("Owner") and "ssm:PutParameter" in listed(statement["Action"])
    ]
    for resource, name in zip(sorted(written), ("prompt/live", "switches"), strict=True):
        assert resource.count("parameter/") == 1
        assert name in resource


def test_the_owner_function_calls_no_model_but_the_router_llm(prod: Synthesized) -> None:
    def invoked(part: str) -> set[str]:
        return {
            json.dumps(resource)
            for name, statement in prod.statements()
            if name.startswith(part) and "bedrock:InvokeModel" in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        }

    models = json.loads(environment_of(prod, "Owner")["ROUTE_SWITCH_CONFIG"])["models"]
    router = str(models["router"]).removeprefix("bedrock/").partition(".")[2]
    assert invoked("Owner") < invoked("Router")
    assert all(router in resource for resource in invoked("Owner"))


def test_the_owner_function_reads_no_working_file_of_a_run_but_its_progress(
    prod: Synthesized,
) -> None:
    read = [
        json.dumps(resource)
        for name, statement in prod.statements()
        if name.startswith("Owner") and "s3:GetObject" in listed(statement["Action"])
        for resource in listed(statement["Resource"])
        if "DataLearning" in json.dumps(resource)
    ]
    assert len(read) == 3
    paths = ("/models/*", "/runs/*", "/work/*/progress.json")
    assert all(path in resource for path, resource in zip(paths, sorted(read), strict=True))


def test_no_role_may_change_or_delete_the_audit_trail_and_few_may_add_to_it(
    prod: Synthesized,
) -> None:
    actions: dict[str, set[str]] = {}
    for name, statement in prod.statements():
        on_table = [
            each
            for each in listed(statement["Resource"])
            if "DataResults" in json.dumps(each) and "/index/" not in json.dumps(each)
        ]
        if not on_table or statement["Effect"] != "Allow":
            continue
        condition = statement.get("Condition", {}).get("ForAllValues:StringLike", {})
        partitions = condition.get("dynamodb:LeadingKeys", ["*"])
        if any(fnmatch("AUDIT#2026-11", partition) for partition in partitions):
            granted = actions.setdefault(name.split("Role")[0], set())
            granted.update(listed(statement["Action"]))
    assert actions == {
        "LearningPromoter": {"dynamodb:PutItem"},
        "Owner": {"dynamodb:PutItem"},
        "LearningMonitor": {"dynamodb:PutItem"},
        "Management": {"dynamodb:PutItem", "dynamodb:Query"},
    }


def test_setup_and_monitor_may_invoke_only_the_promoter(prod: Synthesized) -> None:
    invoked = {
        name.split("Role")[0]: listed(statement["Resource"])
        for name, statement in prod.statements()
        if "lambda:InvokeFunction" in listed(statement["Action"])
    }
    for name in ("LearningMonitor", "SetupFunction"):
        (resource,) = invoked[name]
        assert resource["Fn::GetAtt"][0].startswith("LearningPromoterFunction")


def test_only_the_owner_function_writes_keys_and_the_first_ones_come_from_setup(
    prod: Synthesized,
) -> None:
    writers = {
        (name.split("Role")[0], action)
        for name, statement in prod.statements()
        if "DataKeys" in json.dumps(statement["Resource"])
        for action in listed(statement["Action"])
        if action in {f"dynamodb:{verb}Item" for verb in ("Put", "Update", "Delete")}
    }
    assert {name for name, _ in writers} == {"Owner", "SetupFunction", "LearningMonitor"}
    assert not {name for name, action in writers if action == "dynamodb:DeleteItem"}


def test_the_router_may_read_but_not_write_prompts_and_keys(prod: Synthesized) -> None:
    router = [s for name, s in prod.statements() if name.startswith("Router")]
    granted = {action for s in router for action in listed(s["Action"]) if "ssm:" in action}
    assert granted == {"ssm:GetParameter", "ssm:GetParameters"}
    keys = [s for s in router if "DataKeys" in json.dumps(s["Resource"])]
    assert [s["Action"] for s in keys] == ["dynamodb:GetItem"]


def test_costs_are_read_from_counters_not_from_requests(prod: Synthesized) -> None:
    management = [s for name, s in prod.statements() if name.startswith("Management")]
    bulk = [s for s in management if "dynamodb:BatchGetItem" in listed(s["Action"])]
    whole = [s["Condition"] for s in bulk if "ForAllValues:StringEquals" not in s["Condition"]]
    (read,) = [each["ForAllValues:StringLike"]["dynamodb:LeadingKeys"] for each in whole]
    assert read == ["DAY#*", "KEY#*", "LEARNING#*"]
    (some,) = [s["Condition"] for s in bulk if s["Condition"] not in whole]
    assert some == {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["RESULT#*"]},
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["feedback", "pk", "sk"]},
        "StringEqualsIfExists": {"dynamodb:Select": ["SPECIFIC_ATTRIBUTES"]},
    }
    scanned = [s["Resource"] for s in management if "dynamodb:Scan" in listed(s["Action"])]
    assert len(scanned) == 1
    assert "DataKeys" in json.dumps(scanned)


def test_feedback_may_change_the_counters_of_ratings_and_no_others(prod: Synthesized) -> None:
    granted = {
        frozenset(condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]): condition.get(
            "ForAllValues:StringEquals", {}
        ).get("dynamodb:Attributes")
        for name, statement in prod.statements()
        if name.startswith("Management") and "dynamodb:UpdateItem" in listed(statement["Action"])
        for condition in [statement["Condition"]]
    }
    assert granted == {
        frozenset({"DAY#*", "KEY#*"}): ["pk", "rated", "scores", "sk"],
        frozenset({"QUALITY#*"}): ["n", "pk", "sk", "total", "total_squares"],
        frozenset({"RATE#*"}): None,  # requests of the minute, for an admin key's limit
    }


def test_no_function_has_a_managed_policy(prod: Synthesized) -> None:
    managed = [
        name
        for name, role in prod.resources("AWS::IAM::Role").items()
        if role["Properties"].get("ManagedPolicyArns")
    ]
    services = {re.sub(r"ServiceRole\w+$|[0-9A-F]{8}$", "", name) for name in managed}
    assert services == {
        "ApiRestCloudWatchRole",
        *(f"{name}Deployments" for name in ("Router", "Management", "Owner")),
    }


def test_the_router_may_invoke_models_with_and_without_a_stream(prod: Synthesized) -> None:
    [actions] = [
        statement["Action"]
        for name, statement in prod.statements()
        if name.startswith("Router") and "bedrock" in json.dumps(statement["Action"])
    ]
    assert set(actions) == {"bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"}


def test_the_consoles_function_may_only_write_its_log_and_traces_and_deploys_only_what_it_serves(
    prod: Synthesized,
) -> None:
    roles = {
        name: each["Properties"]["PolicyDocument"]["Statement"]
        for name, each in prod.resources("AWS::IAM::Policy").items()
        if name.startswith("ConsoleRole")
    }
    (statements,) = roles.values()
    actions = {action for each in statements for action in each["Action"]}
    traces = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
    assert actions == {"logs:CreateLogStream", "logs:PutLogEvents", *traces}
    deployed = {each.name for each in prod.code_folder("Console").iterdir()}
    assert deployed - {"__pycache__"} == {"handler.py", "static"}
