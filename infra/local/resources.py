"""CloudFormation resource types that moto lacks, or of which it drops what a stack needs.

Each is put through the service's own API, so that creating and updating are the same code.
"""

import json
import uuid
from dataclasses import dataclass
from typing import Any

from infra.local.cloud import Cloud
from infra.local.errors import LocalStackError

Properties = dict[str, Any]  # JSON
Attributes = dict[str, Any]
"""What Fn::GetAtt finds, and under "Ref" the physical id."""

CUSTOM_RESOURCE_BUCKET = "local-cloudformation-custom-resource-responses"
FUNCTION_KEYS = (
    "Architectures",
    "Description",
    "Environment",
    "EphemeralStorage",
    "Handler",
    "Layers",
    "MemorySize",
    "PackageType",
    "Role",
    "Runtime",
    "Timeout",
)
INDEX_KEYS = ("IndexName", "KeySchema", "Projection")
SSM_KEYS = ("Name", "Type", "Value", "Description", "Tier", "AllowedPattern", "DataType")
PASSWORD_KEYS = (
    "ExcludeCharacters",
    "ExcludeLowercase",
    "ExcludeNumbers",
    "ExcludePunctuation",
    "ExcludeUppercase",
    "IncludeSpace",
    "PasswordLength",
    "RequireEachIncludedType",
)


@dataclass(frozen=True)
class Request:
    """One resource of a template, its properties resolved."""

    cloud: Cloud
    stack_id: str
    logical_id: str
    type: str
    name: str
    properties: Properties
    previous: "Deployed | None"


@dataclass(frozen=True)
class Deployed:
    """A resource as it was put last."""

    properties: Properties
    attributes: Attributes


def pick(properties: Properties, keys: tuple[str, ...]) -> Properties:
    return {key: properties[key] for key in keys if key in properties}


def put_table(request: Request) -> Attributes:
    client, wanted = request.cloud.client("dynamodb"), request.properties
    indexes = [pick(index, INDEX_KEYS) for index in wanted.get("GlobalSecondaryIndexes", [])]
    if request.previous is None:
        streams = wanted.get("StreamSpecification")
        client.create_table(
            TableName=request.name,
            BillingMode="PAY_PER_REQUEST",
            **pick(wanted, ("KeySchema", "AttributeDefinitions", "LocalSecondaryIndexes")),
            **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
            **({"StreamSpecification": streams | {"StreamEnabled": True}} if streams else {}),
        )
    else:
        add_indexes(request, indexes)
    if ttl := wanted.get("TimeToLiveSpecification"):
        client.update_time_to_live(TableName=request.name, TimeToLiveSpecification=ttl)
    table = client.describe_table(TableName=request.name)["Table"]
    return {
        "Ref": request.name,
        "Arn": table["TableArn"],
        "StreamArn": table.get("LatestStreamArn"),
    }


def add_indexes(request: Request, indexes: list[Properties]) -> None:
    client = request.cloud.client("dynamodb")
    table = client.describe_table(TableName=request.name)["Table"]
    known = {index["IndexName"] for index in table.get("GlobalSecondaryIndexes", [])}
    for index in indexes:
        if index["IndexName"] not in known:
            client.update_table(
                TableName=request.name,
                AttributeDefinitions=request.properties["AttributeDefinitions"],
                GlobalSecondaryIndexUpdates=[{"Create": index}],
            )


def put_parameter(request: Request) -> Attributes:
    wanted = pick(request.properties, SSM_KEYS) | {"Name": request.name}
    request.cloud.client("ssm").put_parameter(**wanted, Overwrite=request.previous is not None)
    return {"Ref": request.name, "Type": wanted["Type"], "Value": wanted["Value"]}


def put_secret(request: Request) -> Attributes:
    client, wanted = request.cloud.client("secretsmanager"), request.properties
    if request.previous is not None:
        if "SecretString" in wanted:
            client.put_secret_value(SecretId=request.name, SecretString=wanted["SecretString"])
        return request.previous.attributes
    value = wanted.get("SecretString")
    if (generate := wanted.get("GenerateSecretString")) is not None:
        options = pick(generate, PASSWORD_KEYS)
        value = client.get_random_password(**options)["RandomPassword"]
        if key := generate.get("GenerateStringKey"):
            template = json.loads(generate.get("SecretStringTemplate", "{}"))
            value = json.dumps(template | {key: value})
    secret = {"SecretString": value} if value is not None else {}
    arn = client.create_secret(Name=request.name, **secret)["ARN"]
    return {"Ref": arn, "Id": arn}


