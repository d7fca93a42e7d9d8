"""Permissions for Bedrock: the configured models, wherever a profile may send the request."""

import pytest

from infra.bedrock import model_arns
from route_switch.domain.errors import ConfigurationError


def arns(model_id: str, region: str = "us-east-1") -> tuple[str, ...]:
    return model_arns(model_id, partition="aws", region=region, account="123456789012")


def test_a_foundation_model_is_one_arn() -> None:
    assert arns("amazon.nova-lite-v1:0") == (
        "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
    )


def test_a_profile_needs_itself_and_its_model_in_source_and_destinations() -> None:
    profile, *models = arns("us.amazon.nova-lite-v1:0", region="ca-central-1")
    assert profile == (
        "arn:aws:bedrock:ca-central-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0"
    )
    regions = {arn.split(":")[3] for arn in models}
    assert {"ca-central-1", "us-east-1", "us-east-2", "us-west-2"} <= regions
    assert all(arn.endswith("::foundation-model/amazon.nova-lite-v1:0") for arn in models)


def test_a_global_profile_names_the_model_without_a_region() -> None:
    assert "arn:aws:bedrock:::foundation-model/anthropic.claude-x" in arns(
        "global.anthropic.claude-x"
    )


@pytest.mark.parametrize(
    ("model_id", "region"),
    [
        ("us.a.b", "us-east-1"),
        ("eu.a.b", "eu-central-1"),
        ("apac.a.b", "ap-south-1"),
        ("global.a.b", "eu-west-1"),
        ("a.b", "us-east-1"),
    ],
)
def test_no_arn_has_a_wildcard(model_id: str, region: str) -> None:
    assert not any("*" in arn for arn in arns(model_id, region))


@pytest.mark.parametrize(
    ("model_id", "region", "reason"),
    [
        ("us.amazon.nova-lite-v1:0", "eu-central-1", "cannot be called from eu-central-1"),
        ("eu.amazon.nova-lite-v1:0", "us-east-1", "cannot be called from us-east-1"),
        ("mars.amazon.nova-lite-v1:0", "us-east-1", "no group of regions that is known"),
    ],
)
def test_a_profile_that_could_never_be_called_stops_the_build(
    model_id: str, region: str, reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        arns(model_id, region)


def test_an_arn_instead_of_an_id_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not an ARN"):
        arns("arn:aws:bedrock:us-east-1:1:application-inference-profile/x")
