"""Gradual rollout of a new function version, with rollback if it fails."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
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


def add_live_aliases(
    *functions: StageFunction, stage: Stage, alarms: Alarms
) -> list[lambda_.Alias]:
    """Return the alias `live` of each, which callers use. A deployment moves it to the new version.

    One alarm, named for the first function, watches them all: a second alarm would cost more while
    idle. If a new version fails, CodeDeploy moves its alias back and the deployment fails. The
    handlers count their defects as those of the first function.
    """
    aliases = [
        lambda_.Alias(each, "Live", alias_name="live", version=each.function.current_version)
        for each in functions
    ]
    failing = _alarm(functions[0].folder.name, aliases, stage, alarms)
    for function, alias in zip(functions, aliases, strict=True):
        _deploy_gradually(function, alias, stage, failing)
    return aliases


def _deploy_gradually(
    function: StageFunction, alias: lambda_.Alias, stage: Stage, failing: cloudwatch.Alarm
) -> None:
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


def _alarm(
    name: str, aliases: Sequence[lambda_.Alias], stage: Stage, alarms: Alarms
) -> cloudwatch.Alarm:
    return alarms.add(
        f"{name}-failing",
        added(
            # Exceptions, time-outs, and versions that cannot be imported.
            *(alias.metric_errors(period=MINUTE, statistic="Sum") for alias in aliases),
            # Defects that a handler itself answered with a 5xx; failing models are not among them.
            metric(stage, name, "unexpected_errors", period=MINUTE),
            period=MINUTE,
        ),
    )
