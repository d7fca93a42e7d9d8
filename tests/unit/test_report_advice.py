"""The first sentence of a report compares the constant policies and says what to do; nothing that
the opening says contradicts it."""

import re
from collections.abc import Sequence
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_switch.domain.routing_prompt import StrategyName
from route_switch.domain.tiers import Tier
from route_switch.optimizer.policies import CANDIDATE
from route_switch.optimizer.report.advice import first_sentence, next_step
from route_switch.optimizer.report.baseline_sentences import compared_with_baselines
from route_switch.optimizer.report.figures import Agreement, Interval, Report, Rows
from route_switch.optimizer.report.html_page import to_html
from route_switch.optimizer.report.markdown_page import to_markdown
from route_switch.optimizer.report.verdict import used_rows, verdict
from tests.support.report import (
    HELDOUT,
    INCUMBENT,
    around,
    better,
    finished,
    stopped,
    strategies,
)

TIERS = ("tier-1", "tier-2", "tier-3")
GateVerdict = Literal["better", "not better", "not enough evidence"]
EVERY: tuple[GateVerdict, ...] = ("better", "not better", "not enough evidence")


def report_of(
    said: GateVerdict,
    learned: Sequence[float],
    current: Sequence[float],
    half: float = 0.02,
    approval: str | None = None,
    kept: bool = False,
) -> Report:
    """Return a report in which the prompts' objectives minus those of Tiers 1 to 3 are these."""
    report = finished(gate=better(verdict=said, needs_approval=approval))
    of_learned = {name: around(gain, half) for name, gain in zip(TIERS, learned, strict=True)}
    of_current = {name: around(gain, half) for name, gain in zip(TIERS, current, strict=True)}
    prompt = next(each.objective.mean for each in report.policies if each.policy == CANDIDATE)
    means = {name: prompt - gain.mean for name, gain in of_learned.items()}
    policies = [
        each.model_copy(
            update={
                "objective": each.objective.model_copy(
                    update={"mean": means.get(each.policy, each.objective.mean)}
                )
            }
        )
        for each in report.policies
    ]
    return report.model_copy(
        update={
            "policies": policies,
            "against": {**report.against, **of_learned},
            "incumbent_against": of_current,
            **({"candidate_prompt": INCUMBENT} if kept else {}),
        }
    )


SITUATIONS = {
    "the learned prompt beats every constant": (
        report_of("better", (0.3, 0.1, 0.05), (0.2, 0.0, -0.05)),
        "Better: the learned prompt may go live",
        "The learned prompt is better than every constant policy: always Tier 3 by 0.05 ± "
        "0.02, always Tier 2 by 0.10 ± 0.02, and always Tier 1 by 0.30 ± 0.02.",
    ),
    "the learned prompt is better, but a constant is better still": (
        report_of("better", (0.3, -0.04, 0.0), (0.1, -0.2, -0.1), half=0.03),
        "Better than the current prompt, but always Tier 2 would be better still",
        "Always Tier 2 would be better than the learned prompt by 0.04 ± 0.03 (always Tier 3 is "
        "not clearly different (+0.00 ± 0.03) and always Tier 1 would be worse by 0.30 ± 0.03): "
        "run `route-switch switch pin-tier 2`.",
    ),
    "there is not enough evidence, and a constant is better than the current prompt": (
        report_of("not enough evidence", (0.3, 0.1, 0.1), (0.2, -0.06, -0.05)),
        "Always Tier 2 would be better than the current prompt",
        "Always Tier 2 would be better than the current prompt by 0.06 ± 0.02 (always Tier 3 would "
        "be better by 0.05 ± 0.02 and always Tier 1 would be worse by 0.20 ± 0.02): run "
        "`route-switch switch pin-tier 2`.",
    ),
    "the learned prompt is not better, and neither is a constant": (
        report_of("not better", (0.3, -0.5, 0.1), (0.2, 0.01, 0.05)),
        "Keep the current prompt",
        "No constant policy is clearly better than the current prompt: always Tier 2 is not "
        "clearly different (−0.01 ± 0.02), always Tier 3 would be worse by 0.05 ± 0.02, and always "
        "Tier 1 would be worse by 0.20 ± 0.02.",
    ),
    "nothing was found, and a constant is better": (
        report_of("not better", (0.3, -0.5, 0.1), (0.2, 0.05, -0.005), half=0.004, kept=True),
        "Always Tier 3 would be better than the current prompt",
        "Always Tier 3 would be better than the current prompt by 0.005 ± 0.004 (always Tier 2 "
        "would be worse by 0.050 ± 0.004 and always Tier 1 would be worse by 0.200 ± 0.004): run "
        "`route-switch switch pin-tier 3`.",
    ),
    "a person has to approve, and a constant is better": (
        report_of("better", (-0.2, 0.1, 0.1), (-0.3, 0.0, 0.0), approval="no labels"),
        "Better than the current prompt, but always Tier 1 would be better still",
        "Always Tier 1 would be better than the learned prompt by 0.20 ± 0.02 (always Tier 2 would "
        "be worse by 0.10 ± 0.02 and always Tier 3 would be worse by 0.10 ± 0.02): run "
        "`route-switch switch pin-tier 1`.",
    ),
}


