"""The stage's alarms, built as `infra.alarm_specs` declares them, and the topic they publish to."""

from aws_cdk import Annotations, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.alarm_specs import AlarmSpec, alarm_specs
from infra.encryption import customer_key
from infra.metrics import names_read_by
from infra.stage import Stage
from route_switch.domain.errors import ConfigurationError

RUNBOOK = "docs/runbook.md"
"""Has a section for each alarm, with the alarm's name."""


class Alarms(Construct):
    """Build the declared alarms. Each publishes to one topic when it fires and when it clears."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self._specs = {spec.name: spec for spec in alarm_specs(stage)}
        self.topic = self._topic()
        self.all: list[cloudwatch.Alarm] = []

    def _topic(self) -> sns.Topic:
        topic = sns.Topic(self, "Topic", enforce_ssl=True, master_key=customer_key(self))
        # Enforcing TLS replaces SNS's default policy, which would let alarms publish.
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
                "Nobody is notified when an alarm fires. Set notify_email in the stage, or "
                "subscribe to the topic in the output AlarmsTopic.",
            )
        if self._stage.notify_email is not None:
            topic.add_subscription(subscriptions.EmailSubscription(self._stage.notify_email))
        return topic

    def add(self, name: str, metric: cloudwatch.IMetric) -> cloudwatch.Alarm:
        """Build the alarm that is declared as `name`.

        Raise `ConfigurationError` if none is, or if it declares other metrics than `metric` reads.
        """
        spec = self._spec(name, metric)
        alarm = cloudwatch.Alarm(
            self,
            "".join(word.title() for word in name.split("-")),
            alarm_name=f"route-switch-{self._stage.name}-{name}",
            alarm_description=(
                f"{spec.description} {spec.meaning} {spec.to_do} More: {RUNBOOK}#{name}"
            ),
            metric=metric,
            threshold=spec.above,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=spec.periods,
            datapoints_to_alarm=spec.datapoints,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        action = actions.SnsAction(self.topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
        self.all.append(alarm)
        return alarm

    def _spec(self, name: str, metric: cloudwatch.IMetric) -> AlarmSpec:
        spec = self._specs.pop(name, None)
        if spec is None:
            raise ConfigurationError(
                f"infra/alarm_specs.py declares no alarm '{name}' that is still to be built. "
                "Declare it there, once."
            )
        declared, read = sorted(spec.metrics), names_read_by(metric)
        if declared != read:
            raise ConfigurationError(
                f"infra/alarm_specs.py: '{name}' declares the metrics {', '.join(declared)}, but "
                f"the alarm reads {', '.join(read)}. Declare these: AWS charges for each."
            )
        return spec

    def check_complete(self) -> None:
        """Raise `ConfigurationError` if a declared alarm was not built."""
        if self._specs:
            raise ConfigurationError(
                f"infra/alarm_specs.py declares alarms that the stack does not build: "
                f"{', '.join(self._specs)}. Build each with Alarms.add, or remove it."
            )
