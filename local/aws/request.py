"""What a resource type's own code is given, and what it answers."""

from dataclasses import dataclass
from typing import Any

from local.aws.cloud import Cloud

Properties = dict[str, Any]  # JSON
Attributes = dict[str, Any]
"""What Fn::GetAtt finds, and under "Ref" the physical id."""


@dataclass(frozen=True)
class Deployed:
    """A resource as it was put last."""

    properties: Properties
    attributes: Attributes


@dataclass(frozen=True)
class Request:
    """One resource of a template, its properties resolved."""

    cloud: Cloud
    stack_id: str
    logical_id: str
    type: str
    name: str
    """The name that it is to have; of one that is to be deleted, its physical id."""
    properties: Properties
    previous: Deployed | None
    """None where it is to be created."""


def pick(properties: Properties, keys: tuple[str, ...]) -> Properties:
    return {key: properties[key] for key in keys if key in properties}


def put_nothing(request: Request) -> Attributes:
    return {"Ref": request.name}


def delete_nothing(_: Request) -> None:
    """It goes with what it belongs to."""
