"""Alarms: who is told, and the form that each of them has."""

from aws_cdk import Annotations, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.encryption import customer_key
from infra.stage import Stage

RUNBOOK = "docs/runbook.md"
"""Has a section for each alarm, under its short name."""


class Alarms(Construct):
    """The topic of alarms, and the alarms that publish to it when they fire and when they end."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self.topic = self._topic()
        self.all: list[cloudwatch.Alarm] = []

    def _topic(self) -> sns.Topic:
        topic = sns.Topic(self, "Topic", enforce_ssl=True, master_key=customer_key(self))
        # The policy that enforces TLS stands in the place of SNS's own, by which alarms publish.
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                actions=["sns:Publish"],
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )
        if self._stage.notify_email is None and self._stage.name != "local":
            Annotations.of(self).add_warning_v2(
                "route-switch:nobody-is-told",
                "Nobody is told when an alarm fires. Set notify_email in the stage, or subscribe "
                "to the topic in the output AlarmsTopic.",
            )
        if self._stage.notify_email is not None:
            topic.add_subscription(subscriptions.EmailSubscription(self._stage.notify_email))
        return topic

    def add(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        what: str,
        *,
        above: float = 0,
        periods: int = 1,
        datapoints: int | None = None,
    ) -> cloudwatch.Alarm:
        """Fires when `metric` lies above `above` in all of so many periods, or in `datapoints` of
        them; no data is fine. Logs become metrics with a delay, so one short period is not enough.

        `name` is that of its section in the runbook, `what` a sentence that says what happened.
        """
        alarm = cloudwatch.Alarm(
            self,
            "".join(word.title() for word in name.split("-")),
            alarm_name=f"route-switch-{self._stage.name}-{name}",
            alarm_description=f"{what} What to do: {RUNBOOK}#{name}",
            metric=metric,
            threshold=above,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=periods,
            datapoints_to_alarm=datapoints,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        action = actions.SnsAction(self.topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
        self.all.append(alarm)
        return alarm


def added(*metrics: cloudwatch.IMetric, period: Duration) -> cloudwatch.MathExpression:
    """The sum; a metric without data counts as 0. An alarm is paid for each metric in it."""
    names = [f"m{number}" for number, _ in enumerate(metrics)]
    return cloudwatch.MathExpression(
        expression=" + ".join(f"FILL({name}, 0)" for name in names),
        using_metrics=dict(zip(names, metrics, strict=True)),
        period=period,
    )
