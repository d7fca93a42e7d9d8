"""The report's figures about the strategies of a run."""

from route_switch.optimizer.findings import Findings
from route_switch.optimizer.local_training import TrainedLocal
from route_switch.optimizer.plan import Plan
from route_switch.optimizer.report.strategy_figures import (
    BypassFigures,
    BypassTuningFigures,
    LocalFigures,
    Strategies,
    StrategyFigures,
)
from route_switch.optimizer.strategy_choice import TIE, StrategyChoice, StrategyEstimate


def strategies_of(found: Findings, plan: Plan) -> Strategies | None:
    choice = found.choice
    if choice is None:
        return None
    ordered = sorted(choice.estimates.values(), key=lambda each: -each.objective.mean)
    return Strategies(
        asked_for=plan.strategy,
        chosen=choice.chosen,
        tie=TIE,
        n=choice.n,
        estimates=tuple(
            StrategyFigures(
                strategy=each.strategy,
                objective=each.objective.mean,
                error=each.objective.error,
                asked=each.asked,
                asked_heldout=found.asked.get(each.prompt.version),
                chosen=each.strategy == choice.chosen,
                never_asks=_never_asks(each),
            )
            for each in ordered
        ),
        local=None if choice.local is None else _local(choice.local),
        why_no_local=choice.why_no_local,
        bypass=_bypass(choice),
    )


def _never_asks(estimate: StrategyEstimate) -> bool:
    model = estimate.prompt.local_model
    return estimate.strategy == "hybrid" and model is not None and model.ask_below == 0


def _local(local: TrainedLocal) -> LocalFigures:
    calibration = local.calibration
    return LocalFigures(
        rows=local.rows,
        withheld=local.withheld,
        constant=local.constant,
        n=calibration.n,
        brier=calibration.brier,
        constant_brier=calibration.constant_brier,
        calibration_error=calibration.error,
        strongest=local.strongest,
    )


def _bypass(choice: StrategyChoice) -> BypassTuningFigures:
    tuning = choice.bypass
    return BypassTuningFigures(
        current=tuning.current,
        proposed=tuning.proposed,
        gain=tuning.gain,
        error=tuning.error,
        changed=tuning.changed,
        n=tuning.n,
        thresholds=tuple(
            BypassFigures(
                tokens=each.tokens,
                share=each.share,
                objective=each.objective,
                regret=each.regret,
            )
            for each in tuning.candidates
        ),
    )
