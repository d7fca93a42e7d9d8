"""The report's section about profiles."""

from itertools import combinations

from route_switch.optimizer.report.figures import CurveFigures, PolicyFigures
from route_switch.optimizer.report.one_tier import only_tier, share_of_queries
from route_switch.optimizer.report.text_format import ReportTable, percent, ratio, share

PROFILES = (
    "A request, a key or a stage chooses a profile, without another learning run. 'balanced' is "
    "the learned policy; 'quality' weighs cost with λ / 4 and 'cost' with 2.5 · λ.",
    "The figures are measured on held-out rows that were not used for fitting. 'route-switch "
    "frontier' shows the whole curve: what another λ costs, and the cheapest policy with a given "
    "quality.",
)


def profile_notes(curve: CurveFigures) -> tuple[str, ...]:
    """Name profiles that leave no choice: nearly all on one tier, or the same as another."""
    constant = [
        f"The profile '{_name(each)}' sends {share_of_queries(each, tier)} to Tier {int(tier)}, so "
        "it hardly routes."
        for each in curve.profiles
        if (tier := only_tier(each)) is not None
    ]
    same = [
        f"The profiles '{_name(one)}' and '{_name(other)}' have the same cost, quality and mix, so "
        "choosing between them changes nothing."
        for one, other in combinations(curve.profiles, 2)
        if one.model_copy(update={"policy": other.policy}) == other
    ]
    return (*constant, *same)


def _name(profile: PolicyFigures) -> str:
    return profile.policy.removeprefix("profile-")


def profiles_table(curve: CurveFigures) -> ReportTable:
    rows = tuple(
        (
            _name(figures),
            f"{lambda_:g}",
            ratio(figures.cost),
            percent(figures.quality),
            " / ".join(share(part) for part in figures.mix.values()),
        )
        for figures, lambda_ in zip(curve.profiles, curve.profile_lambdas, strict=True)
    )
    return ReportTable(
        "Profiles of the learned policy", ("profile", "λ", "cost", "quality", "mix of tiers"), rows
    )
