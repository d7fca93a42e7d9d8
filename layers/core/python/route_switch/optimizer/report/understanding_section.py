"""What the report says about replies that were not understood, and about rows that say nothing."""

from route_switch.domain.learning.understanding import ReplyCount
from route_switch.optimizer.report.figures import Report
from route_switch.optimizer.report.text_format import ReportTable, count, share


def understanding_paragraphs(report: Report) -> tuple[str, ...]:
    found = report.understanding
    said = [
        "A reply that is not understood is no answer: it is counted here and left out. A run stops "
        f"if more than {share(report.max_not_understood)} of a kind are not understood."
    ]
    if found.gold_missed:
        said.append(
            f"Tier 3 itself misses the gold answer of {count(found.gold_missed, 'row')}. That says "
            f"nothing about the other tiers, so {_instead(report)}."
        )
    if found.gold.not_understood:
        said.append(
            "No answer of the gold's form was recognized in Tier 3's own answer to "
            f"{count(found.gold.not_understood, 'row')}, so {_instead(report)}."
        )
    if found.unread_replies:
        said.append(
            f"Replies of the judge that could not be read, so that it was asked again: "
            f"{found.unread_replies:,}."
        )
    if found.router.not_understood:
        said.append(
            "Queries for which the router LLM names no tier go to the safe tier, as when serving."
        )
    limit = report.max_not_understood
    for name, each in _kinds(report):
        client = each.spoiled_by(limit)
        if client is not None:
            said.append(
                f"Of {name}, {share(each.share)} were not understood, but only because of one "
                f"client ({client}): without its rows it is {share(each.without_worst.share)}. No "
                "client stops a run by what it sends, so the run went on."
            )
    return tuple(said)


def understanding_table(report: Report) -> ReportTable:
    return ReportTable(
        caption="Replies that were not understood",
        head=("Reply", "Asked for", "Not understood", "Share"),
        rows=tuple((name, *_figures(each)) for name, each in _kinds(report) if each.asked),
    )


def _kinds(report: Report) -> tuple[tuple[str, ReplyCount], ...]:
    found = report.understanding
    return (
        ("gold answers recognized in Tier 3's answer", found.gold),
        ("verdicts of the judge, by pair of answers", found.judge),
        ("tiers named by the router LLM", found.router),
        ("examples that no provider refused", found.answers),
        ("examples that Tier 3 answered with words or a call", found.empty),
    )


def _figures(each: ReplyCount) -> tuple[str, str, str]:
    return f"{each.asked:,}", f"{each.not_understood:,}", share(each.share)


def _instead(report: Report) -> str:
    return "they are left out" if report.judge_model is None else "the judge graded them"