@pytest.mark.parametrize(
    ("report", "headline", "sentence"), SITUATIONS.values(), ids=SITUATIONS.keys()
)
def test_each_situation_has_its_headline_and_first_sentence(
    report: Report, headline: str, sentence: str
) -> None:
    assert (verdict(report).headline, first_sentence(report)) == (headline, sentence)
    opening = to_markdown(report).split("\n\n")
    assert opening[0] == f"# {headline}"
    assert opening[1].replace("\\", "") == f"**{sentence}**"
    assert sentence.split(":")[0].replace("\N{APOSTROPHE}", "&#39;") in to_html(report)


def test_a_gate_that_did_not_look_is_not_said_to_have_looked() -> None:
    gate = better(verdict="not enough evidence", gain=Interval(mean=0.4, low=0.2, high=0.6, n=41))
    report = finished(gate=gate)
    text = to_markdown(report)
    assert verdict(report).sentence.startswith(
        "The current prompt stays for now because the gate did not look: it needs 50 held-out rows "
        "that no earlier look used, and there are 41. On them,"
    )
    assert next_step(report) == (
        "To get a verdict, run again with more examples: at least 9 more held out."
    )
    assert "would probably be detected" not in text
    assert "This was look no." not in text


def test_a_search_that_kept_the_current_prompt_is_not_said_to_have_taken_a_look() -> None:
    text = to_markdown(finished(candidate_prompt=INCUMBENT, gate=better(verdict="not better")))
    assert "The gate took no look, because the search kept the current prompt." in text
    assert "This was look no." not in text
    assert "0.0304" not in text


OF_PROMPTS = re.compile(r"(learned|current|the|read the) prompt\b|prompts tried", re.IGNORECASE)


@pytest.mark.parametrize("chosen", ["local", "hybrid"])
@pytest.mark.parametrize("said", EVERY)
@pytest.mark.parametrize("approval", [None, "no labels"])
@pytest.mark.parametrize("kept", [False, True])
def test_a_learned_model_is_not_called_a_prompt(
    chosen: StrategyName, said: GateVerdict, approval: str | None, kept: bool
) -> None:
    figures = (0.1, 0.1, 0.1), (0.0, 0.0, 0.0)
    report = report_of(said, *figures, approval=approval, kept=kept)
    report = report.model_copy(update={"strategies": strategies(chosen), "optimizer": "none"})
    opening, rest = to_markdown(report).split("## Cost and quality")
    told = (verdict(report), first_sentence(report), next_step(report), compared(report))
    assert "policy" in opening
    assert not OF_PROMPTS.findall(f"{opening} {told}")
    assert "uses the learned policy" in rest
    assert "Prompts tried" not in rest


def compared(report: Report) -> list[str]:
    """Return what is said of baselines, one of which is a prompt."""
    return [each.replace("hand-written prompt", "") for each in compared_with_baselines(report)]


def test_a_run_that_learns_the_live_model_again_does_not_count_prompts() -> None:
    gate = better(verdict="not better")
    report = finished(candidate_prompt=INCUMBENT, gate=gate, strategies=strategies("local"))
    assert verdict(report).headline == "Keep the current policy"
    assert verdict(report).sentence == (
        "The current policy stays: the run learned the policy that is live already."
    )
    assert "The gate took no look, because the run kept the current policy." in to_markdown(report)


def test_a_run_that_measured_nothing_compares_nothing() -> None:
    assert first_sentence(stopped()) is None
    assert to_markdown(stopped()).split("\n\n")[1].startswith("**The current prompt stays because")


