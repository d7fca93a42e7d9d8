"""Stacks are created, updated, rolled back and deleted as in AWS, tested through its APIs."""

import io
import json
import sys
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from local.aws.client import CloudInfo, aws_client, running_cloud

Template = dict[str, Any]  # a template is data, not a model
TRUST = {
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ]
}
BUCKET = "code-of-the-tests"
TOO_LONG = "x" * 5000
"""Too large: a Standard parameter holds 4,096 characters."""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudInfo]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as info:
        client(info, "s3").create_bucket(Bucket=BUCKET)
        yield info


def client(cloud: CloudInfo, service: str) -> Any:
    return aws_client(service, cloud.aws_endpoint, cloud.region)


class Stack:
    """A stack in the cloud, by name."""

    def __init__(self, cloud: CloudInfo, name: str) -> None:
        self._client = client(cloud, "cloudformation")
        self.name = name

    def create(self, resources: Template) -> str:
        template = json.dumps({"Resources": resources})
        self._id = self._client.create_stack(StackName=self.name, TemplateBody=template)["StackId"]
        return self.status

    def update(self, resources: Template) -> str:
        template = json.dumps({"Resources": resources})
        self._client.update_stack(StackName=self.name, TemplateBody=template)
        return self.status

    def delete(self) -> str:
        self._client.delete_stack(StackName=self.name)
        return self.status

    @property
    def status(self) -> str:
        """Look up by id, which a deleted stack keeps."""
        status: str = self._client.describe_stacks(StackName=self._id)["Stacks"][0]["StackStatus"]
        return status

    def physical(self, logical_id: str) -> str:
        found = self._client.describe_stack_resource(
            StackName=self.name, LogicalResourceId=logical_id
        )
        name: str = found["StackResourceDetail"]["PhysicalResourceId"]
        return name

    def reason(self, status: str) -> str:
        """Return the reason in the newest event with the status."""
        events = self._client.describe_stack_events(StackName=self._id)["StackEvents"]
        found: str = next(
            f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
            for event in events
            if event["ResourceStatus"] == status
        )
        return found

    def template(self) -> Template:
        template: Template = self._client.get_template(StackName=self.name)["TemplateBody"]
        return template


def upload(cloud: CloudInfo, key: str, **files: str) -> dict[str, str]:
    """Upload a zip archive with Python modules."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/") + ".py", text)
    client(cloud, "s3").put_object(Bucket=BUCKET, Key=key, Body=body.getvalue())
    return {"S3Bucket": BUCKET, "S3Key": key}


def parameter(value: str, **more: Any) -> Template:
    return {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Value": value},
        **more,
    }


def served(code: dict[str, str], layer: dict[str, str], version: str) -> Template:
    """A function behind an alias. Each `version` has a new layer and a new function version."""
    return {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": TRUST},
        },
        f"Layer{version}": {"Type": "AWS::Lambda::LayerVersion", "Properties": {"Content": layer}},
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": code,
                "Handler": "handler.handle",
                "Runtime": f"python3.{sys.version_info.minor}",
                "Layers": [{"Ref": f"Layer{version}"}],
                "Environment": {"Variables": {"SAID": version}},
            },
        },
        f"Version{version}": {
            "Type": "AWS::Lambda::Version",
            "DeletionPolicy": "Retain",
            "Properties": {"FunctionName": {"Ref": "Function"}},
        },
        "Alias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "Name": "live",
                "FunctionName": {"Ref": "Function"},
                "FunctionVersion": {"Fn::GetAtt": [f"Version{version}", "Version"]},
            },
        },
    }


HANDLER = """
import os, words
def handle(event, context):
    return [os.environ["SAID"], words.WORD, context.function_version, {number}]
