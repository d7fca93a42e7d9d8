"""How what was learned compares with the baselines, in sentences."""

from route_switch.optimizer.policies import CANDIDATE, INCUMBENT
from route_switch.optimizer.report.advice import is_kept
from route_switch.optimizer.report.figures import Report
from route_switch.optimizer.report.text_format import fixed
from route_switch.optimizer.report.verdict import best_constant, find, objective


def compared_with_baselines(report: Report) -> tuple[str, ...]:
    """Compare what was learned with the hand-written prompt and the baselines, in sentences."""
    if find(report.policies, CANDIDATE) is None:
        return ()
    constant = best_constant(report)
    named = [(CANDIDATE, _which(report)), ("hand-written", "hand-written")]
    if constant is not None:
        named.append((constant.policy, f"best constant policy ({constant.policy})"))
    named += [
        ("length", "length alone"),
        ("random", "random at the same mix"),
        ("oracle", "oracle"),
    ]
    scores = [
        f"{label} {fixed(figures.objective.mean, 3)}"
        for name, label in named
        if (figures := find(report.policies, name)) is not None
    ]
    return (f"Objective ({objective(report)}): {', '.join(scores)}.", *_beaten_and_unbeaten(report))


def _beaten_and_unbeaten(report: Report) -> tuple[str, ...]:
    """Name the baselines that are clearly beaten, and those that are not.

    A policy that does not beat the best constant policy and random has learned nothing.
    """
    constant = best_constant(report)
    names = {"hand-written": "the hand-written prompt", "random": "random at the same mix"}
    if constant is not None:
        names[constant.policy] = f"the best constant policy ({constant.policy})"
    names["length"] = "length alone"
    known = {name: text for name, text in names.items() if name in report.against}
    if _gate_differs(report):
        del known["hand-written"]
    beaten = [text for name, text in known.items() if report.against[name].low > 0]
    unbeaten = [text for name, text in known.items() if report.against[name].low <= 0]
    return tuple(
        f"The {_which(report)} {report.noun} {does} {joint.join(texts)}."
        for does, joint, texts in (
            ("clearly beats", " and ", beaten),
            ("does not clearly beat", " or ", unbeaten),
        )
        if texts
    )


def _gate_differs(report: Report) -> bool:
    """Whether the current prompt is the hand-written one, and the gate, which is stricter than a
    95% interval, judges the difference otherwise. The verdict says what the gate found."""
    gain = report.against.get("hand-written")
    if gain is None or gain != report.against.get(INCUMBENT) or report.gate is None:
        return False
    return (gain.low > 0) != (report.gate.verdict == "better")


def _which(report: Report) -> str:
    return "current" if is_kept(report) else "learned"
