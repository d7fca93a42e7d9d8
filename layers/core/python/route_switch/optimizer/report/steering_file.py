"""`steering.json`: the steering scores of a run, with the date of the run."""

from route_switch.optimizer.report.figures import Report


def to_json(report: Report) -> str:
    """Return the scores; `null` if nothing was measured."""
    steering = report.steering
    if steering is None:
        return "null\n"
    measured = {"measured": report.created.partition(" ")[0]}
    dated = steering.model_copy(
        update={
            "proposed": steering.proposed.model_copy(update=measured),
            "incumbent": steering.incumbent.model_copy(update=measured),
        }
    )
    return f"{dated.model_dump_json(indent=2)}\n"
