"""Deploys a stack of a cloud assembly (cdk.out) as the CDK's command line does."""

import json
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from moto.cloudformation import parsing
from moto.cloudformation.models import cloudformation_backends

from infra.local.archives import pack
from infra.local.client import STACK_NAME
from infra.local.cloud import ACCOUNT, Cloud
from infra.local.emulator import RIE_ARCHITECTURES
from infra.local.errors import LocalStackError
from infra.local.functions import CACHE
from infra.local.image import build

DEFAULT_REGION = "us-east-1"
SYNTHESIZE = "Run: make synth"
Json = dict[str, Any]


@dataclass(frozen=True)
class Assembly:
    """The local stage as it was synthesized."""

    folder: Path
    region: str
    template: Json
    files: Json
    """The asset manifest's files."""
    images: Json
    """The asset manifest's container images."""


def read_assembly(cdk_out: Path) -> Assembly:
    """Finds the local stack; raises when it is missing or made for another machine."""
    manifests = [*cdk_out.glob("manifest.json"), *cdk_out.glob("assembly-*/manifest.json")]
    if not manifests:
        raise LocalStackError(f"{cdk_out} holds no cloud assembly. {SYNTHESIZE}")
    for manifest in manifests:
        for name, artifact in json.loads(manifest.read_text()).get("artifacts", {}).items():
            # The manifest leaves a stack's name out where it is the artifact's.
            is_stack = artifact["type"] == "aws:cloudformation:stack"
            if is_stack and artifact["properties"].get("stackName", name) == STACK_NAME:
                return read_stack(manifest.parent, artifact)
    raise LocalStackError(f"{cdk_out} has no stack {STACK_NAME}: another stage? {SYNTHESIZE}")


def read_stack(folder: Path, artifact: Json) -> Assembly:
    template_file = artifact["properties"]["templateFile"]
    template = json.loads((folder / template_file).read_text())
    assets = json.loads((folder / template_file.replace(".template.", ".assets.")).read_text())
    region = artifact["environment"].rpartition("/")[2]
    images = assets.get("dockerImages", {})
    check_machine(template, images)
    return Assembly(
        folder=folder,
        region=DEFAULT_REGION if region == "unknown-region" else region,
        template=template,
        files=assets.get("files", {}),
        images=images,
    )


def check_machine(template: Json, images: Json) -> None:
    """Wheels are for one Python and one processor: they must be this machine's."""
    here = (
        f"python{sys.version_info.major}.{sys.version_info.minor}",
        RIE_ARCHITECTURES.get(platform.machine()),
    )
    made_for = {
        image["displayName"]: (
            f"python{image['source']['dockerBuildArgs']['PYTHON_VERSION']}",
            here[1],
        )
        for image in images.values()
    }
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Lambda::Function":
            properties = resource["Properties"]
            runtime = properties.get("Runtime", here[0])  # an image brings its own
            made_for[name] = runtime, properties.get("Architectures", ["x86_64"])[0]
    for name, needed in made_for.items():
        if needed != here:
            raise LocalStackError(
                f"{name} was synthesized for {needed}, this machine is {here}. {SYNTHESIZE}"
            )


def deploy(cloud: Cloud, assembly: Assembly) -> dict[str, str]:
    """Creates the stack, or updates it in place; returns its outputs."""
    publish_assets(cloud, assembly)
    client = cloud.client("cloudformation")
    try:
        client.describe_stacks(StackName=STACK_NAME)
        update = True
    except ClientError:
        update = False
    # Not through the API: it would answer an error of ours with a bare 500.
    backend = cloudformation_backends[ACCOUNT][cloud.region]
    template = json.dumps(assembly.template)
    if update:
        backend.update_stack(STACK_NAME, template, role_arn=None, parameters=[], tags=None)
    else:
        backend.create_stack(STACK_NAME, template, parameters={})
    verify(cloud, assembly)
    stack = client.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def publish_assets(cloud: Cloud, assembly: Assembly) -> None:
    """Puts the manifest's files and images where the template expects them."""
    s3 = cloud.client("s3")
    CACHE.mkdir(parents=True, exist_ok=True)
    for tag, image in assembly.images.items():
        source = image["source"]
        cloud.images[tag] = build(assembly.folder / source["directory"], source, CACHE)
    for asset in assembly.files.values():
        source = assembly.folder / asset["source"]["path"]
        for destination in asset["destinations"].values():
            place = {
                key: destination[name]
                .replace("${AWS::AccountId}", ACCOUNT)
                .replace("${AWS::Region}", cloud.region)
                .replace("${AWS::Partition}", "aws")
                for key, name in (("Bucket", "bucketName"), ("Key", "objectKey"))
            }
            s3.create_bucket(Bucket=place["Bucket"], **location(cloud.region))
            s3.put_object(**place, Body=asset_body(source, asset["source"]["packaging"]))


