"""Put and delete resources of a stack, with this package's code if it has any, else with moto's.

moto creates a resource when it is first looked up, so dependencies are created first.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError
from moto.cloudformation import parsing
from moto.cloudformation.models import Event

from local.aws.cloud import Cloud
from local.aws.errors import LocalStackError
from local.aws.request import Attributes, Deployed, Properties, Request
from local.aws.resource_types import kind_of

NOT_UPDATED = "AWS::ApiGateway::"
"""The HTTP front reads the template, so moto's copy of an API need not be updated."""
NOT_FOUND = re.compile("NotFound|NoSuch|NonExistent|DoesNotExist")
"""Matches the error codes for a resource that does not exist."""


class ResourceFailedError(LocalStackError):
    """A resource could not be put or deleted."""

    def __init__(self, logical_id: str, type_: str, error: Exception) -> None:
        super().__init__(f"{logical_id} ({type_}): {error}")
        self.logical_id = logical_id


class Resource:
    """A resource that this package put, with the interface that moto's CloudFormation expects.

    This package sets the last three attributes on moto's own resources, too.
    """

    def __init__(self, attributes: Attributes) -> None:
        self.attributes = attributes
        self.logical_resource_id = ""
        self.cf_resource_type = ""
        self.resolved: dict[str, Any] = {}
        """The resource in the template, with every reference replaced by its value."""

    @property
    def physical_resource_id(self) -> str:
        return str(self.attributes["Ref"])

    def is_created(self) -> bool:
        return True

    def get_cfn_attribute(self, name: str) -> Any:
        try:
            return self.attributes[name]
        except KeyError:
            raise LocalStackError(
                f"{self.logical_resource_id} ({self.cf_resource_type}) has no attribute {name} "
                "in the local stack. Return it from the function that local/aws/resource_types.py "
                "names for this type."
            ) from None


@dataclass(frozen=True)
class Deployment:
    """One change to a stack."""

    stack: Any
    previous: dict[str, Any]
    """Resources that can be updated in place, by logical id."""
    broken: str | None = None
    """Logical id of a resource that may be half changed. It is put even if it looks unchanged."""

    def unchanged(self, logical_id: str, resolved: Properties) -> Any:
        """Return the previous deployment's resource if it needs no change."""
        previous = self.previous.get(logical_id)
        if previous is None or logical_id == self.broken:
            return None
        same = previous.resolved.get("Properties") == resolved.get("Properties")
        return previous if same else None

    def record_event(
        self, logical_id: str, type_: str, physical_id: str, status: str, reason: str | None = None
    ) -> None:
        """Add a resource event to the stack's events."""
        event = Event(
            stack_id=self.stack.stack_id,
            stack_name=self.stack.name,
            logical_resource_id=logical_id,
            physical_resource_id=physical_id,
            resource_type=type_,
            resource_status=status,
            resource_status_reason=reason,
            resource_properties=None,
        )
        self.stack.events.append(event)


