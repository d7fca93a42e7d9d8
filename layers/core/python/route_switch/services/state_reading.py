"""Read a session's state in another thread, in parallel with the router call."""

import logging
from collections.abc import Callable
from concurrent.futures import Future

from route_switch.domain.sessions import SessionState

logger = logging.getLogger(__name__)

Submit = Callable[[], "Future[SessionState | None]"]


class StateReading:
    """A store never fails a request: an error that it raises counts as no state.

    The state of a tool loop may still be on its way, because an agent that answers a call at once
    is sometimes faster than the write. Then `again` looks once more; None if that would be useless.
    """

    def __init__(self, first: Submit, again: Submit | None = None) -> None:
        self._first = first
        self._again = again
        self._future: Future[SessionState | None] | None = None
        self._is_second = False
        self._has_failed = False

    def start(self) -> None:
        if self._future is None:
            self._future = self._first()

    def get(self, timeout_s: float) -> SessionState | None:
        """Return the state if it arrives in time."""
        self.start()
        return self.get_if_started(timeout_s)

    def get_if_started(self, timeout_s: float) -> SessionState | None:
        if self._future is None:
            return None
        try:
            return self._future.result(timeout_s)
        except Exception as error:  # noqa: BLE001, RUF100 (whatever a store raises)
            if not self._has_failed:
                logger.warning("A session was not read: %s", type(error).__name__)
            self._has_failed = True
            return None

    def look_again(self) -> bool:
        """Start the second look if the first one found nothing. Return whether there is one."""
        if self._again is not None and self._is_missing():
            self._future, self._again, self._is_second = self._again(), None, True
        return self._is_second

    def get_at_last(self, timeout_s: float, again_s: float) -> SessionState | None:
        """Return the state after `timeout_s`, or after a second look, which may take `again_s`."""
        state = self.get(timeout_s)
        return self.get(again_s) if state is None and self.look_again() else state

    def _is_missing(self) -> bool:
        future = self._future
        return (
            future is not None
            and future.done()
            and future.exception() is None
            and future.result() is None
        )
