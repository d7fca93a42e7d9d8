"""What happened to the routing prompt, and what its owner can do, in one sentence."""

from dataclasses import dataclass
from typing import Final, Literal

from route_switch.domain.learning.learning_run import RunOutcome

ShadowAfter = Literal["stays", "unproven", "ended"]
"""The state of shadow: a person has to end it (`stays`), the gate did (`ended`), or it might, but
the candidate does not clearly beat the tier that answers (`unproven`)."""


@dataclass(frozen=True, slots=True)
class PromptNews:
    """Two parts of a sentence, without its period. `to_do` is None if the owner has no choice to
    make."""

    happened: str
    to_do: str | None = None

    @property
    def sentence(self) -> str:
        return f"{self.happened}." if self.to_do is None else f"{self.happened}; {self.to_do}."


_REASON: Final = "'route-switch runs --json' has the reason"
_ENDS: Final = {
    RunOutcome.NOT_BETTER: (
        "Learning found no better prompt, so {stays}",
        "there is nothing to do",
    ),
    RunOutcome.NOT_ENOUGH_EVIDENCE: (
        "Learning found a prompt that may be better, but without enough evidence, so {stays}",
        "more traffic and more ratings lead to a verdict",
    ),
    RunOutcome.NOT_PROMISED: (
        "Learning found a better prompt, but the evidence does not support the promise that "
        "learning.max_quality_loss requires, so {stays}",
        "more traffic can support it",
    ),
    RunOutcome.TOO_FEW_EXAMPLES: (
        "Learning had too few examples, so {stays}",
        "more traffic or a file seed/examples.jsonl.gz in the learning bucket lets the next run "
        "learn",
    ),
    RunOutcome.NOT_APPROVED: (
        "The candidate was not approved, so {stays}",
        "the next run looks for another one",
    ),
    RunOutcome.PROMPT_CHANGED: (
        "Learning found a better prompt but did not promote it, so {stays}",
        _REASON,
    ),
    RunOutcome.LEARNING_OFF: (
        "Learning was turned off during the run, so {stays}",
        "'route-switch switch learning on' turns it on again",
    ),
    RunOutcome.CAP_REACHED: (
        "Learning used up its budget before it had measured a candidate, so {stays}",
        "raise learning.monthly_usd, or wait for next month's budget",
    ),
    RunOutcome.FAILED: ("The learning run failed, and {is_live}", _REASON),
}
_PROMOTED: Final[dict[ShadowAfter | None, tuple[str, str]]] = {
    None: (
        "Learning found a better prompt, and it is live as version {version}",
        "'route-switch prompt diff' shows what changed, and 'route-switch prompt rollback' undoes "
        "it",
    ),
    "ended": (
        "Learning found a better prompt, which is live as version {version}, and routing is on",
        "'route-switch switch routing shadow' goes back to shadow",
    ),
    "unproven": (
        "Learning found a better prompt, now version {version}, which does not clearly beat the "
        "tier that answers in shadow",
        "'route-switch savings' shows what routing would save and lose",
    ),
    "stays": (
        "Learning found a better prompt, now version {version}, but routing is in shadow and one "
        "tier still answers",
        "if 'route-switch savings' convinces you, run 'route-switch switch routing on'",
    ),
}


def after_run(
    outcome: RunOutcome, live: int | None, shadow: ShadowAfter | None = None
) -> PromptNews:
    """`live` is the version of the live prompt after the run, None if it is not known."""
    happened, to_do = _PROMOTED[shadow] if outcome is RunOutcome.PROMOTED else _ENDS[outcome]
    version = "live" if live is None else str(live)
    words = {"version": version, "stays": _stays(live), "is_live": _is_live(live)}
    return PromptNews(happened.format(**words), to_do)


def waits_for_approval(run: str, stage: str | None) -> PromptNews:
    where = "" if stage is None else f" --stage {stage}"
    return PromptNews(
        "Learning found a better prompt, which waits for your approval",
        f"read the run's report, and then run 'route-switch approve {run}{where}' or "
        f"'route-switch reject {run}{where}'",
    )


def rolled_back(before: int, to: int, live: int) -> PromptNews:
    return PromptNews(
        f"People rated the answers of prompt version {before} lower, so version {live} is live, "
        f"with the content of version {to}",
        "there is nothing to do unless you disagree",
    )


def may_be_worse(live: int, before: int) -> PromptNews:
    return PromptNews(
        f"Prompt version {live} may be worse than version {before}, but only one client's ratings "
        "say so",
        "compare the versions, and roll back if you agree",
    )


def cannot_roll_back(live: int, before: int) -> PromptNews:
    return PromptNews(
        f"Prompt version {live} is worse than version {before} and could not be rolled back",
        "roll back to another version by hand",
    )


def changed(live: int, origin: str) -> PromptNews:
    """A person or a rollback wrote the live version; `origin` says which."""
    return PromptNews(
        f"Prompt version {live} went live ({origin})",
        "'route-switch prompt diff' shows what changed",
    )


def nothing_happened(live: int | None, *, may_learn: bool) -> PromptNews:
    starts = "'route-switch learn' starts one now"
    turns_on = "'route-switch switch learning on' turns learning on again"
    return PromptNews(
        f"No learning run ended in this time, and {_live(live)} did not change",
        starts if may_learn else turns_on,
    )


def _live(version: int | None) -> str:
    return "the live prompt" if version is None else f"prompt version {version}"


def _stays(version: int | None) -> str:
    return f"{_live(version)} stays{'' if version is None else ' live'}"


def _is_live(version: int | None) -> str:
    return (
        "the live prompt is unchanged" if version is None else f"prompt version {version} is live"
    )
