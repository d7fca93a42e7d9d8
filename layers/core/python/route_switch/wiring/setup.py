"""Dependencies of the custom resource that runs on the first deployment."""

import os
from typing import TYPE_CHECKING, cast, get_args

import botocore.session
from botocore.config import Config

from route_switch.adapters.operations.first_keys import DynamoDbFirstKeys, SsmHandover
from route_switch.adapters.prompts.lambda_function import LambdaFunction
from route_switch.adapters.ssm import SsmSwitchStore
from route_switch.domain.errors import ConfigurationError
from route_switch.domain.switches import Routing
from route_switch.wiring.aws_config import UNDER_LOCK, invoke_once

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_ssm import SSMClient

PROMOTER_TIMEOUT_S = 45
"""All calls together end before the function times out, so that an outage is reported too."""


def first_keys() -> DynamoDbFirstKeys:
    return DynamoDbFirstKeys(cast("DynamoDBClient", _connect("dynamodb")), os.environ["KEYS_TABLE"])


def handover() -> SsmHandover:
    return SsmHandover(cast("SSMClient", _connect("ssm")), os.environ["FIRST_KEYS_PARAMETER"])


def switches() -> SsmSwitchStore:
    return SsmSwitchStore(cast("SSMClient", _connect("ssm")), os.environ["SWITCHES_PARAMETER"])


def routing_start() -> Routing:
    """Return how routing begins on this stage. Raise `ConfigurationError`."""
    start = os.environ["ROUTING_START"]
    for state in get_args(Routing):
        if state == start:
            return cast("Routing", state)
    raise ConfigurationError(f"ROUTING_START is '{start}', which is not a state of routing.")


def promoter() -> LambdaFunction:
    client = cast("LambdaClient", _connect("lambda", invoke_once(PROMOTER_TIMEOUT_S)))
    return LambdaFunction(client, os.environ["PROMOTER_FUNCTION"])


def _connect(service: str, config: Config = UNDER_LOCK) -> object:
    return botocore.session.get_session().create_client(service, config=config)
