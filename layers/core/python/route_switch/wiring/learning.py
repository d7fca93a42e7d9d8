"""Dependencies of the workflow's steps."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Annotated, cast

import botocore.session
from botocore.config import Config
from pydantic import Field

from route_switch.adapters.learning.demo_claims import DemoClaims
from route_switch.adapters.learning.dynamodb_cap import taken_usd
from route_switch.adapters.learning.dynamodb_learning import DynamoDbLearning
from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.adapters.learning.learning_bucket import LearningBucket
from route_switch.adapters.learning.learning_texts import LearningTexts
from route_switch.adapters.learning.run_reports import RunReports
from route_switch.adapters.operations.dynamodb_audit import DynamoDbAudit
from route_switch.adapters.operations.dynamodb_deletion import DynamoDbDeletionNotes
from route_switch.adapters.operations.dynamodb_totals import DynamoDbTotals
from route_switch.adapters.prompts.dynamodb_quality import DynamoDbQuality, DynamoDbRejections
from route_switch.adapters.prompts.prompt_lock import DynamoDbPromptLock
from route_switch.adapters.prompts.ssm_output_ratios import SsmOutputRatios
from route_switch.adapters.s3 import S3TextStore
from route_switch.adapters.s3_local_models import S3LocalModels
from route_switch.adapters.ssm import SsmPromptStore, SsmSwitchStore
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.ports import JsonObject
from route_switch.domain.prompts.verdict_scope import stage_scope
from route_switch.domain.router_config import RouterConfig
from route_switch.services.learning.collect_examples import CollectExamples
from route_switch.services.learning.spending_caps import PreviousMonth, previous_month
from route_switch.services.operations.audited_switches import AuditedSwitches
from route_switch.services.operations.read_week import ReadWeek
from route_switch.services.operations.record_change import RecordChange
from route_switch.services.prompts.audited_prompts import AuditedPrompts
from route_switch.services.prompts.publish_prompt import PublishPrompt
from route_switch.wiring.aws_config import UNDER_LOCK, WORKFLOW
from route_switch.wiring.settings import Stores, parse_environment
from route_switch.workflow.ask import AskForApproval
from route_switch.workflow.claim import ClaimRun, days_of_previous_month
from route_switch.workflow.collect import CollectInputs
from route_switch.workflow.go_live import PromoteAndGoLive
from route_switch.workflow.mail import Mail
from route_switch.workflow.promote import PromoteCandidate
from route_switch.workflow.report import ReportRun
from route_switch.workflow.roll_back import RollBackPrompt

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient


class LearningSettings(Stores):
    """The settings that each of the workflow's functions reads."""

    learning: Annotated[LearningConfig, Field(alias="LEARNING_CONFIG")]
    learning_bucket: Annotated[str, Field(alias="LEARNING_BUCKET", min_length=1)]
    stage: Annotated[str, Field(alias="STAGE", min_length=1)]
    runs_topic: Annotated[str, Field(alias="RUNS_TOPIC", min_length=1)]
    console_url: Annotated[str | None, Field(alias="CONSOLE_URL")] = None
    """Address of the console, which ends each notification."""


def parse_learning_settings(environment: Mapping[str, str]) -> LearningSettings:
    """Raise `ConfigurationError` naming the invalid variable or field."""
    return parse_environment(
        LearningSettings,
        environment,
        ROUTE_SWITCH_CONFIG=RouterConfig,
        LEARNING_CONFIG=LearningConfig,
    )


@lru_cache(maxsize=1)
def read_learning_settings() -> LearningSettings:
    """Return the settings of this process."""
    return parse_learning_settings(os.environ)


