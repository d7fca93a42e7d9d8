"""What is recorded about learning, from the results table, the bucket and Parameter Store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from route_switch.adapters.dynamodb_reads import store_errors
from route_switch.adapters.learning.dynamodb_cap import taken_usd
from route_switch.adapters.learning.dynamodb_drift import DynamoDbDriftDays
from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.adapters.learning.run_files import RunFilesReader
from route_switch.adapters.operations.dynamodb_totals import DynamoDbTotals
from route_switch.adapters.prompts.quality_events import DynamoDbQualityEvents
from route_switch.adapters.ssm import SsmPromptStore
from route_switch.domain.learning.drift import DriftDay
from route_switch.domain.learning.report_facts import ReportFacts
from route_switch.domain.learning.stored_run import StoredRun
from route_switch.domain.ports import StoredVersion
from route_switch.domain.prompts.quality_events import QualityEvent
from route_switch.services.learning.spending_caps import PreviousMonth, previous_month

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class StoredLearning:
    """Implements `LearningRecords`."""

    dynamodb: "DynamoDBClient"
    table: str
    files: RunFilesReader
    prompts: SsmPromptStore

    def previous_month(self, first: date) -> PreviousMonth:
        last = first - timedelta(days=1)
        days = [last.replace(day=day) for day in range(1, last.day + 1)]
        counters = DynamoDbTotals(self.dynamodb, self.table).read(days)
        return previous_month(counters, self.taken_usd(f"{last:%Y-%m}"))

    @store_errors()
    def taken_usd(self, month: str) -> float:
        return taken_usd(self.dynamodb, self.table, month)

    @store_errors()
    def runs(self, limit: int) -> Sequence[StoredRun]:
        return DynamoDbRuns(self.dynamodb, self.table).newest(limit)

    def report(self, run_id: str) -> ReportFacts | None:
        return self.files.report(run_id)

    def drift(self, days: int) -> list[DriftDay]:
        return DynamoDbDriftDays(self.dynamodb, self.table).newest(days)

    def quality_events(self) -> Sequence[QualityEvent]:
        return DynamoDbQualityEvents(self.dynamodb, self.table).all()

    @store_errors("Parameter Store")
    def versions(self) -> Sequence[StoredVersion]:
        return self.prompts.versions()
