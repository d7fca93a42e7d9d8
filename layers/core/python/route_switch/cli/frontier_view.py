"""Show a cost–quality curve on the terminal, or as JSON."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import JsonValue
from rich.box import SIMPLE_HEAD
from rich.table import Table

from route_switch.cli.frontier_plot import Mark, plot
from route_switch.cli.model_options import optimizer_extra
from route_switch.cli.terminal import say
from route_switch.cli.whole_tables import print_table
from route_switch.domain.tiers import Tier

if TYPE_CHECKING:
    from route_switch.optimizer.curve.answers import CurveAnswers
    from route_switch.optimizer.report.figures import PolicyFigures, Report

LEGEND = (
    "· the learned policy at every λ    Q B C  its profiles quality, balanced, cost\n"
    "1 2 3  every query to that tier    o  oracle (upper bound)"
)


def print_curve(report: "Report", answers: "CurveAnswers") -> None:
    with optimizer_extra():
        from route_switch.optimizer.report.verdict import simulated
    curve = answers.curve
    n = curve.points[0].quality.n
    say(f"Quality by cost on {n:,} held-out rows; cost 1.00 is every query on Tier 3.\n")
    for line in plot(list(_marks(report, answers))):
        say(line)
    say(LEGEND)
    print_table(_table(report, answers))
    for sentence in answers.sentences:
        say(f"{sentence}\n")
    say(simulated(report))


def curve_json(report: "Report", answers: "CurveAnswers") -> dict[str, JsonValue]:
    curve = answers.curve
    names = [each.policy.removeprefix("profile-") for each in curve.profiles]
    return {
        "lambda": report.lambda_,
        "n": curve.points[0].quality.n,
        "simulated": list(report.simulated),
        "points": [each.model_dump(mode="json", by_alias=True) for each in curve.points],
        "profiles": {
            name: {"lambda": lambda_, **figures.model_dump(mode="json", exclude={"policy"})}
            for name, lambda_, figures in zip(
                names, curve.profile_lambdas, curve.profiles, strict=True
            )
        },
        "constants": {
            each.policy: each.model_dump(mode="json", exclude={"policy"})
            for each in _constants(report)
        },
        "at_lambda": None
        if answers.point is None
        else answers.point.model_dump(mode="json", by_alias=True),
        "cheapest": _cheapest_json(answers),
        "sentences": list(answers.sentences),
    }


def _cheapest_json(answers: "CurveAnswers") -> JsonValue:
    found = answers.cheapest
    if found is None:
        return None
    return {
        "min_quality": found.least,
        "policy": found.policy.model_dump(mode="json"),
        "sure": found.sure.model_dump(mode="json"),
        "quality_on_rows_not_drawn": found.unseen,
        "random_mix_cost": found.mix_cost,
    }


def _constants(report: "Report") -> list["PolicyFigures"]:
    names = {tier.alias for tier in Tier}
    return [each for each in report.policies if each.policy in names]


def _marks(report: "Report", answers: "CurveAnswers") -> Iterator[Mark]:
    for point in answers.curve.points:
        yield Mark("·", point.cost.mean, point.quality.mean)
    for each in report.policies:
        if each.policy == "oracle":
            yield Mark("o", each.cost.mean, each.quality.mean)
    for each in _constants(report):
        yield Mark(each.policy.removeprefix("tier-"), each.cost.mean, each.quality.mean)
    for letter, each in zip("QBC", answers.curve.profiles, strict=True):
        yield Mark(letter, each.cost.mean, each.quality.mean)


def _table(report: "Report", answers: "CurveAnswers") -> Table:
    with optimizer_extra():
        from route_switch.optimizer.report.text_format import percent, ratio
    table = Table("", "λ", "cost", "quality", "mix, %", box=SIMPLE_HEAD, pad_edge=False)
    named = [
        (each.policy.replace("profile-", "profile "), f"{lambda_:g}", each)
        for each, lambda_ in zip(answers.curve.profiles, answers.curve.profile_lambdas, strict=True)
    ]
    named += [
        (each.policy.replace("tier-", "all on Tier "), "", each) for each in _constants(report)
    ]
    for name, lambda_, each in named:
        mix = "/".join(f"{100 * share:.0f}" for share in each.mix.values())
        table.add_row(name, lambda_, ratio(each.cost), percent(each.quality), mix)
    return table
