"""Dependencies of a preview over HTTP. The router LLM is called as the router calls it, by the same
light adapters: never through LiteLLM, whose import takes seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from route_switch.adapters.dynamodb_limits import DynamoDbKeyLimits
from route_switch.adapters.learning.dynamodb_learning import DynamoDbLearning
from route_switch.adapters.learning.file_memo import MemoryMemo
from route_switch.adapters.models.hurried_clients import HurriedClients
from route_switch.adapters.models.learning_clients import learning_clients
from route_switch.adapters.models.limited_clients import LimitedClients
from route_switch.adapters.models.registry import FACTORIES
from route_switch.adapters.operations.dynamodb_spending import DynamoDbSpending
from route_switch.adapters.s3 import S3TextStore
from route_switch.api.owner.words import API_WORDS
from route_switch.domain.api_keys import ApiKey
from route_switch.domain.pricing import Price
from route_switch.domain.providers import IN_PROCESS, provider_of
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import ALL_TIERS
from route_switch.services.learning.collect_examples import CollectedExamples, CollectExamples
from route_switch.services.learning.metered_calls import MeteredCalls
from route_switch.services.learning.pace import Pace, TimeBudget
from route_switch.services.learning.route_examples import RouteExamples
from route_switch.services.learning.spending_caps import LocalCap
from route_switch.services.operations.charge_key import ChargeKey
from route_switch.services.prompts.preview_prompt import PreviewPrompt, PromptPreview
from route_switch.wiring.secrets_manager import provider_keys
from route_switch.wiring.settings import ApiSettings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

LONGEST_S = 20.0
"""The time for reading and asking. API Gateway gives up after 29 s, and the answer must be sent
before that."""
CALL_S = 8.0
PATIENCE_S = 4.0
"""How long a router LLM may fail."""
FREE = Price(input_usd_per_million=0, output_usd_per_million=0)


@dataclass(frozen=True)
class PreviewWiring:
    """Built once per process."""

    settings: ApiSettings
    dynamodb: "DynamoDBClient"
    s3: "S3Client"

    @property
    def config(self) -> RouterConfig:
        return self.settings.router

    @property
    def can_call_router(self) -> bool:
        return provider_of(self.config.models.router) in FACTORIES

    @property
    def router_price(self) -> Price | None:
        router = self.config.models.router
        known = self.config.models.price(router)
        return FREE if known is None and provider_of(router) in IN_PROCESS else known

    def __call__(
        self,
        key: ApiKey,
        live: RoutingPrompt,
        edited: RoutingPrompt,
        days: Sequence[date],
        sample: int,
        budget_usd: float,
    ) -> tuple[PromptPreview, float]:
        """Return the preview and what it cost. Raise `RequestRefusedError` (429) if the key's own
        budget does not cover `budget_usd`."""
        time, cap = TimeBudget(LONGEST_S), LocalCap(budget_usd)
        time.remaining_s()  # it begins now
        route = RouteExamples(self.config, self._calls(time, cap), ALL_TIERS).route
        preview = PreviewPrompt(
            self.config, self._collect, route, API_WORDS.setting, time.remaining_s
        )
        router, now = self.config.models.router, datetime.now(UTC)
        most_usd = 0.0 if self.router_price == FREE else budget_usd
        with self._charge.reserved(key, most_usd, router, now, lambda: cap.taken_usd):
            found = preview(live, edited, days, sample)
        return found, cap.taken_usd

    def _calls(self, time: TimeBudget, cap: LocalCap) -> MeteredCalls:
        clients = HurriedClients(self._clients, time.remaining_s, CALL_S)
        pace = Pace(remaining_s=time.remaining_s, patience_s=PATIENCE_S, first_answer_s=PATIENCE_S)
        return MeteredCalls(clients, lambda _: self.router_price, MemoryMemo(), cap, pace)

    def _collect(self, days: Sequence[date], sample: int) -> CollectedExamples:
        texts = S3TextStore(lambda: self.s3, self.settings.texts_bucket)
        table = DynamoDbLearning(self.dynamodb, self.settings.results_table, texts)
        # Only the owner gets the answer, and the owner may see the texts that the stage stores.
        collect = CollectExamples(table, table, self.config, lambda example: example)
        return collect(days, sample, with_feedback=0)

    @cached_property
    def _clients(self) -> LimitedClients:
        return learning_clients(self.config, provider_keys(self.settings.provider_secret))

    @cached_property
    def _charge(self) -> ChargeKey:
        table = self.settings.results_table
        return ChargeKey(
            DynamoDbKeyLimits(self.dynamodb, table), DynamoDbSpending(self.dynamodb, table)
        )
