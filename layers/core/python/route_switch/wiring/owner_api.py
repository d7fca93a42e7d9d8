"""Dependencies of the owner function: the API's routes that change keys, switches and the prompt.
Nothing here is shared with the management function, which every client key reaches."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Annotated, cast

from pydantic import Field

from route_switch.adapters.dynamodb_limits import DynamoDbKeyLimits
from route_switch.adapters.keys_table import DynamoDbKeyStore
from route_switch.adapters.learning.dynamodb_learning import DynamoDbLearning
from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.adapters.learning.learning_bucket import LearningBucket
from route_switch.adapters.learning.learning_records import StoredLearning
from route_switch.adapters.learning.run_files import RunFilesReader
from route_switch.adapters.learning.run_lock import DynamoDbRunLock
from route_switch.adapters.learning.step_functions import (
    StepFunctionsApprovals,
    StepFunctionsRuns,
)
from route_switch.adapters.operations.audited_keys import AuditedKeys
from route_switch.adapters.operations.dynamodb_audit import DynamoDbAudit
from route_switch.adapters.operations.dynamodb_budgets import DynamoDbBudgets
from route_switch.adapters.operations.dynamodb_totals import DynamoDbTotals
from route_switch.adapters.operations.opened_budgets import OpenedBudgets
from route_switch.adapters.prompts.prompt_lock import DynamoDbPromptLock
from route_switch.adapters.prompts.stored_numbers_only import StoredNumbersOnly
from route_switch.adapters.s3 import S3TextStore
from route_switch.adapters.s3_local_models import S3LocalModels
from route_switch.adapters.ssm import SsmPromptStore, SsmSwitchStore
from route_switch.api.owner.words import API_WORDS
from route_switch.domain.learning.learning_config import LearningConfig
from route_switch.domain.prompt_document import as_stored, readable_prompt
from route_switch.domain.prompts.going_live import check_may_go_live, parse_to_publish
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.services.admit_request import AdmitRequest
from route_switch.services.authenticate import READ_ALWAYS, Authenticate
from route_switch.services.learning.answer_approval import AnswerApproval
from route_switch.services.learning.follow_runs import FollowRuns
from route_switch.services.learning.show_learning import RUNS_READ, ShowLearning
from route_switch.services.learning.start_run import StartLearning
from route_switch.services.operations.audited_switches import AuditedSwitches
from route_switch.services.operations.authenticate_owner import AuthenticateOwner, Owner
from route_switch.services.operations.change_keys import ChangeKeys
from route_switch.services.operations.change_switches import ChangeSwitches
from route_switch.services.operations.list_keys import ListKeys
from route_switch.services.operations.record_change import RecordChange
from route_switch.services.prompts.audited_prompts import AuditedPrompts
from route_switch.services.prompts.publish_prompt import PublishPrompt
from route_switch.services.prompts.stored_numbers import with_stored_numbers
from route_switch.wiring.aws_config import (
    FOR_OWNER,
    FOR_OWNER_S,
    QUICK,
    QUICK_S,
    UNDER_LOCK,
    clients,
)
from route_switch.wiring.preview import PreviewWiring
from route_switch.wiring.settings import ApiSettings, parse_environment

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient


class OwnerSettings(ApiSettings):
    """All settings of the owner function."""

    learning: Annotated[LearningConfig, Field(alias="LEARNING_CONFIG")]
    learning_bucket: Annotated[str, Field(alias="LEARNING_BUCKET", min_length=1)]
    state_machine: Annotated[str, Field(alias="STATE_MACHINE_ARN", min_length=1)]


def read_owner_settings() -> OwnerSettings:
    """Raise `ConfigurationError` naming the invalid variable."""
    return parse_environment(
        OwnerSettings, os.environ, ROUTE_SWITCH_CONFIG=RouterConfig, LEARNING_CONFIG=LearningConfig
    )


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class OwnerWiring:
    """Built once per process; each part when it is first used."""

    settings: OwnerSettings

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        return cast("DynamoDBClient", clients(FOR_OWNER, FOR_OWNER_S)("dynamodb"))

    @cached_property
    def ssm(self) -> "SSMClient":
        return cast("SSMClient", clients(FOR_OWNER, FOR_OWNER_S)("ssm"))

    @cached_property
    def authenticate(self) -> AuthenticateOwner:
        quick = cast("DynamoDBClient", clients(QUICK, QUICK_S)("dynamodb"))
        keys = DynamoDbKeyStore(quick, self.settings.keys_table, consistent=True)
        return AuthenticateOwner(
            Authenticate(keys, lifetime=READ_ALWAYS),
            AdmitRequest(self.limits, lambda: datetime.now(UTC)).count,
        )

    @cached_property
    def limits(self) -> DynamoDbKeyLimits:
        return DynamoDbKeyLimits(self.dynamodb, self.settings.results_table)

    def record(self, owner: Owner) -> RecordChange:
        trail = DynamoDbAudit(self.dynamodb, self.settings.results_table)
        return RecordChange(trail, lambda: owner.by)

    def change_keys(self, owner: Owner) -> ChangeKeys:
        settings = self.settings
        keys = AuditedKeys(
            self.dynamodb,
            settings.keys_table,
            settings.results_table,
            API_WORDS.list_keys,
            (owner.key.key_id, owner.key_hash),
        )
        budgets = OpenedBudgets(self.dynamodb, settings.results_table)
        return ChangeKeys(keys, budgets, self.record(owner).entry, API_WORDS)

    @cached_property
    def list_keys(self) -> ListKeys:
        table = self.settings.results_table
        return ListKeys(DynamoDbTotals(self.dynamodb, table), DynamoDbBudgets(self.dynamodb, table))

    @cached_property
    def switches(self) -> SsmSwitchStore:
        return SsmSwitchStore(self.ssm, self.settings.switches_parameter)

    def publish(self, owner: Owner, action: str) -> PublishPrompt:
        """`action` is what the audit trail says of the change."""
        settings = self.settings
        ssm = cast("SSMClient", clients(UNDER_LOCK, FOR_OWNER_S)("ssm"))
        prompts = SsmPromptStore(ssm, settings.live_parameter, settings.seed_parameter)
        under_lock = cast("DynamoDBClient", clients(UNDER_LOCK, FOR_OWNER_S)("dynamodb"))
        lock = DynamoDbPromptLock(under_lock, settings.results_table, owner.by)
        audited = AuditedPrompts(prompts, self.record(owner), action)
        numbers = StoredNumbersOnly(self.local_models)
        return PublishPrompt(audited, prompts, lock, numbers, self._candidates)

    def _candidates(self) -> Iterator[str]:
        """Yield the candidates of the newest runs."""
        for run in self.runs.newest(RUNS_READ):
            candidate = self.run_files.candidate(run.id)
            if candidate is not None:
                yield candidate

    @cached_property
    def run_files(self) -> RunFilesReader:
        return RunFilesReader(LearningBucket(self.s3, self.settings.learning_bucket))

    @cached_property
    def runs(self) -> DynamoDbRuns:
        return DynamoDbRuns(self.dynamodb, self.settings.results_table)

    @cached_property
    def step_functions(self) -> "SFNClient":
        return cast("SFNClient", clients(FOR_OWNER, FOR_OWNER_S)("stepfunctions"))

    @cached_property
    def workflow(self) -> StepFunctionsRuns:
        return StepFunctionsRuns(self.step_functions, self.settings.state_machine)

    @cached_property
    def follow_runs(self) -> FollowRuns:
        workflow = self.workflow
        return FollowRuns(self.runs, workflow.execution, workflow.of_name, self.run_files.progress)

    def start_learning(self, owner: Owner) -> StartLearning:
        lock = DynamoDbRunLock(self.dynamodb, self.settings.results_table, self.workflow.execution)
        return StartLearning(self.workflow, lock, self.switches, self.record(owner), API_WORDS)

    def answer_approval(self, owner: Owner) -> AnswerApproval:
        approvals = StepFunctionsApprovals(self.step_functions)
        return AnswerApproval(self.runs, approvals, self.switches, self.record(owner), API_WORDS)

    @cached_property
    def show_learning(self) -> ShowLearning:
        settings = self.settings
        table, texts = settings.results_table, S3TextStore(lambda: self.s3, settings.texts_bucket)
        return ShowLearning(
            settings.learning,
            settings.router.text_storage,
            self.switches,
            DynamoDbLearning(self.dynamodb, table, texts),
            StoredLearning(self.dynamodb, table, self.run_files, self.prompts),
        )

    @cached_property
    def preview(self) -> PreviewWiring:
        return PreviewWiring(self.settings, self.dynamodb, self.s3)

    def served(self, document: str) -> RoutingPrompt:
        """Return the prompt as it would be served. Raise `PromptError` if it must not go live."""
        prompt = parse_to_publish(document)
        check_may_go_live(prompt, as_stored(document))
        return with_stored_numbers(prompt, self.local_models)

    def live(self) -> RoutingPrompt | None:
        """Return the live prompt as it is served, None if it is missing or broken."""
        live = self.prompts.read_live()
        prompt = None if live is None else readable_prompt(live.document)
        return None if prompt is None else with_stored_numbers(prompt, self.local_models)

    def live_digest(self) -> str | None:
        """Return the version of the live prompt's content, None if it is missing or broken."""
        live = self.prompts.read_live()
        prompt = None if live is None else readable_prompt(live.document)
        return None if prompt is None else prompt.version

    @cached_property
    def prompts(self) -> SsmPromptStore:
        settings = self.settings
        return SsmPromptStore(self.ssm, settings.live_parameter, settings.seed_parameter)

    @cached_property
    def local_models(self) -> S3LocalModels:
        return S3LocalModels(lambda: self.s3, lambda: self.settings.learning_bucket)

    @cached_property
    def s3(self) -> "S3Client":
        return cast("S3Client", clients(FOR_OWNER, FOR_OWNER_S)("s3"))

    def change_switches(self, owner: Owner) -> ChangeSwitches:
        return ChangeSwitches(AuditedSwitches(self.switches, self.record(owner)))


@lru_cache(maxsize=1)
def owner_wiring() -> OwnerWiring:
    return OwnerWiring(read_owner_settings())
