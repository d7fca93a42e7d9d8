"""CloudFormation resource types of CloudWatch. The local stack never evaluates alarms."""

from local.aws.request import Attributes, Request, pick

ALARM_KEYS = (
    "ActionsEnabled",
    "AlarmActions",
    "AlarmDescription",
    "ComparisonOperator",
    "DatapointsToAlarm",
    "Dimensions",
    "EvaluateLowSampleCountPercentile",
    "EvaluationPeriods",
    "ExtendedStatistic",
    "InsufficientDataActions",
    "MetricName",
    "Metrics",
    "Namespace",
    "OKActions",
    "Period",
    "Statistic",
    "Threshold",
    "ThresholdMetricId",
    "TreatMissingData",
    "Unit",
)
COMPOSITE_KEYS = (
    "ActionsEnabled",
    "AlarmActions",
    "AlarmDescription",
    "AlarmRule",
    "InsufficientDataActions",
    "OKActions",
)
ACTIVE = {"ActionsEnabled": True}
"""CloudWatch's own default, which moto lacks."""


def put_alarm(request: Request) -> Attributes:
    client = request.cloud.client("cloudwatch")
    client.put_metric_alarm(AlarmName=request.name, **ACTIVE | pick(request.properties, ALARM_KEYS))
    (alarm,) = client.describe_alarms(AlarmNames=[request.name])["MetricAlarms"]
    return {"Ref": request.name, "Arn": alarm["AlarmArn"]}


def put_composite_alarm(request: Request) -> Attributes:
    client = request.cloud.client("cloudwatch")
    client.put_composite_alarm(
        AlarmName=request.name, **ACTIVE | pick(request.properties, COMPOSITE_KEYS)
    )
    types = ["CompositeAlarm"]
    found = client.describe_alarms(AlarmNames=[request.name], AlarmTypes=types)
    (alarm,) = found["CompositeAlarms"]
    return {"Ref": request.name, "Arn": alarm["AlarmArn"]}


def delete_alarm(request: Request) -> None:
    request.cloud.client("cloudwatch").delete_alarms(AlarmNames=[request.name])


def put_dashboard(request: Request) -> Attributes:
    body = request.properties["DashboardBody"]
    client = request.cloud.client("cloudwatch")
    client.put_dashboard(DashboardName=request.name, DashboardBody=body)
    return {"Ref": request.name}


def delete_dashboard(request: Request) -> None:
    request.cloud.client("cloudwatch").delete_dashboards(DashboardNames=[request.name])
