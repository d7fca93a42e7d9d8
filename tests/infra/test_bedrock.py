"""Permissions for Bedrock: the configured models, in every region that a profile may use."""

import pytest

from infra.bedrock import model_arns
from route_switch.domain.errors import ConfigurationError


def arns(model_id: str, region: str = "us-east-1") -> tuple[str, ...]:
    return model_arns(model_id, partition="aws", region=region, account="123456789012")


def test_a_foundation_model_needs_one_arn() -> None:
    assert arns("amazon.nova-lite-v1:0") == (
        "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
    )


def test_a_profile_needs_its_own_arn_and_its_models_in_every_region() -> None:
    profile, *models = arns("us.amazon.nova-lite-v1:0", region="ca-central-1")
    assert profile == (
        "arn:aws:bedrock:ca-central-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0"
    )
    regions = {arn.split(":")[3] for arn in models}
    assert {"ca-central-1", "us-east-1", "us-east-2", "us-west-2"} <= regions
    assert all(arn.endswith("::foundation-model/amazon.nova-lite-v1:0") for arn in models)


def test_a_global_profiles_model_arn_has_no_region() -> None:
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
        ("mars.amazon.nova-lite-v1:0", "us-east-1", "not a known group of regions"),
    ],
)
def test_a_profile_that_cannot_be_called_stops_the_build(
    model_id: str, region: str, reason: str
) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        arns(model_id, region)


def test_an_arn_instead_of_an_id_is_rejected() -> None:
    with pytest.raises(ConfigurationError, match="not an ARN"):
        arns("arn:aws:bedrock:us-east-1:1:application-inference-profile/x")
