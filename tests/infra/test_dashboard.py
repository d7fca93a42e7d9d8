"""The permissions and the environment of the dashboard's function."""

import json

from route_switch.wiring.settings import DashboardSettings, parse_environment
from tests.infra.conftest import Resource, Synthesized


def granted(stage: Synthesized) -> list[Resource]:
    return [s for name, s in stage.statements() if name.startswith("CostsWidget")]


def actions(statement: Resource) -> list[str]:
    found = statement["Action"]
    return found if isinstance(found, list) else [found]


def resources_of(stage: Synthesized, action: str) -> str:
    return json.dumps([s["Resource"] for s in granted(stage) if action in actions(s)])


def test_the_function_may_read_counters_keys_and_prompts_and_write_nothing(
    prod: Synthesized,
) -> None:
    assert {action for s in granted(prod) for action in actions(s)} == {
        *("dynamodb:BatchGetItem", "dynamodb:Scan", "ssm:GetParameter", "ssm:GetParameterHistory"),
        *("logs:CreateLogStream", "logs:PutLogEvents"),
        *("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
    }
    (counters,) = [s for s in granted(prod) if "dynamodb:BatchGetItem" in actions(s)]
    assert counters["Condition"]["ForAllValues:StringLike"] == {
        "dynamodb:LeadingKeys": ["DAY#*", "KEY#*", "LEARNING#*"]
    }
    assert "DataResults" in json.dumps(counters["Resource"])
    assert "DataKeys" in resources_of(prod, "dynamodb:Scan")
    assert "DataResults" not in resources_of(prod, "dynamodb:Scan")
    assert "/prompt/seed" in resources_of(prod, "ssm:GetParameter")
    assert "/prompt/seed" not in resources_of(prod, "ssm:GetParameterHistory")


def test_no_resource_policy_lets_anyone_invoke_the_function(prod: Synthesized) -> None:
    permissions = json.dumps(prod.resources("AWS::Lambda::Permission"))
    assert "CostsWidget" not in permissions


def test_the_function_accepts_its_environment(prod: Synthesized) -> None:
    variables = prod.function("CostsWidget")["Environment"]["Variables"]
    named = {name: v if isinstance(v, str) else v["Ref"] for name, v in variables.items()}
    settings = parse_environment(DashboardSettings, named)
    assert settings.keys_table == "DataKeysACA0E3B2"
    assert settings.live_parameter == "/route-switch/prod/prompt/live"
