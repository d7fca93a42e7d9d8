"""Usage that does not depend on the number of requests."""

from route_switch.adapters.results_table import SHARDS
from route_switch.cost_estimate.bill import MONTH_DAYS, MONTH_HOURS, BillLine
from route_switch.cost_estimate.deployment import Deployment

MONTH_WEEKS = MONTH_DAYS / 7

SCHEDULED_S = 2.0
"""Duration of a scheduled function, with its cold start: it always has one."""
STEPS = 4
"""State transitions of a run with too few examples: claim, collect, report, notify."""
CHECK_READS = 31 * SHARDS / 2
"""Read units of one scheduled check: a month's counters, half a unit each."""
SCHEDULED_LOG_GB = 2_000 / 1024**3

IMAGE_GB = 0.6
"""Size of the optimizer's image, compressed."""
ASSETS_GB = 0.1
"""Size of layers and code in the CDK's bootstrap bucket."""

LEARNING_HOURS = 2.0
"""Duration of all slices of a weekly run; the longest steps wait for models."""
OPTIMIZER_MB = 3008
SMALL_MB = 1024
"""Memory of every function but the router's and the optimizer's."""
LEARNING_STEPS = 50
"""State transitions of a complete run: two for each slice of 13 minutes."""


def idle_lines(deployment: Deployment) -> tuple[BillLine, ...]:
    """Return a month's usage without requests."""
    owned = deployment.owned
    checks = owned.hourly * MONTH_HOURS + owned.daily * MONTH_DAYS
    weekly = owned.weekly * MONTH_WEEKS
    runs = checks + weekly * STEPS
    lines = (
        BillLine("CloudWatch, alarms", {"alarm_metrics": owned.alarm_metrics}),
        BillLine("CloudWatch, dashboard", {"dashboards": owned.dashboards}),
        BillLine("CloudWatch, metrics", {"metrics": owned.steady_metrics}),
        BillLine("CloudWatch Logs", {"logs_gb": runs * SCHEDULED_LOG_GB}),
        BillLine(
            "Lambda, scheduled",
            {**deployment.gb_s(runs * SCHEDULED_S, SMALL_MB), "lambda_requests": runs},
        ),
        BillLine("DynamoDB", {"dynamodb_reads": checks * CHECK_READS}),
        BillLine("EventBridge Scheduler", {"scheduled_invocations": checks + weekly}),
        BillLine("Step Functions", {"state_transitions": weekly * STEPS}),
        BillLine("ECR, optimizer's image", {"image_gb": IMAGE_GB}),
        BillLine("S3, code", {"s3_storage_gb": ASSETS_GB}),
        BillLine("Secrets Manager", {"secrets": owned.secrets}),
        BillLine("KMS, customer keys", {"customer_keys": owned.customer_keys}),
    )
    return tuple(line for line in lines if any(line.usage.values()))


def busy_lines(deployment: Deployment) -> tuple[BillLine, ...]:
    """Return the additional usage of a stage with any traffic: the metrics of requests, a learned
    prompt (longer than 4 KB), and a weekly learning run."""
    weekly = deployment.owned.weekly * MONTH_WEEKS
    seconds = weekly * LEARNING_HOURS * 3600
    return (
        BillLine("CloudWatch, metrics of requests", {"metrics": deployment.owned.traffic_metrics}),
        BillLine("Parameter Store, the prompt", {"advanced_parameters": 1}),
        BillLine(
            "Learning's functions",
            {
                **deployment.gb_s(seconds, OPTIMIZER_MB),
                "state_transitions": weekly * (LEARNING_STEPS - STEPS),
            },
        ),
    )
