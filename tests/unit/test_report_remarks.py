"""What the report says near the top beside the verdict, and of policies that hardly route."""

import pytest

from route_switch.domain.tiers import Tier
from route_switch.optimizer.report.advice import first_sentence
from route_switch.optimizer.report.baseline_sentences import compared_with_baselines
from route_switch.optimizer.report.figures import CurveFigures, Interval, PolicyFigures, Report
from route_switch.optimizer.report.html_page import to_html
from route_switch.optimizer.report.markdown_page import to_markdown
from route_switch.optimizer.report.profiles_section import profile_notes
from route_switch.optimizer.report.remarks import remarks
from route_switch.optimizer.report.strategy_figures import (
    LocalFigures,
    Strategies,
    StrategyFigures,
)
from route_switch.optimizer.report.verdict import verdict
from tests.support.report import around, better, finished, policy, promise, strategies

TIE = around(0.0, 0.001)


def policies_with(*changed: PolicyFigures) -> tuple[PolicyFigures, ...]:
    other = {each.policy: each for each in changed}
    return tuple(other.get(each.policy, each) for each in finished().policies)


def mixed(name: str, *mix: float) -> PolicyFigures:
    return policy(name).model_copy(update={"mix": dict(zip(Tier, mix, strict=True))})


def nearly_tier_3(gain: Interval = TIE, **changes: object) -> Report:
    against = {**finished().against, "tier-3": gain}
    candidate = mixed("candidate", 0.008, 0.0, 0.992)
    return finished(policies=policies_with(candidate), against=against, **changes)


def local_strategy(constant: Tier | None) -> Strategies:
    local = LocalFigures(
        rows=520,
        withheld=0,
        constant=constant,
        n=300,
        brier=0.1,
        constant_brier=0.1,
        calibration_error=0.01,
        strongest=(),
    )
    return strategies("local").model_copy(update={"local": local})


def hybrid(*, never_asks: bool) -> Strategies:
    estimate = StrategyFigures(
        strategy="hybrid",
        objective=0.8,
        error=0.01,
        asked=0.0,
        asked_heldout=0.0,
        chosen=True,
        never_asks=never_asks,
    )
    known = local_strategy(None).local
    return strategies("hybrid").model_copy(update={"estimates": (estimate,), "local": known})


def test_a_policy_that_hardly_routes_is_called_that_in_the_headline() -> None:
    said = verdict(nearly_tier_3())
    assert said.headline == "Nothing to route: the learned policy is nearly always Tier 3"
    assert said.sign == "promote"
    assert "may go live" in said.sentence


def test_its_first_sentence_says_how_many_queries_go_to_the_tier() -> None:
    said = first_sentence(nearly_tier_3()) or ""
    assert said.startswith(
        "The learned policy sends 99.2% of queries to Tier 3: always Tier 3 is not clearly "
        "different (+0.000 ± 0.001), always Tier"
    )


def test_a_constant_local_model_bypasses_the_other_queries() -> None:
    said = first_sentence(nearly_tier_3(strategies=local_strategy(Tier.LARGE))) or ""
    assert said.startswith("The learned policy sends 99.2% of queries to Tier 3 and bypasses the")


def test_a_policy_on_a_single_tier_is_always_that_tier() -> None:
    against = {**finished().against, "tier-3": around(0.0, 0.0)}
    report = finished(policies=policies_with(mixed("candidate", 0, 0, 1)), against=against)
    assert verdict(report).headline == "Nothing to route: the learned policy is always Tier 3"


def test_a_policy_that_gains_by_few_queries_does_route() -> None:
    said = verdict(nearly_tier_3(around(0.02, 0.01)))
    assert said.headline == "Better: the learned prompt may go live"


def test_a_policy_without_its_promise_keeps_that_headline() -> None:
    lacking = promise(candidate_holds=False, candidate="it cannot be promised")
    assert "not promised" in verdict(nearly_tier_3(promise=lacking)).headline


def test_a_hybrid_that_never_asks_is_called_what_it_is() -> None:
    report = finished(strategies=hybrid(never_asks=True))
    [remark] = remarks(report)
    assert "it never asks the router LLM: no threshold for asking paid" in remark
    page = to_markdown(report)
    assert "the local model decides alone. It never asks the router LLM" in page
    assert "asks the router LLM where it is unsure" not in page


