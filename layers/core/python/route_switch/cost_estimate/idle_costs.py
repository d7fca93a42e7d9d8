"""What a deployment uses whatever its traffic is, and what comes with any traffic."""

from route_switch.adapters.results_table import SHARDS
from route_switch.cost_estimate.bill import MONTH_DAYS, MONTH_HOURS, Line
from route_switch.cost_estimate.deployment import Deployment

MONTH_WEEKS = MONTH_DAYS / 7

SCHEDULED_S = 2.0
"""A scheduled function with its cold start, which it always has."""
STEPS = 4
"""States of a run that ends for want of examples: claim, collect, report, notify."""
LOOK_READS = 31 * SHARDS / 2
"""A month's counters, each read as half a unit."""
SCHEDULED_LOG_GB = 2_000 / 1024**3

IMAGE_GB = 0.6
"""The optimizer's image, compressed."""
ASSETS_GB = 0.1
"""Layers and code in the bucket of the CDK's bootstrap stack."""

LEARNING_HOURS = 2.0
"""What all slices of a weekly run take; its longest steps wait for models."""
OPTIMIZER_MB = 3008
LEARNING_STEPS = 50
"""States of a whole run, two for each slice of 13 minutes."""


def idle_lines(deployment: Deployment) -> tuple[Line, ...]:
    """A month without a request."""
    owned = deployment.owned
    looks = owned.hourly * MONTH_HOURS + owned.daily * MONTH_DAYS
    weekly = owned.weekly * MONTH_WEEKS
    runs = looks + weekly * STEPS
    lines = (
        Line("CloudWatch, alarms", {"alarm_metrics": owned.alarm_metrics}),
        Line("CloudWatch, dashboard", {"dashboards": owned.dashboards}),
        Line("CloudWatch, metrics", {"metrics": owned.steady_metrics}),
        Line("CloudWatch Logs", {"logs_gb": runs * SCHEDULED_LOG_GB}),
        Line(
            "Lambda, scheduled",
            {**deployment.gb_s(runs * SCHEDULED_S), "lambda_requests": runs},
        ),
        Line("DynamoDB", {"dynamodb_reads": looks * LOOK_READS}),
        Line("EventBridge Scheduler", {"scheduled_invocations": looks + weekly}),
        Line("Step Functions", {"state_transitions": weekly * STEPS}),
        Line("ECR, optimizer's image", {"image_gb": IMAGE_GB}),
        Line("S3, code", {"s3_storage_gb": ASSETS_GB}),
        Line("Secrets Manager", {"secrets": owned.secrets}),
        Line("KMS, customer keys", {"customer_keys": owned.customer_keys}),
    )
    return tuple(line for line in lines if any(line.usage.values()))


def busy_lines(deployment: Deployment) -> tuple[Line, ...]:
    """What comes with traffic, however much it is: metrics that get data, a learned prompt, which
    is longer than 4 KB, and a learning run a week."""
    weekly = deployment.owned.weekly * MONTH_WEEKS
    seconds = weekly * LEARNING_HOURS * 3600
    return (
        Line("CloudWatch, metrics of requests", {"metrics": deployment.owned.traffic_metrics}),
        Line("Parameter Store, the prompt", {"advanced_parameters": 1}),
        Line(
            "Learning's functions",
            {
                **deployment.gb_s(seconds, OPTIMIZER_MB),
                "state_transitions": weekly * (LEARNING_STEPS - STEPS),
            },
        ),
    )
