"""The local stack's evaluation of IAM policies."""

import json
from typing import Any

import pytest

from local.aws.policies import Access, UnsupportedRequestError, denial_reason

TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/results"
LEADING = "dynamodb:leadingkeys"
Json = dict[str, Any]


def policy(*statements: Json) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str] = "dynamodb:*", resource: str = "*", **more: Any) -> Json:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def on_keys(operator: str, *patterns: str) -> str:
    return policy(allow(Condition={operator: {"dynamodb:LeadingKeys": list(patterns)}}))


def get(*keys: str) -> Access:
    return Access("dynamodb:GetItem", TABLE, {LEADING: keys})


def allows(document: str, access: Access) -> bool:
    return denial_reason([document], access) is None


def test_access_is_denied_by_default() -> None:
    reason = "because no identity-based policy allows the dynamodb:GetItem action"
    assert denial_reason([], get()) == reason
    assert denial_reason([policy(allow("dynamodb:PutItem"))], get()) == reason


def test_one_allowing_policy_is_enough() -> None:
    assert denial_reason([policy(allow("s3:*")), policy(allow())], get()) is None


def test_an_explicit_deny_wins() -> None:
    deny = policy({**allow("dynamodb:Get*"), "Effect": "Deny"})
    reason = "with an explicit deny in an identity-based policy"
    assert denial_reason([policy(allow()), deny], get()) == reason


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("dynamodb:GetItem", True),
        ("DynamoDB:getitem", True),
        ("dynamodb:Get*", True),
        ("dynamodb:?etItem", True),
        ("*", True),
        ("dynamodb:GetItems", False),
        ("dynamodb:Get", False),
        ("dynamodb:Get.tem", False),
    ],
)
def test_actions_are_case_insensitive_patterns(pattern: str, matches: bool) -> None:
    assert allows(policy(allow(pattern)), get()) is matches


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        (TABLE, True),
        ("arn:aws:dynamodb:*:*:table/results", True),
        (f"{TABLE}/index/*", False),
        (TABLE.replace("results", "Results"), False),
        (TABLE.replace("results", "result"), False),
    ],
)
def test_resources_are_case_sensitive_patterns(pattern: str, matches: bool) -> None:
    assert allows(policy(allow(resource=pattern)), get()) is matches


def test_all_leading_keys_must_match_one_of_the_patterns() -> None:
    document = on_keys("ForAllValues:StringLike", "DAY#*", "RUNS")
    assert allows(document, get("DAY#1", "RUNS", "DAY#2"))
    assert not allows(document, get("DAY#1", "RESULT#1"))


def test_for_any_value_requires_one_match() -> None:
    document = on_keys("ForAnyValue:StringEquals", "RUNS")
    assert allows(document, get("DAY#1", "RUNS"))
    assert not allows(document, get("DAY#1"))


def test_for_all_values_holds_if_the_request_lacks_the_key() -> None:
    """This is a pitfall of AWS: such a condition does not block a Scan."""
    scan = Access("dynamodb:Scan", TABLE)
    assert allows(on_keys("ForAllValues:StringLike", "DAY#*"), scan)
    assert not allows(on_keys("ForAnyValue:StringLike", "DAY#*"), scan)
    assert not allows(on_keys("StringLike", "DAY#*"), scan)
    assert allows(on_keys("StringLikeIfExists", "DAY#*"), scan)


def test_null_checks_whether_there_is_a_value() -> None:
    scan = Access("dynamodb:Scan", TABLE)
    assert allows(on_keys("Null", "false"), get("RUNS"))
    assert not allows(on_keys("Null", "false"), scan)
    assert allows(on_keys("Null", "true"), scan)


def test_every_condition_of_a_statement_must_hold() -> None:
    both = {
        "Null": {"dynamodb:LeadingKeys": False},
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": "DAY#*"},
    }
    document = policy(allow(Condition=both))
    assert allows(document, get("DAY#1"))
    assert not allows(document, get("RUNS"))
    assert not allows(document, Access("dynamodb:Scan", TABLE))


@pytest.mark.parametrize(
    "statement",
    [
        allow(Condition={"NumericLessThan": {"dynamodb:LeadingKeys": "1"}}),
        allow(Condition={"ForEachValue:StringLike": {"dynamodb:LeadingKeys": "1"}}),
        allow(Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}}),
        allow(resource="arn:aws:s3:::${aws:username}"),
        {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"},
    ],
    ids=["operator", "quantifier", "key", "variable", "not-action"],
)
def test_unsupported_policy_elements_are_not_silently_allowed(statement: Json) -> None:
    with pytest.raises(UnsupportedRequestError, match=r"Add it to local/aws/policies\.py"):
        denial_reason([policy(statement)], get("1"))
