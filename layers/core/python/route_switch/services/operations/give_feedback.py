"""Feedback on an answer. Learning trusts it more than any judge."""

from http import HTTPStatus

from route_switch.domain.errors import RequestRefusedError, no_such_result
from route_switch.domain.learning.learning_ports import FeedbackStore
from route_switch.domain.learning.past_request import FeedbackStatus, GivenFeedback


class GiveFeedback:
    """A key can rate only its own requests, whatever its role."""

    def __init__(self, store: FeedbackStore) -> None:
        self._store = store

    def __call__(self, request_id: str, key_id: str, feedback: GivenFeedback) -> bool | None:
        """Return whether the feedback's texts were stored, or None when it has none. Raise
        `RequestRefusedError`."""
        fate = self._store.save_feedback(request_id, key_id, feedback)
        if fate is FeedbackStatus.NO_SUCH_RESULT:
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
