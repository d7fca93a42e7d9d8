"""Feedback on an answer. Learning trusts it more than any judge."""

import time
from collections.abc import Callable
from http import HTTPStatus

from route_switch.domain.errors import RequestRefusedError, no_such_result
from route_switch.domain.learning.learning_ports import FeedbackStore
from route_switch.domain.learning.past_request import FeedbackStatus, GivenFeedback
from route_switch.services.operations.recent_records import found_soon


class GiveFeedback:
    """A key can rate only its own requests, even if it is an admin key."""

    def __init__(self, store: FeedbackStore, sleep: Callable[[float], None] = time.sleep) -> None:
        self._store = store
        self._sleep = sleep

    def __call__(self, request_id: str, key_id: str, feedback: GivenFeedback) -> bool | None:
        """Return whether the feedback's texts were stored, or None when it has none. Raise
        `RequestRefusedError`."""

        def save() -> FeedbackStatus | None:
            fate = self._store.save_feedback(request_id, key_id, feedback)
            return None if fate is FeedbackStatus.NO_SUCH_RESULT else fate

        fate = found_soon(request_id, save, self._sleep)
        if fate is None:
            raise no_such_result(request_id)
        if fate is FeedbackStatus.NO_ANSWER:
            raise RequestRefusedError(
                f"'{request_id}' has no answer to rate: it failed or was a dry run. Rate a request "
                "that was answered.",
                status=HTTPStatus.CONFLICT,
                code="nothing_to_rate",
                param="request_id",
            )
        return fate is FeedbackStatus.KEPT if feedback.has_text else None
