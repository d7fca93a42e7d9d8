"""Why an example has no outcomes."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from route_switch.domain.learning.example import Example


class LeftOutReason(StrEnum):
    """Why an example has no outcomes, and how to give it some."""

    NO_RESULT = (
        "without a result from each tier's model (add it to the example's 'models', or use models "
        "that can be called, named provider/model)"
    )
    NO_TEXT = (
        "with a recorded result that has neither a score nor a text to judge (add one of them)"
    )
    NO_JUDGE = (
        "with nothing to grade answers by (add scores or a short 'gold', or configure a judge)"
    )
    NO_RECORDING = "whose answers are simulated and not recorded (use models that can be called)"
    REFUSED = "rejected by a model's provider (use models that can serve such requests)"
    TOO_COSTLY = (
        "whose answer alone may cost too much of the learning budget, by the length of the request "
        "or its own output limit (raise learning.monthly_usd)"
    )
    CANNOT_SERVE = (
        "that need images, tools or more input than a tier's model takes (use models that serve "
        "such requests)"
    )
    ATTACHMENT_GONE = (
        "with an attachment that is only named, by a URL or a file's id, and that a provider "
        "refused (URLs expire; send attachments as data: URLs)"
    )
    NO_ANSWER = "for which Tier 3 wrote nothing, so that nothing can be compared with it"
    GOLD_UNREAD = (
        "with a gold answer that was not recognized in Tier 3's own answer (configure a judge, or "
        "correct the gold)"
    )
    GOLD_MISSED = (
        "whose gold answer Tier 3 itself misses, which says nothing about the others (configure a "
        "judge)"
    )
    TIER_3_UNKNOWN = (
        "with feedback on other tiers only, which says nothing about Tier 3 (add a short 'gold', "
        "scores or feedback on Tier 3, or configure a judge)"
    )
    NO_VERDICT = "without a readable verdict of the judge (use another judge)"


def no_outcomes(examples: Sequence[Example], left_out: Mapping[LeftOutReason, int]) -> str:
    """Return the message for a table without rows."""
    if not examples:
        return "There are no examples. Add some to the file."
    reasons = "; ".join(f"{count} {reason}" for reason, count in left_out.items() if count)
    names = sorted({name for example in examples for name in example.models})
    recorded = f"results of {', '.join(names)}" if names else "no results of any model"
    return f"No example has outcomes. The examples have {recorded}. Left out: {reasons}."
