"""The article's table: measured figures next to the published ones."""

from route_switch.optimizer.report.article_table import article_remarks, article_rows, article_table
from route_switch.optimizer.report.figures import WorkloadFigures
from tests.support.report import finished, policy

SUPPORT = finished().workloads[:1]


def test_every_workload_and_policy_has_a_row_with_the_published_figures() -> None:
    rows = article_rows(finished().workloads)
    assert [(r.workload, r.policy, r.published.cost, r.published.quality) for r in rows] == [
        ("customer_support", "tier-3", 1.0, 1.0),
        ("customer_support", "static-rules", 0.42, 0.89),
        ("customer_support", "candidate", 0.35, 0.96),
        ("code_generation", "tier-3", 1.0, 1.0),
        ("code_generation", "static-rules", 0.55, 0.82),
        ("code_generation", "candidate", 0.48, 0.94),
        ("research_qa", "tier-3", 1.0, 1.0),
        ("research_qa", "static-rules", 0.61, 0.78),
        ("research_qa", "candidate", 0.52, 0.93),
    ]


def test_measured_figures_have_interval_and_n() -> None:
    table = article_table(article_rows(SUPPORT))
    assert table.rows[2] == (
        "Customer support",
        "route-switch",
        "0.45 (0.40–0.50)",
        "0.35",
        "94.9% (91–99)",
        "96%",
        "160",
    )


def test_an_absent_workload_has_no_rows() -> None:
    table = article_table(article_rows(SUPPORT))
    assert table.rows[5][2:] == ("no rows", "0.48", "no rows", "94%", "0")
    assert article_remarks(SUPPORT)[1] == "Code generation: this run had no rows."


def test_one_sentence_names_the_proxy_and_the_difference() -> None:
    support, code, _ = article_remarks(finished().workloads)
    assert support == (
        "Customer support: measured on a proxy (Banking77 intent labels); cost is higher than "
        "published (0.45 against 0.35) and quality is in line with the published figure "
        "(94.9% against 96%)."
    )
    assert "quality is lower than published (88.9% against 94%)" in code


def test_only_proxy_data_is_called_a_proxy() -> None:
    own = WorkloadFigures(workload="research_qa", policies=(policy("candidate", 140),))
    assert article_remarks((own,))[2].startswith("Research Q&A: cost is lower than published")
