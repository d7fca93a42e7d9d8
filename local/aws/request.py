"""Arguments and results of the functions that put and delete resources."""

from dataclasses import dataclass
from typing import Any

from local.aws.cloud import Cloud

Properties = dict[str, Any]  # JSON
Attributes = dict[str, Any]
"""Values for Fn::GetAtt, and the physical id under "Ref"."""


@dataclass(frozen=True)
class Deployed:
    """A resource's last deployment."""

    properties: Properties
    attributes: Attributes


@dataclass(frozen=True)
class Request:
    """One resource of a template, with resolved properties."""

    cloud: Cloud
    stack_id: str
    logical_id: str
    type: str
    name: str
    """The resource's name; when deleting, its physical id."""
    properties: Properties
    previous: Deployed | None
    """None if the resource is new."""


def pick(properties: Properties, keys: tuple[str, ...]) -> Properties:
    return {key: properties[key] for key in keys if key in properties}


def put_nothing(request: Request) -> Attributes:
    return {"Ref": request.name}


def delete_nothing(_: Request) -> None:
    """Delete nothing, for resources that are deleted with another one."""
