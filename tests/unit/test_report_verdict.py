"""The opening of a report: each verdict says what happens and why."""

from route_switch.optimizer.report.baseline_sentences import compared_with_baselines
from route_switch.optimizer.report.figures import Interval
from route_switch.optimizer.report.key_figures import key_figures, worth_of_quality
from route_switch.optimizer.report.verdict import simulated, stopped_early, verdict
from tests.support.report import (
    INCUMBENT,
    around,
    better,
    finished,
    promise,
    stopped,
    undecided,
)

MISSING = "it cannot be promised that at most 5% are worse: about 590 new rows are needed"


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_a_better_prompt_may_go_live() -> None:
    said = verdict(finished())
    assert said.sign == "promote"
    assert plain(said.sentence) == (
        "The learned prompt is better than the current one and may go live: quality − 0.2 · cost "
        "changes by +0.081 (96.96% interval +0.043 to +0.119) on 412 held-out rows; the gate "
        "requires a gain of at least 0.010."
    )


def test_a_better_prompt_that_needs_approval_names_the_reason() -> None:
    said = verdict(finished(gate=better(needs_approval="the judge is uncalibrated.")))
    assert said.sign == "approve"
    assert "person approves it (the judge is uncalibrated): quality" in said.sentence
    assert "may go live" not in said.headline + said.sentence


def test_a_prompt_that_is_not_better_leaves_the_current_one() -> None:
    gate = better(
        verdict="not better",
        gain=Interval(mean=-0.012, low=-0.03, high=0.006, n=412),
        needs_approval="the judge is uncalibrated",
    )
    said = verdict(finished(gate=gate))
    assert (said.sign, said.headline) == ("keep", "Keep the current prompt")
    assert "stays because the learned one is not better" in said.sentence
    assert "changes by −0.012" in said.sentence
    assert "approves" not in said.sentence


def test_too_little_evidence_states_the_gain_that_would_be_detected() -> None:
    said = verdict(undecided())
    assert said.sign == "keep"
    assert said.headline == "Not enough evidence: keep the current prompt"
    assert "on 96 held-out rows" in said.sentence
    assert "a gain of 0.039 or more would probably be detected" in said.sentence


def test_a_search_that_finds_nothing_better_keeps_the_current_prompt() -> None:
    said = verdict(finished(candidate_prompt=INCUMBENT))
    assert said.sign == "keep"
    assert "none of 28 prompts tried scored higher" in said.sentence


def test_a_stopped_run_says_why_and_how_to_resume() -> None:
    said = verdict(stopped())
    assert said.sign == "unfinished"
    assert "(the next call could cost more than what is left of the cap of $2.00)" in said.sentence
    assert "Run the same command to resume it" in said.sentence
    assert [figure.value for figure in key_figures(stopped())] == ["not measured"] * 3
    assert compared_with_baselines(stopped()) == ()
    assert stopped_early(stopped()) is None


def test_a_verdict_of_a_run_that_was_stopped_early_has_a_note() -> None:
    report = finished(complete=False, stopped_by="the deadline was reached")
    assert (stopped_early(report) or "").startswith(
        "The run was stopped early (the deadline was reached). "
    )
    assert stopped_early(finished()) is None


def test_the_three_key_figures_have_interval_and_n() -> None:
    cost, quality, saving = key_figures(finished())
    assert (cost.value, cost.about) == ("0.45", "95% interval 0.42–0.48, n = 412")
    assert (quality.value, quality.about) == ("92.9%", "95% interval 90–96%, n = 412")
    assert (saving.value, saving.about) == ("$463", "95% interval $438–$488, n = 412")
    assert saving.meaning.endswith("at 100,000 queries per month")


def test_a_loss_is_shown_as_a_negative_saving() -> None:
    saving = key_figures(finished(saving_usd_a_month=around(-12.4, 30)))[2]
    assert (saving.value, saving.about) == ("−$12.40", "95% interval −$42.40 to $17.60, n = 412")


def test_the_learned_prompt_is_compared_with_the_hand_written_one_and_the_baselines() -> None:
    scores, beaten = compared_with_baselines(finished())
    assert plain(scores) == (
        "Objective (quality − 0.2 · cost): learned 0.839, hand-written 0.758, best constant policy "
        "(tier-3) 0.800, length alone 0.786, random at the same mix 0.760, oracle 0.954."
    )
    assert beaten.startswith("The learned prompt clearly beats the hand-written prompt and random")
    assert beaten.endswith(" and length alone.")


def test_a_baseline_that_is_not_clearly_beaten_is_named() -> None:
    against = {**finished().against, "tier-3": around(0.01, 0.02)}
    unbeaten = compared_with_baselines(finished(against=against))[-1]
    assert unbeaten.startswith(
        "The learned prompt does not clearly beat the best constant policy (tier-3)"
    )


def test_lambda_is_explained_in_dollars_per_point_of_quality() -> None:
    text = worth_of_quality(finished(tier_3_usd=0.02, monthly_queries=1000))
    assert "may cost $0.00100 per query, or $1.00 per month at 1,000 queries" in text
    assert "only quality counts, not cost" in worth_of_quality(
        finished().model_copy(update={"lambda_": 0.0})
    )


def test_the_report_names_simulated_parts_or_says_that_there_are_none() -> None:
    assert simulated(finished()).startswith("Simulated: proposer (offline/proposer); judge")
    assert simulated(undecided()).startswith("Nothing was simulated")


def test_a_better_prompt_without_its_promise_stays_out_and_says_what_is_missing() -> None:
    report = finished(promise=promise(candidate_holds=False, candidate=MISSING))
    said = verdict(report)
    assert report.lacks_promise
    assert said.sign == "keep"
    assert said.headline == "Better, but not promised: keep the current prompt"
    assert plain(said.sentence).startswith("The current prompt stays although the learned one is")
    assert said.sentence.endswith(f"because {MISSING}.")


def test_a_better_prompt_with_its_promise_may_go_live() -> None:
    assert verdict(finished(promise=promise())).sign == "promote"


def test_a_run_that_waits_for_rows_says_so() -> None:
    waiting = promise(candidate_holds=False, candidate=MISSING, waits_for=180, policies=())
    report = finished(gate=better(verdict="not enough evidence"), promise=waiting)
    said = verdict(report)
    assert said.sign == "keep"
    assert MISSING in said.sentence
    assert "gate waits for the same rows" in said.sentence
