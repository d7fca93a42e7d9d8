"""The report's section on the promise: what holds, for which policy, and what is missing."""

from route_switch.optimizer.report.advice import next_step, standing
from route_switch.optimizer.report.figures import Promise
from route_switch.optimizer.report.markdown_page import to_markdown
from route_switch.optimizer.report.promise_section import (
    promise_paragraphs,
    promise_table,
    rounded,
)
from tests.support.report import INCUMBENT, better, finished, promise


def said(figures: Promise, **changes: object) -> str:
    return "\n".join(promise_paragraphs(finished(promise=figures, **changes)))


def test_the_cheapest_policy_with_the_promise_is_named_with_its_bound() -> None:
    text = said(promise())
    assert "with 95% confidence, at most 5% of answers are worse than Tier 3's" in text
    assert (
        "The cheapest policy with this promise is the learned prompt: cost 0.45, 1.9% of answers "
        "worse on 412 rows, at most 3.9% with confidence." in text
    )
    assert "needs about" not in text


def test_a_kept_prompt_is_called_the_current_one() -> None:
    text = said(promise(), candidate_prompt=INCUMBENT)
    assert "this promise is the current prompt: cost 0.45" in text


def test_a_safer_policy_is_named_if_the_candidate_has_no_promise() -> None:
    text = said(
        promise(cheapest="candidate --tiers 2,3", candidate_holds=False, failed="candidate")
    )
    assert "this promise is “candidate --tiers 2,3”: cost 0.62" in text
    assert "For the learned prompt, a look needs about 590 new rows if" in text


def test_if_nothing_can_be_promised_the_rows_that_are_needed_are_named() -> None:
    text = said(promise(cheapest=None, candidate_holds=False, failed="candidate --tiers 2,3"))
    assert "cannot be promised for any policy except all Tier 3" in text
    assert "a look needs about 590 new rows if the share of worse answers stays" in text


def test_a_policy_above_the_limit_is_said_to_be_out_of_reach() -> None:
    text = said(
        promise(cheapest=None, candidate_holds=False, failed="candidate --tiers 2,3", needed=None)
    )
    assert "no reachable number of rows is enough if 0.5% of its answers stay worse" in text


def test_a_run_without_a_look_says_how_many_rows_are_missing() -> None:
    text = said(promise(cheapest=None, candidate_holds=False, waits_for=180, policies=()))
    assert "about 180 more held-out rows are needed" in text
    assert "no look was spent" in text


def test_the_report_states_the_margin_whether_or_not_a_promise_was_asked_for() -> None:
    assert "if its score is at least as high" in to_markdown(finished())
    text = to_markdown(finished(no_worse_margin=0.1))
    assert "score is at most 0.1 lower. This margin was fixed before the run." in text


def test_the_table_marks_policies_that_were_not_tested() -> None:
    failed = promise(cheapest="incumbent", candidate_holds=False, failed="candidate --tiers 2,3")
    rows = {str(row[0]): row[1:] for row in promise_table(failed).rows}
    assert rows["incumbent"][0] == "promised"
    assert rows["candidate --tiers 2,3"][0] == "cannot be promised"
    assert rows["candidate"][0] == "not tested"


def test_a_report_does_not_count_a_look_that_waits_for_the_promise() -> None:
    waiting = promise(cheapest=None, candidate_holds=False, waits_for=180, policies=())
    text = to_markdown(finished(gate=better(verdict="not enough evidence"), promise=waiting))
    assert "The gate did not look: it waits for about 180 more rows" in text
    assert "This was look no." not in text


def test_the_section_is_in_the_report_only_if_a_promise_was_asked_for() -> None:
    assert "## Promise" in to_markdown(finished(promise=promise()))
    assert "## Promise" not in to_markdown(finished())


def test_an_estimated_number_of_rows_is_rounded_up_to_two_digits() -> None:
    assert [rounded(n) for n in (7, 69, 481, 14_865)] == ["7", "69", "490", "15,000"]


def test_a_prompt_without_its_promise_does_not_count_as_live_and_the_next_step_says_so() -> None:
    report = finished(promise=promise(candidate_holds=False, candidate="it cannot be promised: …"))
    said = next_step(report)
    found = standing(report)
    assert found is not None
    assert found.live == "the current prompt"
    assert said is None or "raise the limit (`--max-quality-loss`)" in said
    assert "promote candidate.json" not in (said or "")


def test_more_examples_are_advised_only_if_they_could_help() -> None:
    def advice(limit: float) -> str | None:
        lacking = promise(candidate_holds=False, failed="candidate", max_quality_loss=limit)
        return next_step(finished(promise=lacking, incumbent_against={}))

    end = "raise the limit (`--max-quality-loss`)."
    learned = "To let the learned prompt go live,"
    assert advice(0.05) == f"{learned} run again with more examples, or {end}"
    assert advice(0.01) == f"{learned} {end}", "1.9% of its answers are worse"
