"""Tables, buckets, queues and parameters: what they keep, how long, and how they are protected."""

import json

from tests.infra.conftest import Synthesized

STATEFUL = {
    "DataResultsDF54D4F1": "AWS::DynamoDB::GlobalTable",
    "DataKeysACA0E3B2": "AWS::DynamoDB::GlobalTable",
    "DataIdempotency4AE02808": "AWS::DynamoDB::GlobalTable",
    "DataTexts5F2BB645": "AWS::S3::Bucket",
    "DataLearning06BECC9F": "AWS::S3::Bucket",
    "DataRecords27C8EFFC": "AWS::SQS::Queue",
}


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


def test_prods_tables_are_protected_and_backed_up(prod: Synthesized) -> None:
    for table in prod.resources("AWS::DynamoDB::GlobalTable").values():
        (replica,) = table["Properties"]["Replicas"]
        assert replica["DeletionProtectionEnabled"] is True
        backups = replica["PointInTimeRecoverySpecification"]
        assert backups["PointInTimeRecoveryEnabled"] is True
        assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"


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
