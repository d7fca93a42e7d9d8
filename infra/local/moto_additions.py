"""Bends moto, in the process that becomes a local stack: see `install`."""

import hashlib
import inspect
import json
import os
import threading
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.cloudformation import parsing
from moto.cloudformation.models import Stack
from moto.core import responses
from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.ssm.exceptions import ValidationException
from moto.ssm.models import SimpleSystemManagerBackend

from infra.local import moto_dynamodb, moto_iam, moto_stepfunctions
from infra.local.archives import Archive
from infra.local.cloud import Cloud
from infra.local.errors import LocalStackError
from infra.local.functions import Functions, FunctionVersion, RequestTooLargeError
from infra.local.resource_types import TYPES, find_put
from infra.local.resources import Attributes, Deployed, Properties, Request

SSM_BYTES = {"Standard": 4096, "Advanced": 8192, "Intelligent-Tiering": 8192}
KEPT_AS_CREATED = "AWS::ApiGateway::"
"""The HTTP front reads the template, so moto's own copy of an API need not follow it."""


class Resource:
    """A deployed resource, as moto's CloudFormation wants to see it."""

    def __init__(self, logical_id: str, type_: str, deployed: Deployed) -> None:
        self.logical_resource_id = logical_id
        self.type = self.cf_resource_type = type_
        self.deployed = deployed

    @property
    def physical_resource_id(self) -> str:
        return str(self.deployed.attributes["Ref"])

    def is_created(self) -> bool:
        return True

    def get_cfn_attribute(self, name: str) -> Any:
        try:
            return self.deployed.attributes[name]
        except KeyError:
            raise LocalStackError(
                f"{self.logical_resource_id} ({self.type}) has no attribute {name} here. "
                "Return it from its function in infra/local/resources.py."
            ) from None


class TooLargeError(LambdaClientError):  # type: ignore[misc]  # moto is untyped
    code = 413


class ServiceError(LambdaClientError):  # type: ignore[misc]  # moto is untyped
    code = 500


def install(cloud: Cloud, functions: Functions, denials: Path) -> None:
    """Makes moto deploy what templates hold, update in place, and run functions for real, each
    in its role; see `moto_iam.install` for `denials`."""
    os.environ["MOTO_PORT"] = cloud.endpoint.rpartition(":")[2]
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    Stack.parse_template = staticmethod(json.loads)  # YAML takes seconds for a large template
    parsing.ResourceMap.validate_outputs = lambda _: None  # it knows moto's own types only
    parsing.ResourceMap.update = update_stack
    parsing.parse_and_create_resource = deployer(cloud, parsing.parse_and_create_resource)
    LambdaFunction.invoke = invoker(cloud, functions)
    limit_parameters()
    look_up_once()
    moto_dynamodb.install()
    moto_iam.install(cloud, denials)
    moto_stepfunctions.install(cloud)


def update_stack(resources: Any, template: dict[str, Any], _parameters: object = None) -> None:
    """Puts every resource that changed again, what it refers to first.

    A resource that the template dropped stays, unlike in AWS.
    """
    resources.previous = resources._parsed_resources
    resources._template, resources._resource_json_map = template, template["Resources"]
    resources._parsed_resources = {
        name: value for name, value in resources.previous.items() if name.startswith("AWS::")
    }
    resources.load()
    for logical_id in resources.resources:
        resources[logical_id]


def deployer(cloud: Cloud, create_with_moto: Callable[..., Any]) -> Callable[..., Any]:
    """What deploys one resource: by this package where it knows the type, else by moto."""

    def deploy(
        logical_id: str, template: dict[str, Any], resources: Any, account_id: str, region_name: str
    ) -> Any:
        condition, type_ = template.get("Condition"), template["Type"]
        if condition is not None and not resources.lazy_condition_map[condition]:
            return None
        dependencies = template.get("DependsOn", [])
        for name in [dependencies] if isinstance(dependencies, str) else dependencies:
            resources[name]  # moto makes a resource when it is first looked up
        put = find_put(type_)
        previous = getattr(resources, "previous", {}).get(logical_id)
        where = {"account_id": account_id, "region_name": region_name}
        try:
            if put is not None:
                return put_resource(cloud, put, logical_id, template, resources, previous)
            if type_ not in parsing.get_model_map():
                raise LocalStackError("Unknown type. Add it to infra/local/resource_types.py.")
            if previous is not None:
                return update_with_moto(logical_id, template, resources, previous, where)
            return create_with_moto(logical_id, template, resources, **where)
        except Exception as error:
            raise LocalStackError(f"{logical_id} ({type_}): {error}") from error

    return deploy