@pytest.mark.parametrize(
    ("report", "step"),
    [
        (report_of("better", (0.1, 0.1, 0.1), (0, 0, 0)), "prompt promote candidate.json`"),
        (report_of("better", (0.1, 0.1, 0.1), (0, 0, 0), approval="x"), "candidate.json --force`"),
        (report_of("better", (0.1, 0.1, 0.1), (0, 0, 0), kept=True), "Nothing has to be done."),
        (report_of("not better", (0.1, 0.1, 0.1), (0, 0, 0)), "Nothing has to be done."),
        (report_of("not enough evidence", (0.1, 0.1, 0.1), (0, 0, 0)), "run again with more"),
        (report_of("better", (-0.1, 0.1, 0.1), (0, 0, 0)), None),
        (stopped(), None),
    ],
)
def test_the_next_step_fits_the_verdict(report: Report, step: str | None) -> None:
    found = next_step(report)
    assert found is None if step is None else step in (found or "")


gains = st.lists(st.floats(-0.5, 0.5), min_size=3, max_size=3)


@given(
    st.sampled_from(EVERY),
    gains,
    gains,
    st.floats(0.001, 0.3),
    st.sampled_from([None, "no labels"]),
    st.booleans(),
)
def test_no_sentence_of_the_opening_contradicts_another(
    said: GateVerdict,
    learned: list[float],
    current: list[float],
    half: float,
    approval: str | None,
    kept: bool,
) -> None:
    report = report_of(said, learned, current, half, approval, kept)
    found, first = verdict(report), first_sentence(report) or ""
    text = " ".join([found.headline, first, found.sentence, *compared_with_baselines(report)])
    pins = "pin-tier" in first
    assert pins == ("would be better" in found.headline)
    assert not (pins and "every constant policy" in text)
    assert not (pins and ("may go live" in found.headline or "Keep" in found.headline))
    assert ("may go live" in found.sentence) == (said == "better" and not kept and approval is None)
    assert ("than the learned prompt" in first or first.startswith("The learned prompt")) == (
        said == "better" and not kept
    )
    best = "the best constant policy"
    if pins and "than the learned prompt" in first:
        assert not any(best in s for s in text.split(". ") if "clearly beats" in s)
    assert not (kept and "The learned prompt" in text)


@pytest.mark.parametrize(
    "agreement", [None, Agreement(share=None, kappa=None, n=0, flip_rate=None)]
)
def test_a_run_without_labels_says_so_and_states_no_agreement(agreement: Agreement | None) -> None:
    text = to_markdown(finished(agreement=agreement))
    assert "has no labels to be compared with" in text
    assert "0.0% of 0 cases" not in text


def test_rows_that_were_left_out_and_templates_are_reported() -> None:
    rows = Rows(
        train=100,
        validation=110,
        heldout=110,
        near_duplicates_removed=0,
        duplicates_merged=3,
        without_outcome=40,
        left_out={"lack a result of medium": 40},
        templates=20,
        heldout_templates=6,
    )
    gate = better(verdict="not better", gain=Interval(mean=0, low=-1, high=1, n=60))
    report = finished(rows=rows, gate=gate)
    said = used_rows(report) or ""
    assert said.startswith(
        "320 of 363 rows used; 40 lack a result of medium; 3 merged into equal ones, which count "
        "for them. 320 rows are from 20 templates, and 110 held-out rows from 6:"
    )
    assert "on 60 held-out templates" in verdict(report).sentence
    assert "320 of 363 rows used" in to_markdown(report)
    assert "320 of 363 rows used" in to_html(report)
    assert used_rows(finished()) is None
    assert f"on {HELDOUT} held-out rows" in verdict(finished()).sentence


def test_a_learned_policy_that_is_a_constant_is_called_so() -> None:
    report = report_of("better", (0.65, 0.29, 0.0), (0.4, 0.1, -0.3), half=0.01)
    always_large = {Tier.SMALL: 0.0, Tier.MEDIUM: 0.0, Tier.LARGE: 1.0}
    policies = [
        each.model_copy(update={"mix": always_large}) if each.policy == CANDIDATE else each
        for each in report.policies
    ]
    said = first_sentence(report.model_copy(update={"policies": tuple(policies)}))
    assert said is not None
    assert said.startswith("The learned policy sends every query to Tier 3: always Tier ")
    assert "always Tier 3 is" not in said