class Deployer:
    """Puts and deletes resources."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._create_with_moto = parsing.parse_and_create_resource

    def put(
        self, logical_id: str, template: Properties, resources: Any, **where: str
    ) -> Any:  # moto's own resources have no type in common
        """Create or update a resource, and return it; None if its condition is false.

        This replaces moto's `parse_and_create_resource`.
        """
        condition, type_ = template.get("Condition"), template["Type"]
        if condition is not None and not resources.lazy_condition_map[condition]:
            return None
        deployment: Deployment = resources.deployment
        step = "UPDATE" if logical_id in deployment.previous else "CREATE"
        try:
            resolved = resolve(template, resources)
            resource = self._put(logical_id, resolved, resources, where)
        except ResourceFailedError:
            raise
        except Exception as error:
            deployment.record_event(logical_id, type_, "", f"{step}_FAILED", str(error))
            raise ResourceFailedError(logical_id, type_, error) from error
        if not hasattr(resource, "physical_resource_id"):
            resource.physical_resource_id = logical_id  # some of moto's resources have none
        if resource is not deployment.unchanged(logical_id, resolved):
            physical_id = resource.physical_resource_id
            deployment.record_event(logical_id, type_, physical_id, f"{step}_COMPLETE")
        resource.logical_resource_id, resource.cf_resource_type = logical_id, type_
        resource.resolved = resolved
        return resource

    def _put(
        self, logical_id: str, resolved: Properties, resources: Any, where: dict[str, str]
    ) -> Any:
        deployment: Deployment = resources.deployment
        unchanged = deployment.unchanged(logical_id, resolved)
        if unchanged is not None:
            return unchanged
        previous, kind = deployment.previous.get(logical_id), kind_of(resolved["Type"])
        if kind.put is not None:
            return Resource(kind.put(self._request(logical_id, resolved, deployment, kind.name)))
        if resolved["Type"] not in parsing.get_model_map():
            raise LocalStackError(
                "The local stack does not support this type. Add it to local/aws/resource_types.py."
            )
        if previous is None:
            return self._create_with_moto(logical_id, resolved, resources, **where)
        return update_with_moto(resolved, resources, previous, where)

    def _request(
        self, logical_id: str, resolved: Properties, deployment: Deployment, naming: str
    ) -> Request:
        type_, properties = resolved["Type"], resolved.get("Properties", {})
        previous, stack = deployment.previous.get(logical_id), deployment.stack
        deployed = None if previous is None else deployed_as(previous)
        if deployed is not None and deployed.properties.get(naming) != properties.get(naming):
            deployed = None  # another name is another resource
        return Request(
            cloud=self._cloud,
            stack_id=stack.stack_id,
            logical_id=logical_id,
            type=type_,
            name=properties.get(naming) or generate_name(type_, stack.name, logical_id),
            properties=properties,
            previous=deployed,
        )

    def delete(self, stack: Any, resource: Any, policy: str) -> None:
        """Delete the resource unless its `policy`, a key of the template, is Retain.

        Raise `ResourceFailedError` if deleting fails.
        """
        record_event = partial(
            Deployment(stack, {}).record_event,
            resource.logical_resource_id,
            resource.cf_resource_type,
            resource.physical_resource_id,
        )
        if resource.resolved.get(policy) == "Retain":
            record_event("DELETE_SKIPPED")
            return
        try:
            self._delete(stack, resource)
        except Exception as error:
            if not isinstance(error, ClientError) or not NOT_FOUND.search(
                error.response["Error"]["Code"]
            ):
                record_event("DELETE_FAILED", str(error))
                raise ResourceFailedError(
                    resource.logical_resource_id, resource.cf_resource_type, error
                ) from error
        record_event("DELETE_COMPLETE")

    def _delete(self, stack: Any, resource: Any) -> None:
        kind, deployed = kind_of(resource.cf_resource_type), deployed_as(resource)
        if kind.delete is None:
            stack.resource_map._delete_resource(resource, resource.resolved)
            return
        kind.delete(
            Request(
                cloud=self._cloud,
                stack_id=stack.stack_id,
                logical_id=resource.logical_resource_id,
                type=resource.cf_resource_type,
                name=resource.physical_resource_id,
                properties=deployed.properties,
                previous=deployed,
            )
        )


def resolve(template: Properties, resources: Any) -> Properties:
    """Return the resource in the template with its references resolved, dependencies put first."""
    dependencies = template.get("DependsOn", [])
    for name in [dependencies] if isinstance(dependencies, str) else dependencies:
        resources[name]
    resolved: Properties = parsing.clean_json(template, resources)
    return resolved


def deployed_as(resource: Any) -> Deployed:
    attributes = getattr(resource, "attributes", None) or {"Ref": resource.physical_resource_id}
    return Deployed(resource.resolved.get("Properties", {}), attributes)


def generate_name(type_: str, stack: str, logical_id: str) -> str:
    """Return a name like CloudFormation's, but identical in every local stack.

    A secret's name has no stack prefix, because the CDK counts the hyphens in it.
    """
    suffix = hashlib.sha256(f"{stack}/{logical_id}".encode()).hexdigest()[:12].upper()
    prefix = logical_id if type_ == "AWS::SecretsManager::Secret" else f"{stack}-{logical_id}"
    return f"{prefix}-{suffix}"


def update_with_moto(
    resolved: Properties, resources: Any, previous: Any, where: dict[str, str]
) -> Any:
    """Update with moto's own class, keeping the resource's name."""
    if resolved["Type"].startswith(NOT_UPDATED):
        return previous
    model, own_copy, _ = parsing.parse_resource(resolved, resources)
    if hasattr(model.update_from_cloudformation_json, "__isabstractmethod__"):
        return previous
    return model.update_from_cloudformation_json(
        original_resource=previous,
        new_resource_name=own_copy["Properties"].get(
            model.cloudformation_name_type(), previous.physical_resource_id
        ),
        cloudformation_json=own_copy,
        **where,
    )
