"""Check the name of a stage, and say which stages there are."""

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import JsonValue

from route_switch.domain.errors import ConfigurationError

CDK_FILE = Path("cdk.json")
STACK_PREFIX = "route-switch-"


class UsageError(ConfigurationError):
    """The command line is invalid. The command exits with 2."""


def configured_stages() -> dict[str, JsonValue]:
    """Return the stages in this folder's cdk.json by name; none outside a checkout."""
    if not CDK_FILE.exists():
        return {}
    try:
        stages = json.loads(CDK_FILE.read_text("utf-8"))["context"]["stages"]
    except (ValueError, KeyError, TypeError):  # the file of another CDK app
        return {}
    return stages if isinstance(stages, dict) else {}


def check_configured(name: str) -> None:
    """Raise `UsageError` for a name that is not in this folder's cdk.json, if there is one."""
    stages = configured_stages()
    if stages and name not in stages:
        raise UsageError(
            f"There is no stage '{name}' in cdk.json. Stages: {', '.join(sorted(stages))}."
            f"{_did_you_mean(name, stages)}"
        )


def not_deployed(name: str, cloudformation: Any) -> UsageError:
    """Return the error for a stage without a stack, with the stages that have one.

    `cloudformation` is a client: boto3 creates its clients at run time.
    """
    stages = _deployed(cloudformation)
    found = f"Deployed stages: {', '.join(stages)}." if stages else "No stage is deployed there."
    return UsageError(
        f"Stack with id {STACK_PREFIX}{name} does not exist in this account and region "
        f"({cloudformation.meta.region_name}). {found}{_did_you_mean(name, stages)} Check --stage, "
        "AWS_REGION and your credentials."
    )


def _deployed(cloudformation: Any) -> list[str]:
    """Return no stages if the caller may not list stacks."""
    try:
        pages = cloudformation.get_paginator("describe_stacks").paginate()
        names = [stack["StackName"] for page in pages for stack in page["Stacks"]]
    except (BotoCoreError, ClientError):
        return []
    stages = (n.removeprefix(STACK_PREFIX) for n in names if n.startswith(STACK_PREFIX))
    return sorted(stages)


def _did_you_mean(name: str, stages: dict[str, JsonValue] | list[str]) -> str:
    close = get_close_matches(name, stages, 1)
    return f" Did you mean '{close[0]}'?" if close else ""
