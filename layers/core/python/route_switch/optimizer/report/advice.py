"""The report's first sentence: the constant policies, and what to do.

A pure function of the figures, so that every situation can be tested. A constant policy may be
better than what is live after the run, regardless of the gate's verdict.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from route_switch.domain.learning.promotion import MIN_ROWS
from route_switch.domain.tiers import Tier
from route_switch.optimizer.policies import CANDIDATE
from route_switch.optimizer.report.figures import Gate, Interval, Promise, Report
from route_switch.optimizer.report.one_tier import only_tier, share_of_queries
from route_switch.optimizer.report.text_format import plus_minus


@dataclass(frozen=True, slots=True)
class Standing:
    """How the constant policies compare with the prompt or policy that is live after the run.

    `live` names it, and `is_learned` says whether it is the learned one. `gains` has each constant
    policy's objective minus its, paired by row, best first.
    """

    live: str
    is_learned: bool
    gains: tuple[tuple[Tier, Interval], ...]

    @property
    def best(self) -> Tier | None:
        """The best constant policy, if it is clearly better than the prompt."""
        better = [tier for tier, gain in self.gains if gain.low > 0]
        return better[0] if better else None

    @property
    def beats_all(self) -> bool:
        return all(gain.high < 0 for _, gain in self.gains)


def standing(report: Report) -> Standing | None:
    """Return None if the run ended before the held-out rows were measured."""
    if report.gate is None or not report.policies:
        return None
    better = report.gate.verdict == "better" and not report.lacks_promise
    learned = better and not is_kept(report)
    against = report.against if learned else report.incumbent_against
    live = report.learned if learned else report.current
    return Standing(live, learned, _constant_gains(against))


def looked(gate: Gate) -> bool:
    """Whether there were enough fresh rows for a look; if not, they wait for a later one."""
    return gate.gain.n >= MIN_ROWS


def is_kept(report: Report) -> bool:
    """Whether the run proposes what is live already."""
    return report.candidate_prompt == report.incumbent_prompt


def first_sentence(report: Report) -> str | None:
    """Compare every constant policy with what is live after the run, and say what to do
    if one of them is better."""
    found = standing(report)
    if found is None or not found.gains:
        return None
    if found.best is not None:
        return _pin(found, found.best)
    constant = learned_constant(report, found)
    if constant is not None:
        return _of_constant(report, found, constant)
    if found.beats_all:
        gains = listed([f"always {_name(t)} by {plus_minus(_negative(g))}" for t, g in found.gains])
        return f"{_upper(found.live)} is better than every constant policy: {gains}."
    clauses = listed([f"always {_name(tier)} {_clause(gain)}" for tier, gain in found.gains])
    return f"No constant policy is clearly better than {found.live}: {clauses}."


def learned_constant(report: Report, found: Standing) -> Tier | None:
    """Return the tier that the learned policy sends nearly every query to, or None. A policy that
    clearly gains by the few other queries does route."""
    learned = next((p for p in report.policies if p.policy == CANDIDATE), None)
    if not found.is_learned or learned is None:
        return None
    tier = only_tier(learned)
    gain = None if tier is None else dict(found.gains).get(tier)
    return None if gain is None or gain.high < 0 else tier


def _of_constant(report: Report, found: Standing, constant: Tier) -> str:
    [learned] = [policy for policy in report.policies if policy.policy == CANDIDATE]
    is_all = learned.mix[constant] == 1
    bypassed = "" if is_all or not _is_constant(report) else " and bypasses the rest"
    others = [
        f"always {_name(t)} {_clause(g)}" for t, g in found.gains if t is not constant or not is_all
    ]
    against = f": {listed(others)}" if others else ""
    to = f"{share_of_queries(learned, constant)} to {_name(constant)}"
    return f"The learned policy sends {to}{bypassed}{against}."


def _is_constant(report: Report) -> bool:
    """Whether the local model knows a single tier, and decides alone."""
    strategies = report.strategies
    if strategies is None or strategies.local is None or strategies.local.constant is None:
        return False
    return strategies.chosen == "local" or strategies.never_asks


def next_step(report: Report) -> str | None:
    """Say what to do about the verdict, unless a constant policy is better than either."""
    found, gate = standing(report), report.gate
    if found is None or gate is None or found.best is not None:
        return None
    if found.is_learned and gate.needs_approval is not None:
        what = "the prompt" if report.noun == "prompt" else "candidate.md"
        return (
            f"To approve it, read {what} and run `route-switch prompt promote candidate.json "
            "--force`, or `route-switch approve RUN` for a weekly run."
        )
    if found.is_learned:
        return (
            "To make it live, run `route-switch prompt promote candidate.json`; a weekly run does "
            "so itself."
        )
    if report.why_steered is not None:
        return "Another run, with more examples, may find one that is as hard to steer."
    if report.lacks_promise or (report.promise and report.promise.waits_for is not None):
        more = "" if _loses_too_much(report.promise) else "run again with more examples, or "
        return f"To let {report.learned} go live, {more}raise the limit (`--max-quality-loss`)."
    if not is_kept(report) and not looked(gate):
        missing = MIN_ROWS - gate.gain.n
        return f"To get a verdict, run again with more examples: at least {missing} more held out."
    if not is_kept(report) and gate.verdict == "not enough evidence":
        return "To get a verdict, run again with more examples, other than these."
    return "Nothing has to be done."


def _loses_too_much(promise: Promise | None) -> bool:
    """Whether the candidate's loss is above the limit, so that more rows would not help."""
    limit = promise.max_quality_loss if promise else 0.0
    policies = promise.policies if promise else ()
    return any(each.loss >= limit for each in policies if each.policy == CANDIDATE)


def _pin(found: Standing, best: Tier) -> str:
    gain = dict(found.gains)[best]
    others = [f"always {_name(t)} {_clause(g)}" for t, g in found.gains if t is not best]
    also = f" ({listed(others)})" if others else ""
    return (
        f"Always {_name(best)} would be better than {found.live} by {plus_minus(gain)}{also}: "
        f"run `route-switch switch pin-tier {int(best)}`."
    )


def _clause(gain: Interval) -> str:
    if gain.low > 0:
        return f"would be better by {plus_minus(gain)}"
    if gain.high < 0:
        return f"would be worse by {plus_minus(_negative(gain))}"
    return f"is not clearly different ({plus_minus(gain, signed=True)})"


def _constant_gains(against: Mapping[str, Interval]) -> tuple[tuple[Tier, Interval], ...]:
    """Turn prompt − constant into constant − prompt, best first."""
    gains = [(tier, _negative(against[tier.alias])) for tier in Tier if tier.alias in against]
    return tuple(sorted(gains, key=lambda item: -item[1].mean))


def _negative(interval: Interval) -> Interval:
    return interval.model_copy(
        update={"mean": -interval.mean, "low": -interval.high, "high": -interval.low}
    )


def _name(tier: Tier) -> str:
    return f"Tier {int(tier)}"


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]


def listed(items: list[str]) -> str:
    """Join with commas, and "and" before the last."""
    if len(items) < 3:
        return " and ".join(items)
    return f"{', '.join(items[:-1])}, and {items[-1]}"