def test_a_hybrid_that_asks_has_no_remark() -> None:
    report = finished(strategies=hybrid(never_asks=False))
    assert remarks(report) == ()
    assert "asks the router LLM where it is unsure" in to_markdown(report)


def test_a_look_on_no_row_gives_no_figure() -> None:
    none = Interval(mean=0.0, low=-1.0, high=1.0, n=0)
    said = verdict(finished(gate=better(verdict="not enough evidence", gain=none))).sentence
    assert said.endswith("and there are none. Add examples, and run again.")


@pytest.mark.parametrize("decided", ["not better", "not enough evidence"])
def test_a_95_percent_interval_does_not_contradict_the_gate(decided: str) -> None:
    report = finished(gate=better(verdict=decided))
    sentences = " ".join(compared_with_baselines(report)[1:])
    assert "hand-written prompt" not in sentences
    assert "clearly beats random" in sentences
    assert "Only the gate decides what goes live." in to_markdown(report)


def test_another_current_prompt_leaves_the_hand_written_one_in_the_comparison() -> None:
    against = {**finished().against, "incumbent": around(0.01, 0.03)}
    report = finished(gate=better(verdict="not better"), against=against)
    assert "clearly beats the hand-written prompt" in compared_with_baselines(report)[1]


def with_change(change: Interval) -> Report:
    first, *others = finished().workloads
    return finished(workloads=(first.model_copy(update={"change": change}), *others))


def test_a_workload_that_gets_clearly_worse_is_named_in_the_opening() -> None:
    report = with_change(around(-0.09, 0.04, 160))
    [remark] = remarks(report)
    assert remark.startswith(
        "On customer_support, the learned prompt is clearly worse than the current one: "
    )
    assert remark.endswith("changes by −0.090 (−0.130 to −0.050) on 160 held-out rows.")
    for page in (to_markdown(report), to_html(report)):
        opening = page.partition("Cost and quality")[0]
        assert "clearly worse than the current one" in opening


@pytest.mark.parametrize("change", [around(-0.09, 0.1, 160), around(-0.09, 0.04, 20)])
def test_a_workload_without_evidence_has_no_remark(change: Interval) -> None:
    assert remarks(with_change(change)) == ()


def test_policies_that_clearly_beat_the_candidate_are_named_best_first() -> None:
    against = {
        **finished().against,
        "linear": around(-0.02, 0.01),
        "clusters": around(-0.03, 0.01),
        "knn": around(-0.02, 0.03),
    }
    assert remarks(finished(against=against)) == (
        "Some policies that are only compared are clearly better than the learned prompt: "
        "clusters by 0.030 and linear by 0.020.",
    )


def test_scores_of_0_everywhere_are_pointed_out() -> None:
    zero = policy("tier-3").model_copy(update={"retention": around(0.0, 0.0)})
    [remark] = remarks(finished(policies=policies_with(zero)))
    assert remark.startswith("Tier 3's answers scored 0 on all 412 held-out rows")
    assert "Check the scores before you use this result." in remark


def curve(*profiles: PolicyFigures) -> CurveFigures:
    names = ("profile-quality", "profile-balanced", "profile-cost")
    named = tuple(
        each.model_copy(update={"policy": name}) for each, name in zip(profiles, names, strict=True)
    )
    return CurveFigures(points=(), profiles=named, profile_lambdas=(0.05, 0.2, 0.5))


def test_profiles_that_leave_no_choice_are_named() -> None:
    found = curve(mixed("tier-3", 0.0, 0.007, 0.993), policy("candidate"), policy("candidate"))
    assert profile_notes(found) == (
        "The profile 'quality' sends 99.3% of queries to Tier 3, so it hardly routes.",
        "The profiles 'balanced' and 'cost' have the same cost, quality and mix, so choosing "
        "between them changes nothing.",
    )
    assert "have the same cost, quality and mix" in to_markdown(finished(curve=found))


def test_profiles_that_differ_have_no_note() -> None:
    assert profile_notes(curve(policy("linear"), policy("candidate"), policy("length"))) == ()
