"""How a new version of a function comes to serve: step by step, and back where it fails."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.alarms import Alarms, added
from infra.nag import acknowledge
from infra.stage import Stage

CONFIGURATIONS = {
    "at_once": codedeploy.LambdaDeploymentConfig.ALL_AT_ONCE,
    "canary": codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
}
MINUTE = Duration.minutes(1)


class Rollout(Construct):
    """The alias `live` of a function. A deployment moves it to the new version; where the new one
    fails, CodeDeploy moves it back and the deployment fails."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        function: lambda_.Function,
        unexpected: cloudwatch.IMetric,
        alarms: Alarms,
    ) -> None:
        """`unexpected` counts the errors that the handler answered itself, as 500."""
        super().__init__(scope, construct_id)
        self.alias = lambda_.Alias(
            self, "Live", alias_name="live", version=function.current_version
        )
        name = construct_id.removesuffix("Rollout").lower()
        failing = alarms.add(
            f"{name}-failing",
            added(
                self.alias.metric_errors(period=MINUTE, statistic="Sum"),
                unexpected,
                period=MINUTE,
            ),
            f"The {name} function fails. A deployment under way is rolled back.",
        )
        group = codedeploy.LambdaDeploymentGroup(
            self,
            "Deployments",
            alias=self.alias,
            deployment_config=CONFIGURATIONS[stage.rollout],
            alarms=[failing],
        )
        reason = "CodeDeploy takes exactly this policy to move an alias."
        policy = "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
        acknowledge(group, f"{policy}AWSCodeDeployRoleForLambdaLimited]", reason)
