"""What follows an answer: the lines of its metrics, then its record."""

from aws_lambda_powertools.metrics import Metrics

from route_switch.api.request_metrics import emit, emit_lost_record
from route_switch.services.answer import Answer
from route_switch.services.inbound_request import RoutedRequest


class Ending:
    """Call `log` before the end of the response, so that the log has the request even if the
    function is killed before `save`."""

    def __init__(self, answer: Answer, metrics: Metrics) -> None:
        self._answer = answer
        self._metrics = metrics
        self.is_logged = False

    def log(self) -> RoutedRequest:
        """Write the metrics' lines, once; return the outcome."""
        routed = self._answer.routed
        if not self.is_logged:
            self.is_logged = True
            self._answer.before_end()
            emit(self._metrics, routed)
        return routed

    def save(self) -> bool:
        """Save the record; return whether that worked. Nothing of the answer is sent after it."""
        self._answer.close()
        self.log()
        recorded = self._answer.save()
        if not recorded:
            emit_lost_record(self._metrics)
        return recorded
