"""Dependencies of the management function."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from route_switch.adapters.dynamodb_limits import DynamoDbKeyLimits
from route_switch.adapters.dynamodb_results import DynamoDbResultStore
from route_switch.adapters.keys_table import DynamoDbKeyStore
from route_switch.adapters.operations.dynamodb_audit import DynamoDbAudit
from route_switch.adapters.operations.dynamodb_feedback import DynamoDbFeedback
from route_switch.adapters.operations.dynamodb_listing import DynamoDbListing
from route_switch.adapters.operations.dynamodb_totals import DynamoDbTotals
from route_switch.adapters.s3 import S3TextStore
from route_switch.adapters.ssm import SsmPromptStore
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.learning.past_request import GivenFeedback
from route_switch.domain.ports import ResultStore
from route_switch.services.admit_request import AdmitRequest
from route_switch.services.authenticate import Authenticate
from route_switch.services.operations.audited_deletions import AuditedDeletions
from route_switch.services.operations.give_feedback import GiveFeedback
from route_switch.services.operations.list_changes import ListChanges
from route_switch.services.operations.list_results import ListResults
from route_switch.services.operations.sum_costs import SumCosts
from route_switch.services.prompts.show_prompt import ShowPrompt
from route_switch.wiring.aws_config import FOR_OWNER, FOR_OWNER_S, QUICK, QUICK_S, clients
from route_switch.wiring.deletion import DeletionStores, build_deletion
from route_switch.wiring.owner import all_keys, show_prompt
from route_switch.wiring.settings import ManagementSettings, read_management_settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient


@dataclass(frozen=True, slots=True)
class Management:
    authenticate: Authenticate
    count: Callable[[ApiKey], None]
    """Counts a request against the key's rate."""
    results: ResultStore
    costs: SumCosts
    prompt: ShowPrompt
    give_feedback: GiveFeedback
    delete: AuditedDeletions
    changes: ListChanges
    list_results: ListResults
    feedback_of: Callable[[str], GivenFeedback | None]
    retention_days: int
    max_body_bytes: int


@lru_cache(maxsize=1)
def management() -> Management:
    """Built once per process, when the first request needs it."""
    return build_management(read_management_settings())


def build_management(settings: ManagementSettings) -> Management:
    connect = clients(FOR_OWNER, FOR_OWNER_S)
    dynamodb = cast("DynamoDBClient", connect("dynamodb"))
    keys = cast("DynamoDBClient", clients(QUICK, QUICK_S)("dynamodb"))
    s3, ssm = cast("S3Client", connect("s3")), cast("SSMClient", connect("ssm"))
    table, texts = settings.results_table, S3TextStore(lambda: s3, settings.texts_bucket)
    listing = DynamoDbListing(dynamodb, table)
    prompt = show_prompt(SsmPromptStore(ssm, settings.live_parameter, settings.seed_parameter))
    trail = DynamoDbAudit(dynamodb, table)
    return Management(
        Authenticate(DynamoDbKeyStore(keys, settings.keys_table)),
        AdmitRequest(DynamoDbKeyLimits(dynamodb, table), lambda: datetime.now(UTC)).count,
        DynamoDbResultStore(dynamodb, table, texts),
        SumCosts(DynamoDbTotals(dynamodb, table), all_keys(dynamodb, settings.keys_table)),
        prompt,
        GiveFeedback(DynamoDbFeedback(dynamodb, table)),
        AuditedDeletions(
            build_deletion(
                DeletionStores(
                    table,
                    settings.idempotency_table,
                    settings.texts_bucket,
                    settings.learning_bucket,
                    settings.backup_days,
                ),
                connect,
                prompt.versions,
            ),
            trail,
        ),
        ListChanges(trail),
        ListResults(listing),
        listing.feedback_of,
        settings.router.retention_days,
        settings.router.max_body_bytes,
    )
