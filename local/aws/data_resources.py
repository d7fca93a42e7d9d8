"""CloudFormation resource types for data: tables, parameters, secrets, buckets, keys.

Where moto's CloudFormation lacks a type or ignores properties, these functions call the service's
API, with the same code for creating and updating.
"""

import json

from local.aws.request import Attributes, Properties, Request, pick

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
        # Do not overwrite a value that its owner has set since.
        if wanted.get("SecretString") not in (
            None,
            request.previous.properties.get("SecretString"),
        ):
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


def put_key(request: Request) -> Attributes:
    client, wanted = request.cloud.client("kms"), request.properties
    policy = {"Policy": json.dumps(wanted["KeyPolicy"])} if "KeyPolicy" in wanted else {}
    if request.previous is None:
        description = wanted.get("Description", "")
        arn = client.create_key(Description=description, **policy)["KeyMetadata"]["Arn"]
    else:
        arn = request.previous.attributes["Arn"]
        if policy:
            client.put_key_policy(KeyId=arn, PolicyName="default", **policy)
    rotates = wanted.get("EnableKeyRotation")
    (client.enable_key_rotation if rotates else client.disable_key_rotation)(KeyId=arn)
    return {"Ref": arn.rpartition("/")[2], "Arn": arn}


def put_key_alias(request: Request) -> Attributes:
    client = request.cloud.client("kms")
    put = client.create_alias if request.previous is None else client.update_alias
    put(AliasName=request.name, TargetKeyId=request.properties["TargetKeyId"])
    return {"Ref": request.name}


def delete_table(request: Request) -> None:
    request.cloud.client("dynamodb").delete_table(TableName=request.name)


def delete_parameter(request: Request) -> None:
    request.cloud.client("ssm").delete_parameter(Name=request.name)


def delete_secret(request: Request) -> None:
    """Delete at once, because the next deployment generates the same name again."""
    client = request.cloud.client("secretsmanager")
    client.delete_secret(SecretId=request.name, ForceDeleteWithoutRecovery=True)


def delete_bucket(request: Request) -> None:
    """Raise if the bucket is not empty, as in AWS. moto's CloudFormation would keep it silently."""
    request.cloud.client("s3").delete_bucket(Bucket=request.name)


def delete_key(request: Request) -> None:
    request.cloud.client("kms").schedule_key_deletion(KeyId=request.name)


def delete_key_alias(request: Request) -> None:
    request.cloud.client("kms").delete_alias(AliasName=request.name)
