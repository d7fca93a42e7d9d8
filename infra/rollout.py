"""Gradual rollout of a new function version, with rollback if it fails."""

from aws_cdk import Duration
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_lambda as lambda_

from infra.alarms import Alarms
from infra.function import StageFunction
from infra.metrics import added, metric
from infra.nag import acknowledge
from infra.stage import Stage

CONFIGURATIONS = {
    "at_once": codedeploy.LambdaDeploymentConfig.ALL_AT_ONCE,
    "canary": codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
}
MINUTE = Duration.minutes(1)


def add_live_alias(function: StageFunction, *, stage: Stage, alarms: Alarms) -> lambda_.Alias:
    """Return the alias `live`, which callers use. A deployment moves it to the new version.

    If the new version fails, CodeDeploy moves the alias back and the deployment fails.
    """
    name = function.folder.name
    alias = lambda_.Alias(
        function, "Live", alias_name="live", version=function.function.current_version
    )
    failing = alarms.add(
        f"{name}-failing",
        added(
            alias.metric_errors(period=MINUTE, statistic="Sum"),
            # Defects that the handler answered as 5xx itself; failing models are not among them.
            metric(stage, name, "unexpected_errors", period=MINUTE),
            period=MINUTE,
        ),
    )
    group = codedeploy.LambdaDeploymentGroup(
        function,
        "Deployments",
        alias=alias,
        deployment_config=CONFIGURATIONS[stage.rollout],
        alarms=[failing],
    )
    reason = "CodeDeploy requires this policy to move an alias."
    policy = "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
    acknowledge(group, f"{policy}AWSCodeDeployRoleForLambdaLimited]", reason)
    return alias
