"""Dependencies of the management function."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from route_switch.adapters.dynamodb_results import DynamoDbResultStore
from route_switch.adapters.keys_table import DynamoDbKeyStore
from route_switch.adapters.learning.dynamodb_runs import DynamoDbRuns
from route_switch.adapters.learning.learning_bucket import LearningBucket
from route_switch.adapters.learning.learning_texts import LearningTexts
from route_switch.adapters.operations.dynamodb_deletion import (
    DynamoDbDeletion,
    DynamoDbDeletionNotes,
)
from route_switch.adapters.operations.dynamodb_feedback import DynamoDbFeedback
from route_switch.adapters.operations.dynamodb_totals import DynamoDbTotals
from route_switch.adapters.s3 import S3TextStore
from route_switch.adapters.ssm import SsmPromptStore
from route_switch.domain.ports import ResultStore
from route_switch.services.authenticate import Authenticate
from route_switch.services.operations.delete_texts import DeleteTexts
from route_switch.services.operations.give_feedback import GiveFeedback
from route_switch.services.operations.sum_costs import SumCosts
from route_switch.services.prompts.show_prompt import ShowPrompt
from route_switch.wiring.aws_config import FOR_OWNER, clients
from route_switch.wiring.owner import all_keys, show_prompt
from route_switch.wiring.settings import ManagementSettings, read_management_settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient


@dataclass(frozen=True, slots=True)
class Management:
    authenticate: Authenticate
    results: ResultStore
    costs: SumCosts
    prompt: ShowPrompt
    give_feedback: GiveFeedback
    delete: DeleteTexts
    max_body_bytes: int


@lru_cache(maxsize=1)
def management() -> Management:
    """Built once per process, when the first request needs it."""
    return build_management(read_management_settings())


def build_management(settings: ManagementSettings) -> Management:
    connect = clients(FOR_OWNER)
    dynamodb = cast("DynamoDBClient", connect("dynamodb"))
    s3, ssm = cast("S3Client", connect("s3")), cast("SSMClient", connect("ssm"))
    table, texts = settings.results_table, S3TextStore(lambda: s3, settings.texts_bucket)
    prompt = show_prompt(SsmPromptStore(ssm, settings.live_parameter, settings.seed_parameter))
    learning_bucket = LearningBucket(s3, settings.learning_bucket)
    return Management(
        Authenticate(DynamoDbKeyStore(dynamodb, settings.keys_table)),
        DynamoDbResultStore(dynamodb, table, texts),
        SumCosts(DynamoDbTotals(dynamodb, table), all_keys(dynamodb, settings.keys_table)),
        prompt,
        GiveFeedback(DynamoDbFeedback(dynamodb, table)),
        DeleteTexts(
            DynamoDbDeletion(dynamodb, table, settings.idempotency_table, texts),
            DynamoDbDeletionNotes(dynamodb, table),
            lambda go_on: LearningTexts(learning_bucket, go_on),
            DynamoDbRuns(dynamodb, table).holder,
            prompt.versions,
            settings.backup_days,
        ),
        settings.router.max_body_bytes,
    )
