"""docs/results.md, as Markdown from the results of all sets."""

from collections.abc import Iterator, Sequence

from docs.generate.results.degradation_table import NOTHING, SAYS, degradation_table
from docs.generate.results.introduction import introduction
from docs.generate.results.plots import DEGRADATION, GAINS, gain_over
from docs.generate.results.runs import SetResult
from docs.generate.results.strategies_table import (
    STRATEGIES,
    better_learners,
    gain_text,
    over_hand_written,
)
from route_switch.optimizer.policies import CANDIDATE, INCUMBENT
from route_switch.optimizer.report import tables
from route_switch.optimizer.report.advice import first_sentence
from route_switch.optimizer.report.article_table import (
    TITLE,
    URL,
    article_remarks,
    article_rows,
    article_table,
)
from route_switch.optimizer.report.figures import Report
from route_switch.optimizer.report.markdown_page import table_of
from route_switch.optimizer.report.text_format import (
    ReportTable,
    difference,
    fixed,
    percent,
    ratio,
    share,
)
from route_switch.optimizer.report.verdict import (
    best_constant,
    find,
    simulated,
    used_rows,
    verdict,
)

ARTICLE_SET = "three-workloads"


def page(found: Sequence[SetResult], *more: str) -> str:
    """Return the page: an overview first, then a chapter for each question and the chapters `more`,
    then one for each set."""
    article = [each for each in found if each.of.name == ARTICLE_SET]
    blocks = [
        *introduction(),
        "## All sets",
        f"*{_overview(found).caption}.*",
        table_of(_overview(found)),
        f"![The learned policy's gain on each set](images/{GAINS})",
        "## Each strategy against the hand-written prompt",
        f"*{over_hand_written(found).caption}.*",
        table_of(over_hand_written(found)),
        "## Where a simple learner is better",
        *better_learners(found),
        "## Other values of λ",
        "Each λ is a learning run of its own: it labels the queries, searches and trains anew. The "
        "outcomes, the embeddings and the split are the same.",
        table_of(_by_lambda(found)),
        "## How good a router has to be",
        SAYS,
        f"![Objective by error rate](images/{DEGRADATION})",
        table_of(degradation_table(found)),
        *(block for each in article for block in _article(each.report)),
        *more,
        *(block for each in found for block in _chapter(each)),
    ]
    return "\n\n".join(blocks) + "\n"


def _overview(found: Sequence[SetResult]) -> ReportTable:
    return ReportTable(
        caption="Objective (quality − 0.2 · cost) on the held-out rows. “Picked” is the strategy "
        "that a run with `--strategy auto` proposes by its validation rows (“hand-written” if it "
        "keeps the prompt that it began with), and “Learned” is that policy; its differences are "
        "paired by row. “Shuffled” is the negative control: what a simple learner gains from "
        "shuffled labels over random routing at its mix (the learner that gains most). It must not "
        "be clearly above 0. The set `mmlu-pro-crux-shuffled` is the same control for the "
        "strategies: none may be clearly above the best tier",
        head=(
            "Set",
            "n",
            "Hand-written",
            *(name.capitalize() for name in STRATEGIES),
            "Best tier",
            "Oracle",
            "Picked",
            "Learned",
            "− hand-written",
            "− best tier",
            "Shuffled",
        ),
        rows=tuple(_overview_row(each) for each in found),
    )


def _overview_row(result: SetResult) -> tuple[str, ...]:
    report = result.report
    learned, best = find(report.policies, CANDIDATE), best_constant(report)
    n = NOTHING if learned is None else f"{learned.objective.n:,}"
    return (
        result.of.name,
        n,
        _objective(report, "hand-written"),
        *(_objective(report, name) for name in STRATEGIES),
        NOTHING if best is None else f"{fixed(best.objective.mean, 3)} ({best.policy[-1]})",
        _objective(report, "oracle"),
        picked(report),
        _objective(report, CANDIDATE),
        gain_text(gain_over(result, "hand-written")),
        gain_text(gain_over(result, "")),
        _worst_control(report),
    )


