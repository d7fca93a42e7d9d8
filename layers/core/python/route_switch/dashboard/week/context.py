"""What the weekly report says in words, as a page, on a terminal and as JSON."""

from dataclasses import dataclass
from datetime import date

from route_switch.domain.prompts.steering_figures import in_words
from route_switch.services.operations.advise_week import prompt_news
from route_switch.services.operations.show_week import WeekReport
from route_switch.services.operations.three_sentences import ThreeSentences, three_sentences

NOT_STEERED = (
    "How far texts around a query move its tier is not measured; 'route-switch steering' does so."
)


@dataclass(frozen=True, slots=True)
class AboutReport:
    """What a report says about itself. `stage` is None for the local stack, `console_url` if it is
    not known. `simulated` says what is not real, None if all of it is."""

    stage: str | None
    console_url: str | None = None
    simulated: str | None = None

    @property
    def name(self) -> str:
        return self.stage or "local"


def opening(report: WeekReport, context: AboutReport) -> ThreeSentences:
    return three_sentences(report.figures, prompt_news(report, context.stage))


def about_prompt(report: WeekReport) -> tuple[str, ...]:
    """Return what is known of the live prompt, as sentences."""
    promise = () if report.promise is None else (f"The promise: {report.promise}.",)
    if report.steering is None:
        return (*promise, NOT_STEERED)
    return (*promise, *in_words(report.steering))


def days_in_words(first: date, last: date) -> str:
    if first == last:
        return f"{last:%B} {last.day}, {last.year}"
    begin = f"{first:%B} {first.day}" + ("" if first.year == last.year else f", {first.year}")
    end = (
        f"{last.day}"
        if (first.month, first.year) == (last.month, last.year)
        else f"{last:%B} {last.day}"
    )
    return f"{begin} to {end}, {last.year}"
