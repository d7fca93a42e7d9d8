"""The three sentences that open the weekly report and each notification: what was spent and saved,
how good the answers are and how that is known, what happened to the prompt and what to do."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from route_switch.domain.learning.prompt_news import PromptNews
from route_switch.domain.operations.amounts import count, usd
from route_switch.domain.operations.costs import CostTotals
from route_switch.domain.operations.savings import ShadowSavings
from route_switch.domain.prompts.quality_drop import Scores
from route_switch.services.operations.show_savings import QualityLost

TIER_3 = "with Tier 3 for everything"


@dataclass(frozen=True, slots=True)
class WeekFigures:
    """What the days from `first` to `last` (UTC, inclusive) cost, and the quality of the prompt
    that is live now.

    `live` is its version, None without one. `measured` is None if no learning run has measured it.
    `people` are the scores of its answers.
    """

    first: date
    last: date
    costs: CostTotals
    shadow: ShadowSavings | None
    live: int | None
    measured: QualityLost | None
    people: Scores

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def ratings(self) -> int:
        """How many answers of these days were rated, of any version."""
        overview = self.costs.overview
        return overview.ratings.n if overview and overview.ratings else 0


@dataclass(frozen=True, slots=True)
class ThreeSentences:
    money: str
    quality: str
    prompt: str

    def __iter__(self) -> Iterator[str]:
        return iter((self.money, self.quality, self.prompt))


def three_sentences(week: WeekFigures, news: PromptNews) -> ThreeSentences:
    return ThreeSentences(_money(week), _quality(week), news.sentence)


def _money(week: WeekFigures) -> str:
    costs = week.costs
    when = "Today (UTC)" if week.days == 1 else f"In the last {week.days} days"
    if not costs.requests and not costs.with_learning_usd:
        return f"{when}, there were no requests, so nothing was spent or saved."
    return f"{when}, {_spent(costs)}{_saved(week)}."


def _spent(costs: CostTotals) -> str:
    requests = costs.requests or 0
    who = f"{count(requests)} request{'' if requests == 1 else 's'}"
    if costs.learning_usd:
        who = f"{who} and learning" if requests else "learning"
    spent = costs.spent_with_learning
    if spent.usd is None:
        return f"{who} cost an unknown sum, because {spent.hint}"
    if spent.hint is not None:
        return f"{who} cost at least {usd(spent.usd)} ({spent.hint})"
    return f"{who} cost {usd(spent.usd)}"


def _saved(week: WeekFigures) -> str:
    costs, shadow = week.costs, week.shadow
    answered = costs.answered or 0
    if not answered:
        return "; no request was answered, so nothing was saved"
    if shadow is not None and 2 * shadow.requests > answered:
        return _would_save(shadow)
    saved = costs.saved
    if saved.usd is None:
        return (
            "; what that saved is unknown, because "
            f"{saved.hint or 'no answer has an estimate of its cost on Tier 3'}"
        )
    low = saved.usd if costs.saved_usd_low is None else costs.saved_usd_low
    high = saved.usd if costs.saved_usd_high is None else costs.saved_usd_high
    if saved.hint is None and round(low, 9) == round(high, 9) == 0:
        return f", the same as {TIER_3}"
    mark = "an estimated " if saving_is_estimated(costs) else ""
    return f", {mark}{_compared(saved.usd)} than {TIER_3}{_bounds(low, high, saved.hint)}"


def _would_save(shadow: ShadowSavings) -> str:
    saved = shadow.saved_usd
    if saved is None:
        return "; what routing would have saved in shadow is not known yet"
    if saved.usd < 0:
        return (
            f"; in shadow, routing would have cost an estimated {usd(-saved.usd)} more"
            f"{_bounds(saved.low, saved.high)}"
        )
    return (
        f"; in shadow, routing would have saved an estimated {usd(saved.usd)}"
        f"{_bounds(saved.low, saved.high)}"
    )


def _compared(saved_usd: float) -> str:
    return f"{usd(-saved_usd)} more" if saved_usd < 0 else f"{usd(saved_usd)} less"


def _bounds(low: float, high: float, hint: str | None = None) -> str:
    """Return the bounds of a saving in parentheses, and what it leaves out; empty if it is certain
    and complete."""
    smaller, larger = sorted((abs(low), abs(high)))
    bounds = f"{usd(smaller)} to {usd(larger)}"
    if low < 0 < high:
        bounds = f"from {_compared(low)} to {_compared(high)}"
    said = [text for text in (None if usd(low) == usd(high) else bounds, hint) if text]
    return f" ({'; '.join(said)})" if said else ""


def saving_is_estimated(costs: CostTotals) -> bool:
    """Whether the saving of any answer is an estimate. An older release did not count this."""
    counted = sum(n for _, n in costs.saving_basis or ())
    estimated = any(basis.is_estimate for basis, _ in costs.saving_basis or ())
    return estimated or counted < (costs.answered or 0)


def _quality(week: WeekFigures) -> str:
    return f"{_measured(week)}{_rated(week)}."


def _measured(week: WeekFigures) -> str:
    found = week.measured
    if found is None:
        return "Quality is not measured yet: no learning run has measured the live prompt"
    return (
        f"Of the live prompt's answers, {1 - found.share:.1%} are no worse than Tier 3's "
        f"({1 - found.high:.1%} to {1 - found.low:.1%}), as run {found.run} measured on "
        f"{count(found.rows)} held-out queries"
    )


def _rated(week: WeekFigures) -> str:
    people, earlier = week.people, week.ratings
    if not people.n and earlier:
        return (
            ", and nobody has rated its answers yet; those of other versions have "
            f"{count(earlier)} rating{'' if earlier == 1 else 's'} in these days"
        )
    if not people.n:
        return ", and nobody has rated its answers"
    return (
        f", and people rated its answers {people.mean:.2f} of 1 on average (n = {count(people.n)})"
    )