class LearningWiring:
    """The steps of one function's process, each built when first used."""

    def __init__(self, settings: LearningSettings) -> None:
        self.settings = settings
        self._known: tuple[str, dict[str, JsonObject]] = ("", {})
        self._connect = partial(botocore.session.get_session().create_client, config=WORKFLOW)

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        return cast("DynamoDBClient", self._connect("dynamodb"))

    @cached_property
    def s3(self) -> "S3Client":
        return cast("S3Client", self._connect("s3"))

    def _prompts(self, config: Config) -> SsmPromptStore:
        settings = self.settings
        ssm = cast("SSMClient", self._connect("ssm", config=config))
        return SsmPromptStore(ssm, settings.live_parameter, settings.seed_parameter)

    @cached_property
    def _ssm(self) -> "SSMClient":
        return cast("SSMClient", self._connect("ssm"))

    @cached_property
    def switches(self) -> SsmSwitchStore:
        return SsmSwitchStore(self._ssm, self.settings.switches_parameter)

    @property
    def bucket(self) -> LearningBucket:
        return LearningBucket(self.s3, self.settings.learning_bucket)

    @property
    def demo_claims(self) -> DemoClaims:
        return DemoClaims(self.bucket.shared)

    @property
    def _runs(self) -> DynamoDbRuns:
        return DynamoDbRuns(self.dynamodb, self.settings.results_table, self._is_running)

    def _is_running(self, execution: str) -> bool:
        client = cast("SFNClient", self._connect("stepfunctions"))
        try:
            return client.describe_execution(executionArn=execution)["status"] == "RUNNING"
        except client.exceptions.ExecutionDoesNotExist:  # Step Functions keeps history for 90 days
            return False

    def known(self, run_id: str) -> dict[str, JsonObject]:
        """Return the cache of this run's answers. It lives as long as the process works on the
        run."""
        if self._known[0] != run_id:
            self._known = (run_id, {})
        return self._known[1]

    def claim(self) -> ClaimRun:
        return ClaimRun(self._runs, self.switches, self.settings.learning, self._previous_month)

    def _previous_month(self, first: date) -> PreviousMonth:
        days = days_of_previous_month(first)
        table = self.settings.results_table
        counters = DynamoDbTotals(self.dynamodb, table).read(days)
        return previous_month(counters, taken_usd(self.dynamodb, table, f"{days[0]:%Y-%m}"))

    def collect(self) -> CollectInputs:
        # The texts stay in the account. Later steps decide what prompts and reports may show.
        trusted = frozenset(self.settings.learning.trusted_keys)
        examples = build_collector(
            self.settings, self.dynamodb, self.s3, lambda example: example, trusted
        )
        prompts = self._prompts(WORKFLOW)
        router = self.settings.router.models.router
        learning, note = self.settings.learning, self._runs.note_left_out
        deleted = DynamoDbDeletionNotes(self.dynamodb, self.settings.results_table)
        return CollectInputs(
            examples, prompts, self.bucket, learning, router, note, deleted, self.demo_claims
        )

    def ask(self) -> AskForApproval:
        hours = self.settings.learning.approval_hours
        stage = self.settings.stage
        return AskForApproval(self._runs, self._notify, self._mail, stage, hours, self._report_of)

    def _notify(self, subject: str, message: str) -> None:
        sns = cast("SNSClient", self._connect("sns"))
        sns.publish(TopicArn=self.settings.runs_topic, Subject=subject, Message=message)

    def _report_of(self, run_id: str) -> str:
        return f"s3://{self.settings.learning_bucket}/runs/{run_id}/report.html"

    def report(self) -> ReportRun:
        settings = self.settings
        return ReportRun(
            self._runs,
            self.bucket,
            settings.learning_bucket,
            settings.stage,
            DynamoDbDeletionNotes(self.dynamodb, settings.results_table),
            LearningTexts(self.bucket),
            SsmOutputRatios(self._ssm, settings.live_parameter),
            self._mail,
        )

    def promote(self, owner: str) -> PromoteAndGoLive:
        notes = DynamoDbDeletionNotes(self._dynamodb_under_lock, self.settings.results_table)
        publish = self.publish(owner, "promote")
        scope = stage_scope(self.settings.router, self.settings.learning)
        promote = PromoteCandidate(
            publish,
            self.bucket,
            self.switches,
            notes,
            self.demo_claims,
            self._rejections,
            scope,
        )
        switches = AuditedSwitches(self.switches, self._record(owner))
        return PromoteAndGoLive(promote, switches, self.settings.learning.go_live)

    def roll_back(self, owner: str) -> RollBackPrompt:
        publish, stage = self.publish(owner, "rollback"), self.settings.stage
        return RollBackPrompt(publish, self._rejections, self._notify, self._mail, stage)

    @property
    def _mail(self) -> Mail:
        table = self.settings.results_table
        read = ReadWeek(
            DynamoDbTotals(self.dynamodb, table),
            self._prompts(WORKFLOW),
            RunReports(self.bucket, DynamoDbRuns(self.dynamodb, table).newest),
            DynamoDbQuality(self.dynamodb, table),
        )
        return Mail(lambda: read(datetime.now(UTC).date()), self.settings.console_url)

    def publish(self, owner: str, action: str) -> PublishPrompt:
        """`owner` is shown to others who try to take the prompt lock, and with `action` in the
        audit trail."""
        table, prompts = self.settings.results_table, self._prompts(UNDER_LOCK)
        lock = DynamoDbPromptLock(self._dynamodb_under_lock, table, owner)
        audited = AuditedPrompts(prompts, self._record(owner), action)
        return PublishPrompt(audited, prompts, lock, self.local_models(UNDER_LOCK))

    def _record(self, owner: str) -> RecordChange:
        trail = DynamoDbAudit(self._dynamodb_under_lock, self.settings.results_table)
        return RecordChange(trail, lambda: f"route-switch: {owner}")

    def local_models(self, config: Config = WORKFLOW) -> S3LocalModels:
        return S3LocalModels(
            lambda: cast("S3Client", self._connect("s3", config=config)),
            lambda: self.settings.learning_bucket,
        )

    @property
    def _rejections(self) -> DynamoDbRejections:
        return DynamoDbRejections(self._dynamodb_under_lock, self.settings.results_table)

    @cached_property
    def _dynamodb_under_lock(self) -> "DynamoDBClient":
        return cast("DynamoDBClient", self._connect("dynamodb", config=UNDER_LOCK))


def build_collector(
    settings: Stores,
    dynamodb: "DynamoDBClient",
    s3: "S3Client",
    allowed: Callable[[Example], Example | None],
    trusted_keys: frozenset[str] = frozenset(),
) -> CollectExamples:
    """`allowed` returns an example as learning may see it, or None."""
    texts = S3TextStore(lambda: s3, settings.texts_bucket)
    table = DynamoDbLearning(dynamodb, settings.results_table, texts)
    return CollectExamples(table, table, settings.router, allowed, trusted_keys)
