"""CloudFormation resource types of Lambda."""

from local.aws.request import Attributes, Request, pick

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
FIXED = ("Architectures", "PackageType")
"""Settings that `update_function_configuration` does not accept."""
UNSET = {"Description": "", "Environment": {"Variables": {}}, "Layers": []}
"""Defaults for what the template omits: an update would otherwise keep the old values."""
ASYNC_KEYS = ("MaximumEventAgeInSeconds", "MaximumRetryAttempts", "DestinationConfig")
ALIAS_KEYS = ("Description", "FunctionVersion", "Name")


def put_layer(request: Request) -> Attributes:
    wanted = pick(request.properties, ("Content", "Description", "CompatibleRuntimes"))
    layer = request.cloud.client("lambda").publish_layer_version(LayerName=request.name, **wanted)
    return {"Ref": layer["LayerVersionArn"], "LayerVersionArn": layer["LayerVersionArn"]}


def delete_layer(request: Request) -> None:
    name, version = request.name.split(":")[-2:]
    client = request.cloud.client("lambda")
    client.delete_layer_version(LayerName=name, VersionNumber=int(version))


def put_function(request: Request) -> Attributes:
    client, wanted = request.cloud.client("lambda"), request.properties
    settings = pick(wanted, FUNCTION_KEYS)
    if request.previous is None:
        client.create_function(FunctionName=request.name, Code=wanted["Code"], **settings)
    else:
        settings = {key: value for key, value in settings.items() if key not in FIXED}
        client.update_function_configuration(FunctionName=request.name, **UNSET | settings)
        client.update_function_code(FunctionName=request.name, **wanted["Code"])
    function = client.get_function(FunctionName=request.name)["Configuration"]
    return {"Ref": request.name, "Arn": function["FunctionArn"]}


def delete_function(request: Request) -> None:
    request.cloud.client("lambda").delete_function(FunctionName=request.name)


def put_version(request: Request) -> Attributes:
    """Publish a version. It never changes: the CDK gives the next version another logical id."""
    if request.previous is not None:
        return request.previous.attributes
    function = request.properties["FunctionName"]
    version = request.cloud.client("lambda").publish_version(
        FunctionName=function, Description=request.properties.get("Description", "")
    )
    arn = version["FunctionArn"]
    return {"Ref": arn, "FunctionArn": arn, "Version": version["Version"]}


def delete_version(request: Request) -> None:
    function, _, version = request.name.rpartition(":")
    request.cloud.client("lambda").delete_function(FunctionName=function, Qualifier=version)


def put_alias(request: Request) -> Attributes:
    """Switch the alias at once. The local stack ignores the rollout in its UpdatePolicy."""
    client, wanted = request.cloud.client("lambda"), request.properties
    put = client.create_alias if request.previous is None else client.update_alias
    arn = put(FunctionName=wanted["FunctionName"], **pick(wanted, ALIAS_KEYS))["AliasArn"]
    return {"Ref": arn, "AliasArn": arn}


def delete_alias(request: Request) -> None:
    function, name = request.properties["FunctionName"], request.properties["Name"]
    request.cloud.client("lambda").delete_alias(FunctionName=function, Name=name)


def put_event_invoke_config(request: Request) -> Attributes:
    if request.previous is not None:
        delete_event_invoke_config(request)  # otherwise moto would return the old one
    function = request.properties["FunctionName"]
    request.cloud.client("lambda").put_function_event_invoke_config(
        FunctionName=function, **pick(request.properties, ASYNC_KEYS)
    )
    return {"Ref": function}


def delete_event_invoke_config(request: Request) -> None:
    function = request.properties["FunctionName"]
    request.cloud.client("lambda").delete_function_event_invoke_config(FunctionName=function)
