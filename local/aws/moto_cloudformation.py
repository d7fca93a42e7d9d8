"""Make moto's CloudFormation deploy as AWS's does: see `install`.

A change first puts the resources that differ, dependencies first, and then deletes those that were
dropped or replaced. If a resource fails, the change is rolled back and the old version keeps
serving; the stack's events and status say which resource failed and why.
"""

import json
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import AlreadyExistsException, CloudFormationError
from moto.cloudformation.models import (
    ChangeSet,
    CloudFormationBackend,
    Stack,
    cloudformation_backends,
)
from moto.cloudformation.responses import CloudFormationResponse
from moto.cloudformation.utils import generate_stack_id, get_stack_from_s3_url
from moto.cloudtrail.responses import CloudTrailResponse

from local.aws.cloud import ACCOUNT, Cloud
from local.aws.moto_resources import RETAINED, Deployer, Deployment, ResourceFailedError

Resources = dict[str, Any]
"""Resources by logical id, in the order of creation."""
EMPTY = json.dumps({"Resources": {}})
read_with_moto = Stack.parse_template


def install(cloud: Cloud, changed: Callable[[str], None]) -> None:
    """Make moto change stacks as described above, with or without a change set.

    `changed` is called with a stack's name after each change, successful or not.
    """
    Stack.parse_template = staticmethod(read_template)
    ChangeSet._parse_template = read_change_set
    CloudFormationResponse._get_stack_from_s3_url = read_template_at
    # The CDK command line looks here for the cause of a failure, for 20 s without an answer.
    CloudTrailResponse.lookup_events = lambda _: json.dumps({"Events": []})
    parsing.ResourceMap.validate_outputs = lambda _: None  # it supports only moto's own types
    deployer = Deployer(cloud)
    parsing.parse_and_create_resource = deployer.put
    stacks = Stacks(cloudformation_backends[ACCOUNT][cloud.region], deployer, changed)
    CloudFormationBackend.create_stack = stacks.create
    CloudFormationBackend.update_stack = stacks.update
    CloudFormationBackend.delete_stack = stacks.delete
    CloudFormationBackend.describe_change_set = stacks.change_set
    CloudFormationBackend.delete_change_set = stacks.delete_change_set
    CloudFormationBackend.execute_change_set = stacks.execute_change_set


def read_template(template: str) -> Any:
    try:
        return json.loads(template)
    except ValueError:  # YAML: moto takes seconds to read a large template
        return read_with_moto(template)


def read_template_at(response: Any, url: str) -> str:
    """Read a template by its URL. moto expects localhost; the CDK command line sends 127.0.0.1."""
    where = (response.current_account, response.partition)
    return str(get_stack_from_s3_url(url.replace("127.0.0.1", "localhost"), *where))


def read_change_set(change_set: Any) -> None:
    change_set.template_dict = read_template(change_set.template)


class ChangeSetNotFoundError(CloudFormationError):  # type: ignore[misc]  # moto is untyped
    code = "ChangeSetNotFoundException"


@dataclass(frozen=True)
class State:
    """A stack before a change."""

    template: str
    parameters: dict[str, str]
    resources: Resources


