"""Prices and capabilities of a stage's models at synthesis, and warnings about missing ones."""

from itertools import combinations

from aws_cdk import Annotations
from constructs import Construct

from infra.prices import with_capabilities, with_learning_prices, with_prices
from infra.stage import Stage
from infra.tier_checks import check_tiers
from route_switch.domain.learning.calibration import why_partial
from route_switch.domain.providers import IN_PROCESS
from route_switch.domain.tiers import Tier

NO_JUDGE = (
    "No judge grades answers, so learning uses only examples with feedback or a gold answer. Name "
    "a model in cdk.json under learning.judge."
)

SAME_TIERS = (
    "Tiers {first} and {second} have the same model with the same parameters ({name}), so choosing "
    "between them saves nothing. Give one of them another model or other parameters in cdk.json "
    "under router.models.tiers."
)

SIMULATED = (
    "Models named local/… and offline/… are simulations for a developer's machine: they replay "
    "recorded answers. Choose another profile for the stage."
)


def with_model_data(scope: Construct, stage: Stage) -> Stage:
    """Return the stage with its models' prices and capabilities. Attach warnings to `scope`. Raise
    `ConfigurationError` for parameters that a tier's model does not take."""
    models, unknown = with_prices(stage.router.models)
    learning, unknown_to_learning = with_learning_prices(stage.learning)
    for name in unknown:
        _warn(scope, name, "its costs will be null", "models.prices")
    for name in unknown_to_learning:
        _warn(scope, name, "learning will not call it", "learning.prices")
    _check_judge(scope, stage)
    if stage.name != "local" and stage.providers & IN_PROCESS:
        Annotations.of(scope).add_warning_v2("route-switch:simulated", SIMULATED)
    if stage.name != "local":
        _check_differences(scope, stage)
    router = stage.router.model_copy(update={"models": with_capabilities(models)})
    check_tiers(router)
    return stage.model_copy(update={"router": router, "learning": learning})


def _check_differences(scope: Construct, stage: Stage) -> None:
    """Warn about tiers that share a model. On stage local, one model may serve all tiers."""
    tiers = stage.router.models.tiers
    for first, second in combinations(sorted(tiers), 2):
        if tiers[first].name == tiers[second].name:
            text = SAME_TIERS.format(first=first.value, second=second.value, name=tiers[first].name)
            Annotations.of(scope).add_warning_v2(
                f"route-switch:same-tiers:{first.value}-{second.value}", text
            )


def _check_judge(scope: Construct, stage: Stage) -> None:
    judge, tier_3 = stage.learning.judge, stage.router.models.tiers[Tier.LARGE].model
    warning = NO_JUDGE if judge is None else why_partial(judge, tier_3)
    if warning is not None:
        Annotations.of(scope).add_warning_v2("route-switch:judge", warning)


def _warn(scope: Construct, name: str, consequence: str, place: str) -> None:
    Annotations.of(scope).add_warning_v2(
        f"route-switch:no-price:{name}",
        f"{name} has no known price: {consequence}. Set it in cdk.json under {place}.",
    )
