"""What happens to data when its resource leaves the stack."""

from aws_cdk import RemovalPolicy

from infra.stage import Stage

KEEP = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
"""Keep it, unless the deployment that creates it fails: then CloudFormation deletes it, so that the
next attempt starts clean (`RetainExceptOnCreate`)."""


def removal_policy(stage: Stage) -> RemovalPolicy:
    return KEEP if stage.retain else RemovalPolicy.DESTROY
