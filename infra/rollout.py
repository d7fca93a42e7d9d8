"""How a new version of a function comes to serve: step by step, and back where it fails."""

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


def serve(function: StageFunction, *, stage: Stage, alarms: Alarms) -> lambda_.Alias:
    """The alias `live` of a function, for callers. A deployment moves it to the new version; where
    the new one fails, CodeDeploy moves it back and the deployment fails."""
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
    reason = "CodeDeploy takes exactly this policy to move an alias."
    policy = "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
    acknowledge(group, f"{policy}AWSCodeDeployRoleForLambdaLimited]", reason)
    return alias