def put_layer(request: Request) -> Attributes:
    wanted = pick(request.properties, ("Content", "Description", "CompatibleRuntimes"))
    layer = request.cloud.client("lambda").publish_layer_version(LayerName=request.name, **wanted)
    return {"Ref": layer["LayerVersionArn"], "LayerVersionArn": layer["LayerVersionArn"]}


def put_function(request: Request) -> Attributes:
    client, wanted = request.cloud.client("lambda"), request.properties
    settings = pick(wanted, FUNCTION_KEYS)
    if request.previous is None:
        client.create_function(FunctionName=request.name, Code=wanted["Code"], **settings)
    else:
        for fixed in ("Architectures", "PackageType"):
            settings.pop(fixed, None)
        client.update_function_configuration(FunctionName=request.name, **settings)
        client.update_function_code(FunctionName=request.name, **wanted["Code"])
    function = client.get_function(FunctionName=request.name)["Configuration"]
    return {"Ref": request.name, "Arn": function["FunctionArn"]}


def put_deployment(request: Request) -> Attributes:
    api = request.properties["RestApiId"]
    deployment = request.cloud.client("apigateway").create_deployment(restApiId=api)["id"]
    return {"Ref": deployment, "DeploymentId": deployment}


def put_stage(request: Request) -> Attributes:
    client, wanted = request.cloud.client("apigateway"), request.properties
    stage = {"restApiId": wanted["RestApiId"], "stageName": wanted["StageName"]}
    if request.previous is not None:
        client.delete_stage(**stage)
    client.create_stage(**stage, deploymentId=wanted["DeploymentId"])
    return {"Ref": wanted["StageName"]}


def put_gateway_response(request: Request) -> Attributes:
    wanted = request.properties
    optional = {
        "statusCode": wanted.get("StatusCode"),
        "responseTemplates": wanted.get("ResponseTemplates"),
        "responseParameters": wanted.get("ResponseParameters"),
    }
    request.cloud.client("apigateway").put_gateway_response(
        restApiId=wanted["RestApiId"],
        responseType=wanted["ResponseType"],
        **{key: value for key, value in optional.items() if value is not None},
    )
    return {"Ref": request.name}


def put_nothing(request: Request) -> Attributes:
    return {"Ref": request.name}


def put_custom_resource(request: Request) -> Attributes:
    """Runs the function behind it and reads its answer from a presigned URL, as in AWS."""
    s3, previous = request.cloud.client("s3"), request.previous
    answer = {"Bucket": CUSTOM_RESOURCE_BUCKET, "Key": str(uuid.uuid4())}
    s3.create_bucket(Bucket=CUSTOM_RESOURCE_BUCKET)
    event = {
        "RequestType": "Create" if previous is None else "Update",
        "ResponseURL": s3.generate_presigned_url("put_object", Params=answer),
        "StackId": request.stack_id,
        "RequestId": answer["Key"],
        "ResourceType": request.type,
        "LogicalResourceId": request.logical_id,
        "ResourceProperties": request.properties,
    }
    if previous is not None:
        event["PhysicalResourceId"] = previous.attributes["Ref"]
        event["OldResourceProperties"] = previous.properties
    function = request.properties["ServiceToken"]
    result = request.cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    try:
        body = json.loads(s3.get_object(**answer)["Body"].read())
    except (s3.exceptions.NoSuchKey, json.JSONDecodeError):
        raise LocalStackError(
            f"{function} did not PUT JSON with an empty Content-Type to its ResponseURL; it "
            f"returned {result['Payload'].read().decode()}. Its log may say why."
        ) from None
    if body["Status"] != "SUCCESS":
        raise LocalStackError(f"{function} answered: {body.get('Reason', body)}")
    return {**body.get("Data", {}), "Ref": body["PhysicalResourceId"]}
