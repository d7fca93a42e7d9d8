"""The Markdown report as a terminal shows it."""

import io

from rich.console import Console
from rich.markdown import Markdown

from route_switch.domain.learning.calibration import Agreement
from route_switch.domain.learning.understanding import ReplyCount, Understanding
from route_switch.domain.tiers import Tier
from route_switch.optimizer.report.figures import Interval, Moved, Report
from route_switch.optimizer.report.markdown_page import to_markdown
from tests.support.report import better, finished, stopped, undecided


def shown(report: Report) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(Markdown(to_markdown(report)))
    return out.getvalue()


def moved(query: str) -> Moved:
    return Moved(
        example="1", query=query, before=Tier.SMALL, after=Tier.LARGE, best=Tier.LARGE, gain=0.1
    )


def test_it_starts_with_the_verdict_and_ends_with_the_article() -> None:
    text = to_markdown(finished())
    assert text.startswith("# Better: the learned prompt may go live\n\n**The learned prompt is")
    assert text.rfind("## Compared with the article") == text.rfind("## ")
    assert "The article “Intelligent LLM Routing: Spending Compute Where It Matters” (" in text


def test_rows_of_the_policies_table_fit_100_columns() -> None:
    lines = [line.split() for line in shown(finished()).splitlines()]
    candidate = next(line for line in lines if line[:2] == ["candidate", "0.45"])
    assert " ".join(candidate) == (
        "candidate 0.45 (0.42–0.48) 92.9% (90–96) 92.0% (90–94) 0.839 (0.82–0.86) 35/37/28 412"
    )


def test_the_content_of_the_diff_cannot_close_its_block() -> None:
    text = to_markdown(finished(candidate_prompt="- end\n```\n# heading\n"))
    block = text.partition("````diff\n")[2].partition("\n````\n")[0]
    assert "+```\n+# heading" in block


def test_users_text_is_escaped_for_markdown_and_terminals() -> None:
    query = "a | b **c** <i>d</i> [e](http://f.example)\x1b[2J\nnext"
    text = shown(finished(moved=(moved(query),)))
    assert "a | b **c** <i>d</i> [e](http://f.example)⟨U+001B⟩[2J next" in text


def test_a_stopped_run_shows_its_spending_and_no_empty_tables() -> None:
    text = to_markdown(stopped())
    assert "# No verdict yet" in text
    assert "This run spent $1.38 of its cap of $2.00." in text
    assert "The prompt does not change." in text
    assert "The judge offline/judge had nothing to grade." in text
    assert "## Cost and quality" not in text


def test_missing_latency_and_judge_are_stated() -> None:
    text = to_markdown(undecided())
    assert "Latency compared with all Tier 3: not measured." in text
    assert "No LLM judge was used." in text


def test_without_labels_the_judge_has_no_agreement() -> None:
    none = Agreement(share=None, kappa=None, n=0, flip_rate=0.5)
    for agreement in (none, None):
        text = to_markdown(finished(agreement=agreement))
        assert "has no labels to be compared with: its scores are uncalibrated." in text
        assert "0.0% of 0" not in text


def test_what_was_not_understood_is_counted() -> None:
    understanding = Understanding(
        gold=ReplyCount(asked=200, not_understood=3),
        gold_missed=17,
        judge=ReplyCount(asked=90, not_understood=2),
        unread_replies=8,
        router=ReplyCount(asked=412, not_understood=5),
        answers=ReplyCount(asked=50),
    )
    text = to_markdown(finished(understanding=understanding))
    assert "A run stops if more than 5.0% of a kind are not understood." in text
    assert "Tier 3 itself misses the gold answer of 17 rows." in text
    assert "to 3 rows, so the judge graded them." in text
    assert "it was asked again: 8." in text
    for row in (
        "| 200 | 3 | 1.5% |",
        "| 90 | 2 | 2.2% |",
        "| 412 | 5 | 1.2% |",
        "| 50 | 0 | 0.0% |",
    ):
        assert row in text
    assert "words or a call" not in text, "nothing of this kind was asked for"


def test_an_uncalibrated_judge_is_called_uncalibrated() -> None:
    report = finished(agreement=None, gate=better(needs_approval="the judge is uncalibrated"))
    text = to_markdown(report)
    assert "its scores are uncalibrated" in text
    assert "A promotion needs approval: the judge is uncalibrated." in text


def test_agreement_has_kappa_n_and_flip_rate() -> None:
    text = to_markdown(finished())
    assert "in 90.4% of 250 cases (Cohen's κ 0.78)" in text
    assert "not confirmed with the answers swapped: 11.3%." in text


def test_latency_is_compared_with_all_tier_3() -> None:
    assert "Routed answers take 42.2% less time than all on Tier 3." in to_markdown(finished())


def test_confusion_states_how_often_a_smaller_or_larger_tier_was_chosen() -> None:
    assert "in 52.9% of rows, a smaller one (which risks quality) in 6.8%" in to_markdown(
        finished()
    )


def test_two_tiers_give_two_columns() -> None:
    tiers = {Tier.SMALL: "a/small", Tier.LARGE: "a/large"}
    text = to_markdown(finished(tiers=tiers))
    assert "| 35/28 |" in text
    assert "| Best tier | Chosen: Tier 1 | Chosen: Tier 3 |" in text


def test_a_learner_that_gains_on_shuffled_labels_is_named() -> None:
    leaking = Interval(mean=0.2, low=0.1, high=0.3, n=412)
    controls = {**finished().shuffled_controls, "knn": leaking}
    assert "minus that of random routing at its mix: linear +0.001 (" in to_markdown(finished())
    assert "labels leak" not in to_markdown(finished())
    assert "knn: above 0, so labels leak" in to_markdown(finished(shuffled_controls=controls))


def test_the_table_by_workload_leaves_out_most_learners() -> None:
    table = to_markdown(finished()).partition("## By workload")[2].partition("\n## ")[0]
    assert "| candidate" in table.replace("**", "")
    assert "clusters" not in table