class Stacks:
    """All stacks of a cloud."""

    def __init__(
        self, backend: Any, deployer: Deployer, changed: Callable[[str], None]
    ) -> None:  # moto is untyped
        self._backend = backend
        self._deployer = deployer
        self._changed = changed

    def create(self, name: str, template: str, parameters: dict[str, str], **options: Any) -> Stack:
        if any(stack.name == name for stack in self._backend.stacks.values()):
            raise AlreadyExistsException(f"Stack {name} already exists")
        where = {"account_id": ACCOUNT, "region_name": self._backend.region_name}
        stack = Stack(
            generate_stack_id(name, self._backend.region_name, ACCOUNT),
            name,
            template,
            parameters,
            cross_stack_resources=self._backend.exports,
            **where,
            **options,
        )
        self._backend.stacks[stack.stack_id] = stack
        self._change(stack, "CREATE", template, parameters)
        return stack

    def update(
        self,
        name: str,
        template: str,
        role_arn: str | None,
        parameters: list[dict[str, str]],
        tags: dict[str, str] | None,
    ) -> Stack:
        stack = self._backend.get_stack(name)
        given = self._backend._resolve_update_parameters(stack, parameters)
        self._change(stack, "UPDATE", template, given)
        stack.role_arn, stack.tags = role_arn, stack.tags if tags is None else tags
        return stack

    def change_set(self, change_set_name: str) -> Any:
        """Return the newest one of this name: the CDK command line reuses its name."""
        for change_set in reversed(self._backend.change_sets.values()):
            if change_set_name in (change_set.change_set_id, change_set.change_set_name):
                return change_set
        raise ChangeSetNotFoundError(f"ChangeSet [{change_set_name}] does not exist")

    def delete_change_set(self, change_set_name: str) -> None:
        """Ignore a missing one: the CDK command line deletes before it creates."""
        with suppress(ChangeSetNotFoundError):
            del self._backend.change_sets[self.change_set(change_set_name).change_set_id]

    def execute_change_set(self, change_set_name: str, **_: str | None) -> None:
        change_set = self.change_set(change_set_name)
        stack = self._backend.stacks[change_set.stack_id]
        kind, parameters = change_set.change_set_type, change_set.parameters
        self._change(stack, kind, change_set.template, parameters)
        stack.tags = change_set.tags or stack.tags
        change_set.execution_status = "EXECUTE_COMPLETE"

    def _change(
        self,
        stack: Stack,
        kind: Literal["CREATE", "UPDATE"],
        template: str,
        parameters: dict[str, str],
    ) -> None:
        before = State(
            template=EMPTY if kind == "CREATE" else stack.template,
            parameters=stack.parameters,
            resources=resources_of(stack),
        )
        set_status(stack, f"{kind}_IN_PROGRESS", "User Initiated")
        try:
            apply(template, parameters, Deployment(stack, before.resources), kept={})
        except Exception as error:  # from any service, or from the template
            self._roll_back(stack, "" if kind == "CREATE" else "UPDATE_", before, error)
        else:
            self._clean_up(stack, replaced(before.resources, resources_of(stack)))
            set_status(stack, f"{kind}_COMPLETE")
        self._changed(stack.name)

    def _roll_back(self, stack: Stack, prefix: str, before: State, error: Exception) -> None:
        set_status(stack, f"{prefix}ROLLBACK_IN_PROGRESS", str(error))
        made, old = resources_of(stack), before.resources
        broken = getattr(error, "logical_id", None)
        again = {name: made[name] for name in old if is_same(name, old, made)}
        if broken in old:
            again[broken] = old[broken]
        kept = {name: resource for name, resource in old.items() if name not in again}
        try:
            apply(before.template, before.parameters, Deployment(stack, again, broken), kept)
        except Exception as another:
            set_status(stack, f"{prefix}ROLLBACK_FAILED", str(another))
        else:
            self._clean_up(stack, replaced(made, old), kept=("Retain",))
            set_status(stack, f"{prefix}ROLLBACK_COMPLETE")

    def _clean_up(
        self, stack: Stack, resources: Iterable[Any], kept: Collection[str] = RETAINED
    ) -> None:
        """Delete the resources whose policy is not among the `kept`. Keep one that cannot be
        deleted, and record that as an event."""
        for resource in resources:
            dropped = resource.logical_resource_id not in stack.resource_map.resources
            with suppress(ResourceFailedError):
                policy = "DeletionPolicy" if dropped else "UpdateReplacePolicy"
                self._deployer.delete(stack, resource, policy, kept)

    def delete(self, name_or_stack_id: str) -> None:
        stacks = self._backend.stacks
        stack = next(
            (each for each in stacks.values() if name_or_stack_id in (each.name, each.stack_id)),
            None,
        )
        if stack is None:
            return
        set_status(stack, "DELETE_IN_PROGRESS", "User Initiated")
        try:
            for name, resource in reversed(resources_of(stack).items()):
                self._deployer.delete(stack, resource, "DeletionPolicy")
                del stack.resource_map._parsed_resources[name]
        except ResourceFailedError as error:
            set_status(stack, "DELETE_FAILED", str(error))
        else:
            self._backend.deleted_stacks[stack.stack_id] = stacks.pop(stack.stack_id)
            set_status(stack, "DELETE_COMPLETE")
        self._changed(stack.name)


def apply(
    template: str, parameters: dict[str, str], deployment: Deployment, kept: Resources
) -> None:
    """Put each resource of the template except those in `kept`."""
    stack, content = deployment.stack, read_template(template)
    resources = stack.resource_map
    of_aws = {
        name: value
        for name, value in resources._parsed_resources.items()
        if name.startswith("AWS::")
    }
    resources.deployment = deployment
    resources._template, resources._resource_json_map = content, content["Resources"]
    resources._parsed_resources = of_aws | kept
    resources.input_parameters, resources.resolved_parameters = parameters, {}
    resources.load()
    for logical_id in resources.resources:
        resources[logical_id]
    stack.template, stack.template_dict, stack.parameters = template, content, parameters
    stack.description = content.get("Description")
    stack.output_map = stack._create_output_map()


def set_status(stack: Stack, status: str, reason: str | None = None) -> None:
    stack._add_stack_event(status, resource_status_reason=reason)
    stack.status = status


def resources_of(stack: Stack) -> Resources:
    every = stack.resource_map._parsed_resources.items()
    return {name: value for name, value in every if hasattr(value, "resolved")}


def is_same(name: str, one: Resources, other: Resources) -> bool:
    if name not in one or name not in other:
        return False
    return bool(one[name].physical_resource_id == other[name].physical_resource_id)


def replaced(one: Resources, by: Resources) -> list[Any]:
    """Return the resources of `one` that are not in `by`, newest first."""
    return [resource for name, resource in reversed(one.items()) if not is_same(name, one, by)]
