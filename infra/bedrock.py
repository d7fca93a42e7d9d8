"""The ARNs that a function must be allowed to invoke for an Amazon Bedrock model."""

from collections.abc import Sequence

from aws_cdk import Stack, Token
from constructs import Construct

from route_switch.domain.errors import ConfigurationError

PROFILE_REGIONS: dict[str, tuple[str, ...]] = {
    "us": ("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
    "eu": (
        *("eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2"),
        *("eu-west-1", "eu-west-2", "eu-west-3"),
    ),
    "apac": (
        *("ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2"),
        *("ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4"),
    ),
    "jp": ("ap-northeast-1", "ap-northeast-3"),
    "au": ("ap-southeast-2", "ap-southeast-4"),
    "global": (),
}
"""Regions that a cross-region inference profile may send requests to, by the prefix of its id.

The union over all models, because the list differs by model:
https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
"""


CALLED_FROM: dict[str, tuple[str, ...]] = {
    "us": ("us-", "ca-"),
    "eu": ("eu-", "il-"),
    "apac": ("ap-", "me-"),
    "jp": ("ap-northeast-",),
    "au": ("ap-southeast-",),
    "global": ("",),
}
"""Prefixes of the regions that a profile can be called from: more than it sends requests to."""

VENDORS = frozenset({"ai21", "amazon", "anthropic", "cohere", "deepseek", "meta", "mistral"})
"""Vendors of models with profiles: a prefix before such a name is a group of regions."""


def invocable_arns(scope: Construct, names: Sequence[str], region: str | None) -> tuple[str, ...]:
    """Return the ARNs of the Bedrock models among `names` (`provider/model`), each once."""
    stack = Stack.of(scope)
    arns = (
        arn
        for name in names
        if name.startswith("bedrock/")
        for arn in model_arns(
            name.removeprefix("bedrock/"),
            partition=stack.partition,
            region=region or stack.region,
            account=stack.account,
        )
    )
    return tuple(dict.fromkeys(arns))


def model_arns(model_id: str, *, partition: str, region: str, account: str) -> tuple[str, ...]:
    """Return the ARNs for one Bedrock model id or inference profile id.

    A profile needs its own ARN and the foundation model's ARN in the region of the call and in each
    destination region; for a global profile, the destination's ARN has no region. Raise
    `ConfigurationError` for an ARN, an unknown prefix, or a region that cannot call the profile.
    """
    if model_id.startswith("arn:"):
        raise ConfigurationError(
            f"bedrock/{model_id} is an ARN, from which permissions cannot be derived. Use the id "
            "of the model or inference profile, not an ARN."
        )
    prefix, _, foundation_model = model_id.partition(".")
    if prefix not in PROFILE_REGIONS:
        if foundation_model.partition(".")[0] in VENDORS:
            raise ConfigurationError(
                f"bedrock/{model_id}: '{prefix}' is not a known group of regions; known are "
                f"{', '.join(PROFILE_REGIONS)}. Add it to infra/bedrock.py."
            )
        return (_foundation_model(partition, region, model_id),)
    if not Token.is_unresolved(region) and not region.startswith(CALLED_FROM[prefix]):
        raise ConfigurationError(
            f"bedrock/{model_id}: a profile of group '{prefix}' cannot be called from {region}. "
            "Choose a profile of that region's group, a 'global.' profile, or another region."
        )
    destinations = ("",) if prefix == "global" else PROFILE_REGIONS[prefix]
    regions = dict.fromkeys((region, *destinations))
    return (
        f"arn:{partition}:bedrock:{region}:{account}:inference-profile/{model_id}",
        *(_foundation_model(partition, each, foundation_model) for each in regions),
    )


def _foundation_model(partition: str, region: str, model_id: str) -> str:
    return f"arn:{partition}:bedrock:{region}::foundation-model/{model_id}"
