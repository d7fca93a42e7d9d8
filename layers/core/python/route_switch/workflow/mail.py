"""Notifications as plain text, for mail clients: the week in three sentences, details, a link."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.learning.prompt_news import PromptNews
from route_switch.services.operations.three_sentences import WeekFigures, three_sentences

logger = logging.getLogger(__name__)

SUBJECT_CHARACTERS = 100
"""SNS's limit for a subject, which must be printable ASCII."""
UNKNOWN_FIGURES = (
    "This week's costs and quality could not be read; run 'route-switch report' to see them."
)


def subject_line(stage: str, what: str) -> str:
    text = " ".join(f"route-switch {stage}: {what}".split())
    plain = (each if each.isascii() and each.isprintable() else "?" for each in text)
    return "".join(plain)[:SUBJECT_CHARACTERS]


@dataclass(frozen=True, slots=True)
class Mail:
    """`read` returns the figures of the last days. `console_url` is None if it is not known."""

    read: Callable[[], WeekFigures]
    console_url: str | None = None

    def __call__(self, news: Callable[[int | None], PromptNews], details: str) -> str:
        """Return the text. `news` says what happened, given the live version.

        Figures that cannot be read must not prevent a notification.
        """
        paragraphs = [*self._opening(news), details]
        if self.console_url is not None:
            paragraphs.append(f"See it in the console: {self.console_url}")
        return "\n\n".join(paragraphs)

    def _opening(self, news: Callable[[int | None], PromptNews]) -> list[str]:
        try:
            week = self.read()
        except (RouteSwitchError, BotoCoreError, ClientError) as error:
            # Its name alone: the error of a store may quote what is stored.
            logger.warning("The week's figures could not be read: %s", type(error).__name__)
            return [UNKNOWN_FIGURES, news(None).sentence]
        return [*three_sentences(week, news(week.live))]
