"""Deploy a stack of a cloud assembly (cdk.out) as the CDK command line does."""

import json
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moto.cloudformation.models import cloudformation_backends
from moto.s3.models import s3_backends

from local.aws.archives import pack
from local.aws.client import STACK_NAME
from local.aws.cloud import ACCOUNT, Cloud
from local.aws.emulator import CACHE, RIE_ARCHITECTURES
from local.aws.errors import LocalStackError
from local.aws.image import build, save_image
from local.aws.logs import see_all
from local.aws.moto_cloudformation import resources_of
from local.aws.verify import exists

DEFAULT_REGION = "us-east-1"
SYNTHESIZE = "Run: make synth"
DEPLOYED = {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
Json = dict[str, Any]


@dataclass(frozen=True)
class Assembly:
    """The synthesized local stage."""

    folder: Path
    region: str
    template: Json
    files: Json
    """File assets in the manifest."""
    images: Json
    """Container images in the manifest."""


def read_assembly(cdk_out: Path) -> Assembly:
    """Read the local stack. Raise `LocalStackError` if it is missing or for another machine."""
    manifests = [*cdk_out.glob("manifest.json"), *cdk_out.glob("assembly-*/manifest.json")]
    if not manifests:
        raise LocalStackError(f"{cdk_out} contains no cloud assembly. {SYNTHESIZE}")
    for manifest in manifests:
        for name, artifact in json.loads(manifest.read_text()).get("artifacts", {}).items():
            # The manifest omits a stack's name if it equals the artifact's.
            is_stack = artifact["type"] == "aws:cloudformation:stack"
            if is_stack and artifact["properties"].get("stackName", name) == STACK_NAME:
                return read_stack(manifest.parent, artifact)
    raise LocalStackError(
        f"{cdk_out} does not contain the stack {STACK_NAME}; it may be of another stage. "
        f"{SYNTHESIZE}"
    )


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
    """Raise unless the wheels are for this machine's Python version and processor."""
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
            runtime = properties.get("Runtime", here[0])  # an image has its own
            made_for[name] = runtime, properties.get("Architectures", ["x86_64"])[0]
    for name, needed in made_for.items():
        if needed != here:
            raise LocalStackError(
                f"{name} was synthesized for {needed}, but this machine is {here}. {SYNTHESIZE}"
            )


def deploy(cloud: Cloud, assembly: Assembly) -> dict[str, str]:
    """Create the stack or update it in place, and return its outputs."""
    publish_assets(cloud, assembly)
    # Bypass the API, which accepts a template of this size only from a bucket.
    backend = cloudformation_backends[ACCOUNT][cloud.region]
    template = json.dumps(assembly.template)
    if find_stack(cloud) is not None:
        stack = backend.update_stack(STACK_NAME, template, None, [], None)
    else:
        stack = backend.create_stack(STACK_NAME, template, {})
    if stack.status not in DEPLOYED:
        raise LocalStackError(f"{failure_reason(stack)} {see_all(cloud.logs)}")
    verify(cloud, assembly)
    return outputs_of(cloud)


def find_stack(cloud: Cloud) -> Any:  # moto's
    stacks = cloudformation_backends[ACCOUNT][cloud.region].stacks.values()
    return next((stack for stack in stacks if stack.name == STACK_NAME), None)


def failure_reason(stack: Any) -> str:  # moto's
    reasons = (
        event.resource_status_reason
        for event in reversed(stack.events)
        if event.resource_status.endswith("ROLLBACK_IN_PROGRESS")
    )
    return f"{next(reasons)}. The stack is now {stack.status}."


def outputs_of(cloud: Cloud) -> dict[str, str]:
    stack = cloud.client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def publish_assets(cloud: Cloud, assembly: Assembly) -> None:
    """Put the manifest's files and images where the template expects them."""
    # Bypass the API: sending 200 MB of layers takes longer than the rest of a deployment.
    s3 = s3_backends[ACCOUNT]["aws"]
    CACHE.mkdir(parents=True, exist_ok=True)
    for tag, image in assembly.images.items():
        source = image["source"]
        save_image(build(assembly.folder / source["directory"], source, CACHE), tag, CACHE)
    for asset in assembly.files.values():
        source = assembly.folder / asset["source"]["path"]
        for destination in asset["destinations"].values():
            bucket, key = (
                destination[name]
                .replace("${AWS::AccountId}", ACCOUNT)
                .replace("${AWS::Region}", cloud.region)
                .replace("${AWS::Partition}", "aws")
                for name in ("bucketName", "objectKey")
            )
            if bucket not in s3.buckets:
                s3.create_bucket(bucket, cloud.region)
            s3.put_object(bucket, key, asset_body(source, asset["source"]["packaging"]))


def asset_body(source: Path, packaging: str) -> bytes:
    """Return a file as is, and a folder as a zip file, which is cached by the asset's hash."""
    if packaging == "file":
        return source.read_bytes()
    archive = CACHE / f"{source.name}.zip"
    if not archive.exists():
        pack(source, archive)
    return archive.read_bytes()


def verify(cloud: Cloud, assembly: Assembly) -> None:
    """Raise if a resource is missing: moto may report an incomplete stack as complete."""
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
    missing |= {each["LogicalResourceId"] for each in found if not exists(cloud.client, each)}
    if missing:
        raise LocalStackError(
            f"moto reported success but did not create {', '.join(sorted(missing))}. "
            "local/aws/resource_types.py says how each type is created."
        )


def resolved_resources(cloud: Cloud) -> dict[str, Json]:
    """Return the deployed API Gateway resources, with every reference replaced by its value."""
    stack = find_stack(cloud)
    return {
        name: {
            "Type": resource.cf_resource_type,
            "Ref": resource.physical_resource_id,
            "Properties": resource.resolved.get("Properties", {}),
        }
        for name, resource in ({} if stack is None else resources_of(stack)).items()
        if resource.cf_resource_type.startswith("AWS::ApiGateway::")
    }
