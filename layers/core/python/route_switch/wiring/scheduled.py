"""Dependencies of the scheduled functions: the daily and the hourly check."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import botocore.session
from botocore.config import Config

from route_switch.adapters.dynamodb_results import DynamoDbResultStore
from route_switch.adapters.learning.dynamodb_drift import DynamoDbDriftDays
from route_switch.adapters.learning.dynamodb_learning import DynamoDbRoutedDays
from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.adapters.learning.step_functions import StepFunctionsRuns
from route_switch.adapters.operations.dynamodb_audit import DynamoDbAudit
from route_switch.adapters.operations.dynamodb_budgets import DynamoDbBudgets
from route_switch.adapters.operations.dynamodb_replay import DynamoDbHome, SqsRecords, logged_pages
from route_switch.adapters.operations.dynamodb_totals import DynamoDbTotals
from route_switch.adapters.operations.owned_keys import KeysTable
from route_switch.adapters.prompts.dynamodb_quality import DynamoDbQuality
from route_switch.adapters.prompts.lambda_function import LambdaFunction, LambdaPromoter
from route_switch.adapters.s3 import S3TextStore
from route_switch.adapters.ssm import SsmPromptStore, SsmSwitchStore
from route_switch.domain.operations.audit import Change
from route_switch.services.learning.check_drift import CheckDrift
from route_switch.services.operations.record_change import RecordChange
from route_switch.services.operations.replay_log import LogLine, ReplayLog
from route_switch.services.operations.replay_records import ReplayRecords
from route_switch.services.operations.settle_budgets import SettleBudgets
from route_switch.services.prompts.check_quality import CheckQuality
from route_switch.wiring.aws_config import LOGS, SCHEDULED, invoke_once

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient

MAX_MESSAGES = 10_000
MONITOR = "route-switch: the hourly check"
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
def drift_days() -> DynamoDbDriftDays:
    return DynamoDbDriftDays(_dynamodb(), os.environ["RESULTS_TABLE"])


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


def audit_entry(change: Change, now: datetime) -> "TransactWriteItemTypeDef":
    """Return the entry, for the transaction with the change of a key."""
    trail = DynamoDbAudit(_dynamodb(), os.environ["RESULTS_TABLE"])
    return trail.put(RecordChange(trail, lambda: MONITOR, lambda: now).entry(change))


@lru_cache(maxsize=1)
def replay_records() -> ReplayRecords:
    # Lost records hold no texts, so nothing is stored in S3.
    texts = S3TextStore(lambda: cast("S3Client", _connect("s3")), "")
    table, dynamodb = os.environ["RESULTS_TABLE"], _dynamodb()
    home = DynamoDbHome(dynamodb, table, DynamoDbResultStore(dynamodb, table, texts))
    days = int(os.environ["RETENTION_DAYS"])
    return ReplayRecords(home, days, lambda: datetime.now(UTC))


@lru_cache(maxsize=1)
def lost_records() -> SqsRecords:
    sqs = cast("SQSClient", _connect("sqs"))
    return SqsRecords(sqs, os.environ["RECORDS_QUEUE_URL"], MAX_MESSAGES)


@lru_cache(maxsize=1)
def settle_budgets() -> SettleBudgets:
    group = os.environ["ROUTER_LOG_GROUP"]

    def pages(key_id: str, start: datetime, end: datetime) -> Iterator[list[LogLine]]:
        """Connect only here: reservations are seldom left over."""
        return logged_pages(_connect("logs", LOGS), group, key_id, start, end)

    budgets = DynamoDbBudgets(_dynamodb(), os.environ["RESULTS_TABLE"])
    return SettleBudgets(budgets, totals(), ReplayLog(replay_records(), pages))


def upgrade_cap() -> float | None:
    """Return the cap of keys without a cap of their own."""
    cap = os.environ.get("MAX_UPGRADE_SHARE")
    return None if cap is None else float(cap)


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
