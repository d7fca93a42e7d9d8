"""Dependencies of the function behind the dashboard widgets."""

from functools import lru_cache
from typing import TYPE_CHECKING, cast

from route_switch.adapters.operations.dynamodb_totals import DynamoDbTotals
from route_switch.adapters.ssm import SsmPromptStore
from route_switch.dashboard.views import Views
from route_switch.services.operations.show_spend import ShowSpend
from route_switch.services.operations.sum_costs import SumCosts
from route_switch.wiring.aws_config import FOR_OWNER, FOR_OWNER_S, clients
from route_switch.wiring.owner import all_keys, show_prompt
from route_switch.wiring.settings import DashboardSettings, read_dashboard_settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ssm import SSMClient


@lru_cache(maxsize=1)
def views() -> Views:
    """Return the views, which are built once per process, when the first widget needs them."""
    return build_views(read_dashboard_settings())


def build_views(settings: DashboardSettings) -> Views:
    connect = clients(FOR_OWNER, FOR_OWNER_S)
    dynamodb, ssm = cast("DynamoDBClient", connect("dynamodb")), cast("SSMClient", connect("ssm"))
    totals = DynamoDbTotals(dynamodb, settings.results_table)
    prompts = SsmPromptStore(ssm, settings.live_parameter, settings.seed_parameter)
    return Views(
        ShowSpend(totals),
        SumCosts(totals, all_keys(dynamodb, settings.keys_table)),
        show_prompt(prompts),
        settings.monthly_budget_usd,
    )
