"""What somebody says about an answer: the signal that learning prefers to any judge."""

from http import HTTPStatus

from route_switch.domain.errors import RequestRefusedError, no_such_result
from route_switch.domain.learning.learning_ports import FeedbackStore
from route_switch.domain.learning.past_request import FeedbackFate, GivenFeedback


class GiveFeedback:
    """Only for the key's own requests, whatever its role: nobody speaks for another key."""

    def __init__(self, store: FeedbackStore) -> None:
        self._store = store

    def __call__(self, request_id: str, key_id: str, feedback: GivenFeedback) -> bool | None:
        """Whether its texts were kept; None where it has none. Raises `RequestRefusedError`."""
        fate = self._store.save_feedback(request_id, key_id, feedback)
        if fate is FeedbackFate.NO_SUCH_RESULT:
            raise no_such_result(request_id)
        if fate is FeedbackFate.NO_ANSWER:
            raise RequestRefusedError(
                f"'{request_id}' was not answered, so there is nothing to rate: it failed or was "
                "a dry run. Rate a request that has an answer.",
                status=HTTPStatus.CONFLICT,
                code="nothing_to_rate",
                param="request_id",
            )
        return fate is FeedbackFate.KEPT if feedback.has_text else None
