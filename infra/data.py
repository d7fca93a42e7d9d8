"""All stateful resources."""

from aws_cdk import Duration, SecretValue
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.encryption import customer_key
from infra.nag import acknowledge
from infra.removal import removal_policy
from infra.stage import Stage
from route_switch.adapters.learning.learning_bucket import EXPIRING
from route_switch.adapters.results_table import (
    FORMER_USERS_INDEX,
    LEARNING_INDEX,
    LEARNING_KEYS,
    USERS_INDEX,
    USERS_KEYS,
)
from route_switch.domain.providers import KEYLESS

DAYS_PER_WEEK = 7
"""An answer may be paid for up to a week before the last run that uses it."""


class Data(Construct):
    """Tables, buckets, the queue of records that could not be written, and secrets."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self._key = customer_key(self)
        self._removal = removal_policy(stage)
        self.results = self._results()
        self.keys = self._table("Keys")
        self.idempotency = self._idempotency()
        self.texts = self._texts()
        self.learning = self._learning()
        self.records = self._records()
        self.text_hash_secret = (
            self._text_hash_secret() if stage.router.text_storage == "hash" else None
        )
        self.provider_secret = (
            self._provider_secret()
            if (stage.providers | stage.learning_providers) - KEYLESS
            else None
        )

    def _results(self) -> dynamodb.TableV2:
        table = self._table("Results", sort_key=_string("sk"), ttl="expires_at")
        partition_key, sort_key = map(_string, LEARNING_KEYS)
        table.add_global_secondary_index(
            index_name=LEARNING_INDEX,
            partition_key=partition_key,
            sort_key=sort_key,
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        user_key, user_sort_key = map(_string, USERS_KEYS)
        table.add_global_secondary_index(
            index_name=USERS_INDEX,
            partition_key=user_key,
            sort_key=user_sort_key,
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        # CloudFormation refuses to add and remove an index in one update: remove this one in the
        # next release.
        table.add_global_secondary_index(
            index_name=FORMER_USERS_INDEX,
            partition_key=user_key,
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        return table

    def _idempotency(self) -> dynamodb.TableV2:
        """Create the table of answers to repeat for a day, in the layout of Powertools."""
        return self._table("Idempotency", partition_key="id", ttl="expiration")

    def _table(
        self,
        construct_id: str,
        *,
        partition_key: str = "pk",
        sort_key: dynamodb.Attribute | None = None,
        ttl: str | None = None,
    ) -> dynamodb.TableV2:
        return dynamodb.TableV2(
            self,
            construct_id,
            partition_key=_string(partition_key),
            sort_key=sort_key,
            billing=dynamodb.Billing.on_demand(),
            encryption=(
                None
                if self._key is None
                else dynamodb.TableEncryptionV2.customer_managed_key(self._key)
            ),
            time_to_live_attribute=ttl,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=self._stage.backups
            ),
            deletion_protection=self._stage.protected,
            removal_policy=self._removal,
        )

    def _texts(self) -> s3.Bucket:
        """Create the bucket of texts too large for an item. They expire with their results."""
        kept = Duration.days(self._stage.router.retention_days)
        return self._bucket("Texts", s3.LifecycleRule(expiration=kept))

    def _learning(self) -> s3.Bucket:
        """Create the bucket of learning; `adapters.learning.learning_bucket` lists its folders."""
        days = min(self._stage.learning.days + DAYS_PER_WEEK, self._stage.router.retention_days)
        kept = Duration.days(days)
        rules = (s3.LifecycleRule(prefix=prefix, expiration=kept) for prefix in EXPIRING)
        return self._bucket("Learning", *rules)

    def _bucket(self, construct_id: str, *rules: s3.LifecycleRule) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            construct_id,
            encryption=(
                s3.BucketEncryption.S3_MANAGED if self._key is None else s3.BucketEncryption.KMS
            ),
            encryption_key=self._key,
            bucket_key_enabled=True if self._key is not None else None,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            removal_policy=self._removal,
            lifecycle_rules=list(rules),
        )
        acknowledge(
            bucket,
            "S1",
            "Only the stack's functions use this bucket, and each access belongs to a recorded "
            "request or run. A second bucket with access logs would add nothing.",
        )
        return bucket

    def _records(self) -> sqs.Queue:
        """Create the queue of records that could not be written, with SQS's longest retention."""
        queue = sqs.Queue(
            self,
            "Records",
            encryption=(
                sqs.QueueEncryption.SQS_MANAGED if self._key is None else sqs.QueueEncryption.KMS
            ),
            encryption_master_key=self._key,
            enforce_ssl=True,
            retention_period=Duration.days(14),
            removal_policy=self._removal,
        )
        acknowledge(
            queue,
            "SQS3",
            "This queue is itself a dead-letter queue: the monitor removes messages that are not "
            "records.",
        )
        return queue

    def _text_hash_secret(self) -> secretsmanager.Secret:
        secret = secretsmanager.Secret(
            self,
            "TextHashSecret",
            description="HMAC key for the hashes of query and answer texts",
            encryption_key=self._key,
            removal_policy=self._removal,
        )
        acknowledge(
            secret,
            "SMG4",
            "Rotating the key would change every hash and break comparisons.",
        )
        return secret

    def _provider_secret(self) -> secretsmanager.Secret:
        """Create an empty secret for the owner to fill in; later deployments do not write it."""
        secret = secretsmanager.Secret(
            self,
            "ProviderSecret",
            description='API keys of model providers: {"OPENAI_API_KEY": "..."}',
            secret_string_value=SecretValue.unsafe_plain_text("{}"),
            encryption_key=self._key,
            removal_policy=self._removal,
        )
        acknowledge(
            secret,
            "SMG4",
            "The providers issue these keys; AWS cannot rotate them.",
        )
        return secret


def _string(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
