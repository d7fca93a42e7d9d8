"""When the judge can be trusted, and when a person has to approve."""

import pytest

from route_switch.domain.learning.calibration import (
    Agreement,
    agreement_of,
    families_of,
    why_partial,
    why_uncalibrated,
)


def test_kappa_is_agreement_beyond_chance() -> None:
    """Cohen's textbook table: 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no."""
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    agreement = agreement_of(pairs, 0.25)
    assert agreement.share == pytest.approx(0.7)
    assert agreement.kappa == pytest.approx(0.4)
    assert (agreement.n, agreement.flip_rate) == (50, 0.25)


def test_kappa_is_undefined_when_all_labels_and_verdicts_are_equal() -> None:
    assert agreement_of([(True, True)] * 60, None).kappa is None
    assert agreement_of([], None) == Agreement(share=None, kappa=None, n=0, flip_rate=None)


def of(kappa: float | None, n: int) -> Agreement:
    return Agreement(share=0.9, kappa=kappa, n=n, flip_rate=None)


def test_a_judge_that_agrees_with_enough_labels_is_calibrated() -> None:
    assert why_uncalibrated(of(0.6, 50)) is None


@pytest.mark.parametrize(
    ("agreement", "why"),
    [
        (None, "uncalibrated: no labels"),
        (of(None, 0), "uncalibrated: no labels"),
        (of(0.9, 49), "uncalibrated: only 49 labels to compare the judge with; 50 are needed."),
        (of(None, 80), "uncalibrated: all 80 labels and the judge's verdicts"),
        (of(0.41, 80), "the judge's agreement with labels, κ 0.41 (n = 80), is below 0.60."),
    ],
)
def test_any_other_judge_requires_approval_by_a_person(
    agreement: Agreement | None, why: str
) -> None:
    assert (why_uncalibrated(agreement) or "").startswith(why)


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("openai/gpt-4o-mini", "GPT"),
        ("openai/o3-mini", "GPT"),
        ("bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0", "Claude"),
        ("bedrock/amazon.nova-lite-v1:0", "Nova"),
        ("bedrock/meta.llama3-1-70b-instruct-v1:0", "Llama"),
        ("gemini/gemini-2.5-pro", "Gemini"),
        ("openai/mixtral-8x7b", "Mistral"),
        ("openai/qwen2.5-7b-instruct", "Qwen"),
    ],
)
def test_a_models_family_is_derived_from_its_name(model: str, family: str) -> None:
    assert families_of(model) == {family}


def test_a_judge_of_tier_3s_family_causes_a_warning() -> None:
    warning = why_partial("openai/gpt-4o-mini", "azure/gpt-4o")
    assert warning is not None
    assert "the same model family (GPT)" in warning
    assert why_partial("openai/gpt-4o", "bedrock/anthropic.claude-3-haiku") is None
    assert why_partial("offline/judge", "offline/large") is None