def put_resource(
    cloud: Cloud,
    put: Callable[[Request], Attributes],
    logical_id: str,
    template: dict[str, Any],
    resources: Any,
    previous: Resource | None,
) -> Resource:
    type_ = template["Type"]
    properties: Properties = parsing.clean_json(template.get("Properties", {}), resources)
    if previous is not None and previous.deployed.properties == properties:
        return previous
    name = properties.get(TYPES[type_][0]) if type_ in TYPES else None
    if name is None and previous is not None:
        name = previous.physical_resource_id
    stack = resources["AWS::StackName"]
    request = Request(
        cloud=cloud,
        stack_id=resources.stack_id,
        logical_id=logical_id,
        type=type_,
        name=name or generate_name(type_, stack, logical_id),
        properties=properties,
        previous=None if previous is None else previous.deployed,
    )
    return Resource(logical_id, type_, Deployed(properties, put(request)))


def generate_name(type_: str, stack: str, logical_id: str) -> str:
    """As CloudFormation names a resource, but the same in each local stack.

    CDK counts the hyphens in a secret's name.
    """
    suffix = hashlib.sha256(f"{stack}/{logical_id}".encode()).hexdigest()[:12].upper()
    prefix = logical_id if type_ == "AWS::SecretsManager::Secret" else f"{stack}-{logical_id}"
    return f"{prefix}-{suffix}"


def update_with_moto(
    logical_id: str, template: dict[str, Any], resources: Any, previous: Any, where: dict[str, str]
) -> Any:
    """Updates by moto's own class, under the name that the resource has."""
    model, resolved, _ = parsing.parse_resource(template, resources)
    if template["Type"].startswith(KEPT_AS_CREATED):
        return previous
    if hasattr(model.update_from_cloudformation_json, "__isabstractmethod__"):
        return previous
    resource = model.update_from_cloudformation_json(
        original_resource=previous,
        new_resource_name=resolved["Properties"].get(
            model.cloudformation_name_type(), previous.physical_resource_id
        ),
        cloudformation_json=resolved,
        **where,
    )
    resource.cf_resource_type, resource.logical_resource_id = template["Type"], logical_id
    return resource


def invoker(cloud: Cloud, functions: Functions) -> Callable[..., bytes]:
    """`LambdaFunction.invoke`: whoever invokes a function through moto runs its real code."""

    def invoke(
        function: Any, body: str | bytes | None, headers: Any, response_headers: dict[str, str]
    ) -> bytes:
        event = (body.encode() if isinstance(body, str) else body) or b"{}"
        kind = headers.get("x-amz-invocation-type")
        version = describe_function(cloud, function)
        if kind == "DryRun":
            return b""
        if kind == "Event":
            threading.Thread(target=functions.invoke, args=(version, event), daemon=True).start()
            return b""
        try:
            answer = functions.invoke(version, event)
        except RequestTooLargeError as error:
            raise TooLargeError("RequestTooLargeException", str(error)) from error
        except LocalStackError as error:
            raise ServiceError("ServiceException", str(error)) from error
        if answer.failed:
            response_headers["x-amz-function-error"] = "Unhandled"
        return answer.payload

    return invoke


def find_function(cloud: Cloud, arn: str) -> FunctionVersion:
    """The function that an ARN names, as it is deployed now."""
    _, _, _, region, account, *_ = arn.split(":")
    return describe_function(cloud, lambda_backends[account][region].get_function(arn))


def describe_function(cloud: Cloud, function: Any) -> FunctionVersion:
    backend = lambda_backends[function.account_id][function.region]
    layers = (backend.layers_versions_by_arn(layer["Arn"]) for layer in function.layers)
    image = cloud.images.get(function.code.get("ImageUri", "").rpartition(":")[2])
    of_image = {} if image is None else image.variables
    return FunctionVersion(
        name=function.function_name,
        version=str(function.version),
        handler=function.handler if image is None else image.handler,
        role=function.role,
        timeout_s=int(function.timeout),
        memory_mb=int(function.memory_size),
        region=function.region,
        variables=tuple(sorted({**of_image, **function.environment_vars}.items())),
        code=image or Archive(function.code_digest, function.code_bytes),
        layers=tuple(Archive(layer.code_digest, layer.code_bytes) for layer in layers),
    )


def look_up_once() -> None:
    """What moto looks up for each request, partly on the disk, while all others wait."""
    dispatcher = DomainDispatcherApplication
    dispatcher.get_backend_for_host = lru_cache(dispatcher.get_backend_for_host)
    responses.method_names_from_class = lru_cache(responses.method_names_from_class)


def limit_parameters() -> None:
    """SSM's own limits on a parameter's size, which moto lacks."""
    put_parameter = SimpleSystemManagerBackend.put_parameter
    signature = inspect.signature(put_parameter)

    def put_limited(*arguments: Any, **options: Any) -> Any:
        given = signature.bind(*arguments, **options).arguments
        tier, size = given["tier"] or "Standard", len((given["value"] or "").encode())
        if size > SSM_BYTES[tier]:
            raise ValidationException(
                f"{tier} tier parameters support a maximum parameter value of {SSM_BYTES[tier]} "
                f"characters; this one has {size}."
            )
        return put_parameter(*arguments, **options)

    SimpleSystemManagerBackend.put_parameter = put_limited
