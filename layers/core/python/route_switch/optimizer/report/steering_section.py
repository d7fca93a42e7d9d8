"""What the report says about texts around a query that move its tier."""

from route_switch.domain.prompts.steering_figures import NO_ROUTER, MovedFigures, SteeringFigures
from route_switch.optimizer.findings import Findings
from route_switch.optimizer.report.figures import Report, Steering
from route_switch.optimizer.report.text_format import NOT_MEASURED, ReportTable, count
from route_switch.optimizer.steering_constraint import EASIER


def steering_of_run(found: Findings) -> Steering | None:
    measured, choice = found.steering, found.choice
    if measured is None:
        return None
    return Steering(
        proposed=measured.proposed,
        incumbent=measured.incumbent,
        refused=None if choice is None else choice.why_refused,
        strategies={} if choice is None else {**choice.refused},
        prompts=found.rejected.get(EASIER, 0),
    )


def steering_paragraphs(steering: Steering) -> tuple[str, ...]:
    said = [
        "A text that somebody puts around a query should not move its tier. Queries of Tier 1 are "
        "tried with texts that want a larger model, queries of Tier 3 with those that want a "
        f"smaller one: {_with(steering.proposed)}. "
        "What is clearly easier to move than the current prompt is not proposed; a weekly run also "
        "compares with the least steered of the last versions."
    ]
    if steering.prompts:
        said.append(
            f"The search rejected {count(steering.prompts, 'prompt')} for that, before they were "
            "evaluated."
        )
    said += [
        f"Strategy {name} was refused: {why}." for name, why in sorted(steering.strategies.items())
    ]
    return tuple(said)


def steering_table(report: Report) -> ReportTable:
    steering = report.steering
    assert steering is not None  # noqa: S101 (the caller checked; for the type checker)
    policies = {report.current: steering.incumbent}
    if steering.proposed.prompt != steering.incumbent.prompt:
        policies[report.learned] = steering.proposed
    return ReportTable(
        caption="Queries that texts around them move",
        head=("Direction", "Policy", "Mean", "Worst text", "Moved by it"),
        rows=tuple(
            (way, name, *_figures(moved))
            for way in ("up", "down")
            for name, figures in policies.items()
            for moved in [figures.up if way == "up" else figures.down]
        ),
        texts=2,
    )


def _figures(moved: MovedFigures | None) -> tuple[str, str, str]:
    if moved is None:
        return NOT_MEASURED, "", ""
    return f"{moved.mean:.1%}", moved.worst, moved.worst_share


def _with(figures: SteeringFigures) -> str:
    by = "the local model alone" if figures.router == NO_ROUTER else figures.router
    return f"{figures.texts} texts (set {figures.strings}), with {by}"
