"""How far the judge's verdicts can be trusted, and when a promotion needs a person's approval."""

import re
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

MIN_KAPPA = 0.6
"""From here on, Landis and Koch (1977) call agreement substantial."""
MIN_LABELS = 50

_FAMILIES = {
    name: re.compile(rf"(?<![a-z])(?:{pattern})")
    for name, pattern in {
        "Claude": "claude",
        "Command": "command",
        "DeepSeek": "deepseek",
        "Gemini": "gemini|gemma",
        "GPT": r"gpt|chatgpt|o[134](?![a-z0-9])",
        "Grok": "grok",
        "Llama": "llama",
        "Mistral": "mistral|mixtral|ministral|codestral|magistral|pixtral",
        "Nova": "nova",
        "Phi": r"phi-?\d",
        "Qwen": "qwen|qwq",
    }.items()
}


class Agreement(BaseModel):
    """The judge compared with gold or human labels: share of equal verdicts, and Cohen's κ over n.

    `flip_rate` is the share of 'worse' verdicts that the reverse order of the answers did not
    confirm. Without labels, `share` is None. κ is None when it is undefined: there are no labels,
    or all labels and verdicts are of one kind.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    share: float | None
    kappa: float | None
    n: int
    flip_rate: float | None


def agreement_of(pairs: Sequence[tuple[bool, bool]], flip_rate: float | None) -> Agreement:
    """Compare (judge, label) pairs. Each says whether the answer is equivalent to Tier 3's."""
    n = len(pairs)
    if n == 0:
        return Agreement(share=None, kappa=None, n=0, flip_rate=flip_rate)
    share = sum(judge == label for judge, label in pairs) / n
    return Agreement(share=share, kappa=_kappa(pairs, share), n=n, flip_rate=flip_rate)


def _kappa(pairs: Sequence[tuple[bool, bool]], share: float) -> float | None:
    """Return agreement beyond what the two rates of yes would give by chance (Cohen 1960)."""
    judge, label = (sum(column) / len(pairs) for column in zip(*pairs, strict=True))
    by_chance = judge * label + (1 - judge) * (1 - label)
    return None if by_chance == 1 else (share - by_chance) / (1 - by_chance)


def why_uncalibrated(
    agreement: Agreement | None, floor: float = MIN_KAPPA, min_labels: int = MIN_LABELS
) -> str | None:
    """Return why promotions based on this judge need a person's approval, or None."""
    if agreement is None or agreement.n == 0:
        return "uncalibrated: no labels to compare the judge with. Add gold answers or feedback."
    if agreement.n < min_labels:
        return (
            f"uncalibrated: only {agreement.n} labels to compare the judge with; "
            f"{min_labels} are needed."
        )
    if agreement.kappa is None:
        return (
            f"uncalibrated: all {agreement.n} labels and the judge's verdicts on them are the "
            "same, so their agreement is meaningless. Add labels of the other kind."
        )
    if agreement.kappa < floor:
        return (
            f"the judge's agreement with labels, κ {agreement.kappa:.2f} (n = {agreement.n}), is "
            f"below {floor:.2f}."
        )
    return None


def why_partial(judge_model: str, tier_3_model: str) -> str | None:
    """Return a warning when the judge belongs to Tier 3's model family: judges tend to favor their
    own family."""
    shared = families_of(judge_model) & families_of(tier_3_model)
    if not shared:
        return None
    return (
        f"The judge ({judge_model}) and Tier 3 ({tier_3_model}) belong to the same model family "
        f"({', '.join(sorted(shared))}), and models tend to prefer their own family's answers. "
        "Choose a judge from another family."
    )


def families_of(model: str) -> frozenset[str]:
    """Return the model families that a model's name mentions; empty when unknown."""
    name = model.casefold()
    return frozenset(family for family, pattern in _FAMILIES.items() if pattern.search(name))
