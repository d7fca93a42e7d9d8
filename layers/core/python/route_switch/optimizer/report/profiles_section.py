"""The report's section about profiles."""

from route_switch.optimizer.report.figures import CurveFigures
from route_switch.optimizer.report.text_format import ReportTable, percent, ratio, share

PROFILES = (
    "A request, a key or a stage chooses a profile, without another learning run. 'balanced' is "
    "the learned policy; 'quality' weighs cost with λ / 4 and 'cost' with 2.5 · λ.",
    "The figures are measured on held-out rows that were not used for fitting. 'route-switch "
    "frontier' shows the whole curve: what another λ costs, and the cheapest policy with a given "
    "quality.",
)


def profiles_table(curve: CurveFigures) -> ReportTable:
    rows = tuple(
        (
            figures.policy.removeprefix("profile-"),
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
