"""What is known of a stage's models when it is synthesized, and what its owner is warned of."""

from aws_cdk import Annotations
from constructs import Construct

from infra.prices import with_capabilities, with_learning_prices, with_prices
from infra.stage import Stage
from route_switch.domain.learning.calibration import why_partial
from route_switch.domain.tiers import Tier

NO_JUDGE = (
    "Nobody grades answers, so only examples with feedback or a gold answer teach anything. Name a "
    "model in cdk.json under learning.judge."
)

NO_RATIO = (
    "What Tiers 1 and 2 save is not known: how much longer Tier 3's answers are has not been "
    "measured for these models. A learning run measures it (tier_3_output_ratio in its "
    "report.json): copy that to cdk.json under models."
)

SIMULATED = (
    "Models of local/… and offline/… are for this machine: they replay recorded answers. Choose "
    "another profile for the stage."
)


def with_what_is_known(scope: Construct, stage: Stage) -> Stage:
    """The stage with prices and capabilities of its models; warnings are attached to `scope`."""
    models, unknown = with_prices(stage.router.models)
    learning, unknown_to_learning = with_learning_prices(stage.learning)
    for name in unknown:
        _warn(scope, name, "its costs will be null", "models.prices")
    for name in unknown_to_learning:
        _warn(scope, name, "learning will not call it", "learning.prices")
    _check_judge(scope, stage)
    if stage.name != "local" and stage.providers & {"local", "offline"}:
        Annotations.of(scope).add_warning_v2("route-switch:simulated", SIMULATED)
    if {Tier.SMALL, Tier.MEDIUM} - models.tier_3_output_ratio.keys():
        Annotations.of(scope).add_warning_v2("route-switch:no-output-ratio", NO_RATIO)
    router = stage.router.model_copy(update={"models": with_capabilities(models)})
    return stage.model_copy(update={"router": router, "learning": learning})


def _check_judge(scope: Construct, stage: Stage) -> None:
    judge, tier_3 = stage.learning.judge, stage.router.models.tiers[Tier.LARGE].model
    warning = NO_JUDGE if judge is None else why_partial(judge, tier_3)
    if warning is not None:
        Annotations.of(scope).add_warning_v2("route-switch:judge", warning)


def _warn(scope: Construct, name: str, consequence: str, place: str) -> None:
    Annotations.of(scope).add_warning_v2(
        f"route-switch:no-price:{name}",
        f"{name} has no known price: {consequence}. State it in cdk.json under {place}.",
    )