"""


@pytest.fixture
def versions(cloud: CloudInfo) -> list[Template]:
    return [
        served(
            upload(cloud, f"code{number}", handler=HANDLER.format(number=number)),
            upload(cloud, f"layer{number}", python__words=f"WORD = 'word {number}'"),
            str(number),
        )
        for number in (1, 2)
    ]


def invoke(cloud: CloudInfo, function: str) -> Any:
    return json.loads(client(cloud, "lambda").invoke(FunctionName=function)["Payload"].read())


def test_a_published_version_keeps_its_code_layers_and_settings(
    cloud: CloudInfo, versions: list[Template]
) -> None:
    stack = Stack(cloud, "versions")
    assert stack.create(versions[0]) == "CREATE_COMPLETE"
    alias, function = stack.physical("Alias"), stack.physical("Function")
    assert invoke(cloud, alias) == ["1", "word 1", "1", 1]

    assert stack.update(versions[1]) == "UPDATE_COMPLETE"
    assert invoke(cloud, alias) == ["2", "word 2", "2", 2]
    assert invoke(cloud, function) == ["2", "word 2", "$LATEST", 2]
    # The version is retained, and keeps its layer although the layer was deleted.
    assert invoke(cloud, f"{function}:1") == ["1", "word 1", "1", 1]

    assert stack.delete() == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="ResourceNotFound"):
        invoke(cloud, alias)


def test_after_a_failed_update_the_old_version_serves_and_new_resources_are_deleted(
    cloud: CloudInfo, versions: list[Template]
) -> None:
    stack = Stack(cloud, "failing-update")
    stack.create({**versions[0], "Setting": parameter("old")})
    alias, setting, layer = (stack.physical(name) for name in ("Alias", "Setting", "Layer1"))
    before = stack.template()

    broken = {"New": parameter("new"), "Broken": parameter(TOO_LONG, DependsOn=["Alias", "New"])}
    status = stack.update({"Setting": parameter("new"), **versions[1], **broken})

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert "Broken: " in (reason := stack.reason("CREATE_FAILED"))
    assert "4096" in reason
    assert invoke(cloud, alias) == ["1", "word 1", "1", 1]
    assert invoke(cloud, stack.physical("Function")) == ["1", "word 1", "$LATEST", 1]
    ssm = client(cloud, "ssm")
    assert ssm.get_parameter(Name=setting)["Parameter"]["Value"] == "old"
    names = {each["Name"] for each in ssm.describe_parameters()["Parameters"]}
    assert not any("failing-update-New" in name for name in names)
    assert stack.physical("Layer1") == layer
    assert stack.template() == before

    assert stack.update({**versions[1], "Setting": parameter("new")}) == "UPDATE_COMPLETE"
    assert invoke(cloud, alias)[:2] == ["2", "word 2"]
    assert stack.delete() == "DELETE_COMPLETE"


def test_a_failed_creation_leaves_nothing(cloud: CloudInfo) -> None:
    stack = Stack(cloud, "failing-creation")
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "short-lived"}}
    broken = parameter(TOO_LONG, DependsOn="Queue")
    assert stack.create({"Queue": queue, "Broken": broken}) == "ROLLBACK_COMPLETE"
    assert "Broken: " in stack.reason("CREATE_FAILED")
    assert "QueueUrls" not in client(cloud, "sqs").list_queues(QueueNamePrefix="short-lived")


def test_dropped_resources_are_deleted_unless_retained(cloud: CloudInfo) -> None:
    stack = Stack(cloud, "dropping")
    kept = {"Kept": parameter("kept")}
    dropped = {
        "Dropped": parameter("dropped"),
        "Retained": parameter("retained", DeletionPolicy="Retain"),
    }
    stack.create(kept | dropped)
    names = {name: stack.physical(name) for name in (*kept, *dropped)}
    assert stack.update(kept) == "UPDATE_COMPLETE"
    found = client(cloud, "ssm").get_parameters(Names=list(names.values()))
    assert found["InvalidParameters"] == [names["Dropped"]]
    assert stack.delete() == "DELETE_COMPLETE"
    found = client(cloud, "ssm").get_parameters(Names=list(names.values()))
    assert [each["Value"] for each in found["Parameters"]] == ["retained"]


def test_a_new_name_replaces_the_resource(cloud: CloudInfo) -> None:
    stack = Stack(cloud, "renaming")
    for name in ("/first", "/second"):
        renamed = parameter("value")
        renamed["Properties"]["Name"] = name
        (stack.update if name == "/second" else stack.create)({"Named": renamed})
    found = client(cloud, "ssm").get_parameters(Names=["/first", "/second"])
    assert found["InvalidParameters"] == ["/first"]
    assert stack.delete() == "DELETE_COMPLETE"


def test_a_bucket_that_is_not_empty_stops_the_deletion(cloud: CloudInfo) -> None:
    stack, s3 = Stack(cloud, "full"), client(cloud, "s3")
    stack.create({"Bucket": {"Type": "AWS::S3::Bucket"}})
    bucket = stack.physical("Bucket")
    s3.put_object(Bucket=bucket, Key="text", Body=b"")
    assert stack.delete() == "DELETE_FAILED"
    assert "BucketNotEmpty" in stack.reason("DELETE_FAILED")
    s3.delete_object(Bucket=bucket, Key="text")
    assert stack.delete() == "DELETE_COMPLETE"


def alarm(threshold: int, **more: Any) -> Template:
    properties = {
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
        "Threshold": threshold,
        **more,
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}


METRIC = {"Namespace": "Tests", "MetricName": "errors"}
SUM = {"Id": "m0", "ReturnData": False}
SUM["MetricStat"] = {"Metric": METRIC, "Period": 60, "Stat": "Sum"}
RATE = [SUM, {"Id": "rate", "Expression": "m0 * 2", "ReturnData": True}]


def monitoring(threshold: int) -> Template:
    rule = {"Fn::Join": ["", ['ALARM("', {"Ref": "Simple"}, '")']]}
    body = {"Fn::Join": ["", ['{"widgets": [], "start": "-PT', str(threshold), 'H"}']]}
    return {
        "Simple": alarm(threshold, **METRIC, Period=60, Statistic="Sum"),
        "Math": alarm(threshold, Metrics=RATE, AlarmActions=["arn:aws:sns:us-east-1:1:any"]),
        "Both": {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmRule": rule}},
        "Board": {
            "Type": "AWS::CloudWatch::Dashboard",
            "Properties": {"DashboardBody": body},
        },
    }


def test_alarms_and_a_dashboard_are_created_updated_and_deleted(cloud: CloudInfo) -> None:
    stack, cloudwatch = Stack(cloud, "monitoring"), client(cloud, "cloudwatch")
    both = {"AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
    for change, threshold in ((stack.create, 1), (stack.update, 2)):
        change(monitoring(threshold))
        names = {name: stack.physical(name) for name in monitoring(threshold)}
        found = cloudwatch.describe_alarms(**both)
        alarms = {each["AlarmName"]: each for each in found["MetricAlarms"]}
        simple, math = alarms[names["Simple"]], alarms[names["Math"]]
        assert (simple["Threshold"], simple["MetricName"]) == (threshold, "errors")
        assert [each["Id"] for each in math["Metrics"]] == ["m0", "rate"]
        assert math["AlarmActions"] == ["arn:aws:sns:us-east-1:1:any"]
        (composite,) = found["CompositeAlarms"]
        assert composite["AlarmRule"] == f'ALARM("{names["Simple"]}")'
        board = cloudwatch.get_dashboard(DashboardName=names["Board"])["DashboardBody"]
        assert json.loads(board)["start"] == f"-PT{threshold}H"
    assert stack.delete() == "DELETE_COMPLETE"
    left = cloudwatch.describe_alarms(**both)
    assert (left["MetricAlarms"], left["CompositeAlarms"]) == ([], [])
    assert cloudwatch.list_dashboards()["DashboardEntries"] == []


def test_a_key_keeps_its_id_when_updated_and_is_deleted_with_the_stack(cloud: CloudInfo) -> None:
    stack, kms = Stack(cloud, "keys"), client(cloud, "kms")

    def template(rotates: bool) -> Template:
        statement = {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        key = {"KeyPolicy": policy, "EnableKeyRotation": rotates}
        alias = {"AliasName": "alias/tests", "TargetKeyId": {"Fn::GetAtt": ["Key", "Arn"]}}
        return {
            "Key": {"Type": "AWS::KMS::Key", "Properties": key},
            "Alias": {"Type": "AWS::KMS::Alias", "Properties": alias},
        }

    stack.create(template(rotates=False))
    key = stack.physical("Key")
    assert stack.update(template(rotates=True)) == "UPDATE_COMPLETE"
    assert kms.describe_key(KeyId="alias/tests")["KeyMetadata"]["KeyId"] == key
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    assert stack.delete() == "DELETE_COMPLETE"
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def test_a_change_set_describes_its_changes_and_executes_them(cloud: CloudInfo) -> None:
    cloudformation = client(cloud, "cloudformation")
    names = {"StackName": "by-change-set", "ChangeSetName": "next"}
    cloudformation.delete_change_set(**names)  # there is none, and that is no error
    with pytest.raises(ClientError, match="ChangeSetNotFound"):
        cloudformation.describe_change_set(**names)
    for kind, value, action in (("CREATE", "a", "Add"), ("UPDATE", "b", "Modify")):
        template = json.dumps({"Resources": {"Setting": parameter(value)}})
        cloudformation.create_change_set(**names, TemplateBody=template, ChangeSetType=kind)
        (change,) = cloudformation.describe_change_set(**names)["Changes"]
        assert change["ResourceChange"]["Action"] == action
        cloudformation.execute_change_set(**names)
        cloudformation.delete_change_set(**names)
        (stack,) = cloudformation.describe_stacks(StackName="by-change-set")["Stacks"]
        assert stack["StackStatus"] == f"{kind}_COMPLETE"
        (found,) = cloudformation.list_stack_resources(StackName="by-change-set")[
            "StackResourceSummaries"
        ]
        setting = client(cloud, "ssm").get_parameter(Name=found["PhysicalResourceId"])
        assert setting["Parameter"]["Value"] == value
    cloudformation.delete_stack(StackName="by-change-set")


def test_before_a_deployment_no_route_exists(cloud: CloudInfo) -> None:
    assert httpx.get(f"{cloud.endpoint}/health").status_code == 403