def location(region: str) -> Json:
    if region == "us-east-1":
        return {}
    return {"CreateBucketConfiguration": {"LocationConstraint": region}}


def asset_body(source: Path, packaging: str) -> bytes:
    """A file as it is, a folder as a zip file; its name is its content's hash, so packed once."""
    if packaging == "file":
        return source.read_bytes()
    archive = CACHE / f"{source.name}.zip"
    if not archive.exists():
        pack(source, archive)
    return archive.read_bytes()


def verify(cloud: Cloud, assembly: Assembly) -> None:
    """moto may report a half-made stack as complete, so look for what should be there."""
    wanted = {
        name
        for name, resource in assembly.template["Resources"].items()
        if "Condition" not in resource
    }
    pages = cloud.client("cloudformation").get_paginator("list_stack_resources")
    found = [
        resource
        for page in pages.paginate(StackName=STACK_NAME)
        for resource in page["StackResourceSummaries"]
    ]
    missing = wanted - {resource["LogicalResourceId"] for resource in found}
    missing |= {resource["LogicalResourceId"] for resource in found if not exists(cloud, resource)}
    if missing:
        raise LocalStackError(f"Not deployed: {', '.join(sorted(missing))}.")


def exists(cloud: Cloud, resource: Json) -> bool:
    """Asks the service itself, for the types that hold data or code."""
    name = resource["PhysicalResourceId"]
    try:
        match resource["ResourceType"]:
            case "AWS::DynamoDB::GlobalTable" | "AWS::DynamoDB::Table":
                cloud.client("dynamodb").describe_table(TableName=name)
            case "AWS::Lambda::Function":
                cloud.client("lambda").get_function(FunctionName=name)
            case "AWS::Lambda::EventInvokeConfig":
                cloud.client("lambda").get_function_event_invoke_config(FunctionName=name)
            case "AWS::S3::Bucket":
                cloud.client("s3").head_bucket(Bucket=name)
            case "AWS::SecretsManager::Secret":
                cloud.client("secretsmanager").describe_secret(SecretId=name)
            case "AWS::Scheduler::Schedule":
                found = cloud.client("scheduler").list_schedules(NamePrefix=name)["Schedules"]
                return any(each["Name"] == name for each in found)
            case "AWS::SNS::Subscription":
                cloud.client("sns").get_subscription_attributes(SubscriptionArn=name)
            case "AWS::SNS::Topic":
                cloud.client("sns").get_topic_attributes(TopicArn=name)
            case "AWS::SQS::Queue":
                cloud.client("sqs").get_queue_attributes(QueueUrl=name)
            case "AWS::SSM::Parameter":
                cloud.client("ssm").get_parameter(Name=name)
            case "AWS::StepFunctions::StateMachine":
                cloud.client("stepfunctions").describe_state_machine(stateMachineArn=name)
    except ClientError:
        return False
    return True


def resolved_resources(cloud: Cloud) -> dict[str, Json]:
    """The deployed template's resources with every reference replaced by its value."""
    stack = cloudformation_backends[ACCOUNT][cloud.region].get_stack(STACK_NAME)
    resources = stack.resource_map
    return {
        name: {
            "Type": resource["Type"],
            "Ref": getattr(resources[name], "physical_resource_id", None),
            "Properties": parsing.clean_json(resource.get("Properties", {}), resources),
        }
        for name, resource in stack.template_dict["Resources"].items()
        if resource["Type"].startswith("AWS::ApiGateway::")
    }
