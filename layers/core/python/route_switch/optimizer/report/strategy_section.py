"""The report's sections about strategies, the local model and the bypass."""

from collections.abc import Iterator

from route_switch.optimizer.report.figures import Report
from route_switch.optimizer.report.strategy_figures import (
    BypassTuningFigures,
    LocalFigures,
    Strategies,
)
from route_switch.optimizer.report.text_format import (
    NOT_MEASURED,
    ReportTable,
    difference,
    difference_word,
    fixed,
    share,
)

SERVED = {
    "prompt": "the router LLM reads the prompt and decides",
    "local": "the local model decides",
    "hybrid": "the local model decides, and asks the router LLM where it is unsure",
}
NO_STRONG_FEATURE = "No single word or property says much in it: it adds up many small weights."
NEVER_ASKS = (
    "the local model decides alone. It never asks the router LLM, because no threshold for asking "
    "paid on validation rows"
)


def strategy_paragraphs(report: Report) -> Iterator[str]:
    strategies = report.strategies
    if strategies is None:
        return
    yield _chosen(strategies)
    if strategies.local is None:
        yield strategies.why_no_local or "There is no local model."
        return
    yield _trained(strategies.local)
    yield _calibration(strategies.local)


def _chosen(strategies: Strategies) -> str:
    served = NEVER_ASKS if strategies.never_asks else SERVED[strategies.chosen]
    said = f"The candidate's strategy is {strategies.chosen}: {served}."
    if strategies.asked_for != "auto":
        return (
            f"{said} It was asked for with --strategy {strategies.asked_for}. The table compares "
            "the strategies on validation rows; each is measured on rows that its own choices did "
            "not see."
        )
    return (
        f"{said} Validation rows chose it: each strategy is measured there on rows that its own "
        f"choices did not see. Estimates within {strategies.tie:g} are a tie, which goes to the "
        "live strategy, else to the one that is cheaper to serve. The gate decides on held-out "
        "rows."
    )


def _trained(local: LocalFigures) -> str:
    withheld = (
        f" {local.withheld:,} rows have text that may not be learned from."
        if local.withheld
        else ""
    )
    if local.constant is None:
        none = "" if local.strongest else f" {NO_STRONG_FEATURE}"
        return f"The local model was trained on {local.rows:,} rows.{none}{withheld}"
    return (
        f"The local model sends every query to Tier {int(local.constant)}: on {local.rows:,} rows, "
        f"no feature did better than sending every query there.{withheld}"
    )


def _calibration(local: LocalFigures) -> str:
    return (
        f"Calibration of its probabilities on {local.n:,} validation predictions: expected error "
        f"{fixed(local.calibration_error, 3)}, Brier score {fixed(local.brier, 3)} "
        f"({fixed(local.constant_brier, 3)} with one probability for each tier)."
    )


def strategy_tables(report: Report) -> Iterator[ReportTable]:
    strategies = report.strategies
    if strategies is None:
        return
    yield _estimates(strategies)
    if any(name in report.over_hand_written for name in SERVED):
        yield _over_hand_written(report)
    if strategies.local is not None and strategies.local.strongest:
        yield _strongest(strategies.local)


def _estimates(strategies: Strategies) -> ReportTable:
    rows = tuple(
        (
            each.strategy,
            "chosen" if each.chosen else "compared",
            f"{fixed(each.objective, 3)} ± {fixed(each.error, 3)}",
            share(each.asked),
            NOT_MEASURED if each.asked_heldout is None else share(each.asked_heldout),
            f"{strategies.n:,}",
        )
        for each in strategies.estimates
    )
    chosen = (place for place, each in enumerate(strategies.estimates) if each.chosen)
    return ReportTable(
        caption="Strategies on validation rows: objective ± standard error, and the share of "
        "queries for which the router LLM is asked",
        head=("Strategy", "Result", "Objective", "Asked", "Asked, held-out", "n"),
        rows=rows,
        texts=2,
        strong=frozenset(chosen),
    )


def _over_hand_written(report: Report) -> ReportTable:
    gains = {name: report.over_hand_written.get(name) for name in SERVED}
    return ReportTable(
        caption="Strategies on held-out rows: objective minus that of the hand-written prompt, "
        "paired by row, with the 95% interval",
        head=("Strategy", "Strategy is", "Difference", "n"),
        rows=tuple(
            (name, difference_word(gain), difference(gain), f"{gain.n:,}")
            for name, gain in gains.items()
            if gain is not None
        ),
        texts=2,
    )


def _strongest(local: LocalFigures) -> ReportTable:
    return ReportTable(
        caption="Strongest features for each tier in the local model, in log-odds: words, and "
        "properties of a query",
        head=("Tier", "Feature", "Weight"),
        rows=tuple(
            (f"Tier {int(each.tier)}", each.name, fixed(each.weight, 2, signed=True))
            for each in local.strongest
        ),
        texts=2,
    )


def bypass_paragraph(bypass: BypassTuningFigures) -> str:
    best = min(bypass.thresholds, key=lambda each: (each.regret, -each.tokens))
    gain = f"{fixed(bypass.gain, 3, signed=True)} ± {fixed(bypass.error, 3)}"
    if bypass.proposed is None and bypass.current == 0:
        return (
            "No query goes to Tier 1 only because it is short. On "
            f"{bypass.n:,} validation rows, the best threshold, {best.tokens}, gains {gain} of the "
            "objective."
        )
    if bypass.proposed is None:
        return (
            f"Queries shorter than {bypass.current} tokens go to Tier 1 without a router call. "
            f"No other threshold is clearly better: the best one on {bypass.n:,} validation rows, "
            f"{best.tokens}, gains {gain} of the objective."
        )
    return (
        f"The candidate sends queries shorter than {bypass.proposed} tokens to Tier 1 without a "
        f"router call, instead of {bypass.current}. On {bypass.n:,} validation rows, that gains "
        f"{gain} of the objective and changes {bypass.changed:,} queries."
    )


def bypass_table(bypass: BypassTuningFigures) -> ReportTable:
    kept = bypass.current if bypass.proposed is None else bypass.proposed
    return ReportTable(
        caption="Thresholds of the bypass on validation rows; regret is what each loses compared "
        "with the best",
        head=("Shorter than", "Queries", "Objective", "Regret", "n"),
        rows=tuple(
            (
                f"{each.tokens} tokens",
                share(each.share),
                fixed(each.objective, 3),
                fixed(each.regret, 3),
                f"{bypass.n:,}",
            )
            for each in bypass.thresholds
        ),
        strong=frozenset(n for n, each in enumerate(bypass.thresholds) if each.tokens == kept),
    )