def picked(report: Report) -> str:
    """Return the strategy of the candidate, how often it asks the router LLM if it is `hybrid`, and
    the tier if it sends every query there."""
    if report.strategies is None:
        return NOTHING
    if report.candidate_prompt == report.incumbent_prompt and _decides_as(report, INCUMBENT):
        return "hand-written"
    chosen = report.strategies.chosen
    asked = [e.asked_heldout for e in report.strategies.estimates if e.strategy == chosen]
    share_asked = f", {share(asked[0])} asked" if chosen == "hybrid" and asked[0] else ""
    tier = next(
        (f", always Tier {tier}" for tier in "123" if _decides_as(report, f"tier-{tier}")), ""
    )
    return f"{chosen}{share_asked}{tier}"


def _decides_as(report: Report, policy: str) -> bool:
    gain = report.against.get(policy)
    return gain is not None and gain.low == gain.high == 0


def _worst_control(report: Report) -> str:
    """Return the control that gains most, with its learner."""
    controls = report.shuffled_controls
    if not controls:
        return NOTHING
    name = max(controls, key=lambda name: controls[name].low)
    return f"{name} {difference(controls[name])}"


def _objective(report: Report, policy: str) -> str:
    found = find(report.policies, policy)
    return NOTHING if found is None else fixed(found.objective.mean, 3)


def _by_lambda(found: Sequence[SetResult]) -> ReportTable:
    return ReportTable(
        caption="",
        head=(
            "Set",
            "λ",
            "Cost",
            "Quality",
            "Learned",
            "Hand-written",
            "Best tier",
            "Learned − best tier",
        ),
        rows=tuple(
            _lambda_row(each.of.name, lambda_, report)
            for each in found
            if len(each.reports) > 1
            for lambda_, report in sorted(each.reports.items())
        ),
    )


def _lambda_row(name: str, lambda_: float, report: Report) -> tuple[str, ...]:
    learned, best = find(report.policies, CANDIDATE), best_constant(report)
    if learned is None or best is None:
        return (name, f"{lambda_:g}", *([NOTHING] * 6))
    return (
        name,
        f"{lambda_:g}",
        ratio(learned.cost),
        percent(learned.quality),
        fixed(learned.objective.mean, 3),
        _objective(report, "hand-written"),
        f"{fixed(best.objective.mean, 3)} ({best.policy[-1]})",
        gain_text(report.against.get(best.policy)),
    )


def _article(report: Report) -> Iterator[str]:
    yield "## Compared with the article"
    yield (
        f"The article [{TITLE}]({URL}) shows no n and no intervals, and neither its data nor its "
        "models are public. Its three workloads are measured here on proxies."
    )
    yield table_of(article_table(article_rows(report.workloads)))
    yield from article_remarks(report.workloads)


def _chapter(result: SetResult) -> Iterator[str]:
    report = result.report
    yield f"## {result.of.title}"
    if result.of.about:
        yield result.of.about
    said = (first_sentence(report), verdict(report).sentence, used_rows(report), simulated(report))
    yield from (sentence for sentence in said if sentence)
    table = _policies(report)
    yield f"*{table.caption}*"
    yield table_of(table)


def _policies(report: Report) -> ReportTable:
    """Return the policies with the paired difference in the same row. The incumbent is the
    hand-written prompt."""
    others = tuple(policy for policy in report.policies if policy.policy != INCUMBENT)
    table = tables.policies(report.model_copy(update={"policies": others}))
    return ReportTable(
        caption=f"{table.caption} “Learned −” is the learned policy's objective minus this "
        "one's, and “− hand-written” is this one's minus that of the hand-written prompt, both "
        "paired by row.",
        head=(*table.head, "Learned −", "− hand-written"),
        rows=tuple(
            (
                *row,
                gain_text(report.against.get(str(row[0]))),
                gain_text(report.over_hand_written.get(str(row[0]))),
            )
            for row in table.rows
        ),
        strong=table.strong,
    )
