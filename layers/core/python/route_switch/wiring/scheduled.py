"""Dependencies of the scheduled functions: the daily and the hourly check."""

import os
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import botocore.session
from botocore.config import Config

from route_switch.adapters.learning.dynamodb_learning import DynamoDbRoutedDays
from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.adapters.learning.step_functions import StepFunctionsRuns
from route_switch.adapters.operations.dynamodb_totals import DynamoDbTotals
from route_switch.adapters.operations.owned_keys import KeysTable
from route_switch.adapters.prompts.dynamodb_quality import DynamoDbQuality
from route_switch.adapters.prompts.lambda_function import LambdaFunction, LambdaPromoter
from route_switch.adapters.ssm import SsmPromptStore, SsmSwitchStore
from route_switch.services.learning.check_drift import CheckDrift
from route_switch.services.prompts.check_quality import CheckQuality
from route_switch.wiring.aws_config import SCHEDULED, invoke_once

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient

PROMOTER_TIMEOUT_S = 70
"""Longer than the promoter's maximum. The next hourly check asks again."""


@lru_cache(maxsize=1)
def check_drift() -> CheckDrift:
    table = os.environ["RESULTS_TABLE"]
    step_functions = cast("SFNClient", _connect("stepfunctions"))
    return CheckDrift(
        _prompts(),
        DynamoDbRoutedDays(_dynamodb(), table),
        StepFunctionsRuns(step_functions, os.environ["STATE_MACHINE_ARN"]),
        DynamoDbRuns(_dynamodb(), table),
        SsmSwitchStore(_ssm(), os.environ["SWITCHES_PARAMETER"]),
    )


@lru_cache(maxsize=1)
def check_quality() -> CheckQuality:
    promoter = cast("LambdaClient", _connect("lambda", invoke_once(PROMOTER_TIMEOUT_S)))
    return CheckQuality(
        _prompts(),
        DynamoDbQuality(_dynamodb(), os.environ["RESULTS_TABLE"]),
        LambdaPromoter(LambdaFunction(promoter, os.environ["PROMOTER_FUNCTION"])),
        frozenset(os.environ.get("TRUSTED_KEYS", "").split()),
    )


@lru_cache(maxsize=1)
def totals() -> DynamoDbTotals:
    return DynamoDbTotals(_dynamodb(), os.environ["RESULTS_TABLE"])


@lru_cache(maxsize=1)
def keys() -> KeysTable:
    return KeysTable(_dynamodb(), os.environ["KEYS_TABLE"])


def _prompts() -> SsmPromptStore:
    environment = os.environ
    return SsmPromptStore(
        _ssm(), environment["LIVE_PROMPT_PARAMETER"], environment["SEED_PROMPT_PARAMETER"]
    )


def _dynamodb() -> "DynamoDBClient":
    return cast("DynamoDBClient", _connect("dynamodb"))


def _ssm() -> "SSMClient":
    return cast("SSMClient", _connect("ssm"))


def _connect(service: str, config: Config = SCHEDULED) -> object:
    return botocore.session.get_session().create_client(service, config=config)
