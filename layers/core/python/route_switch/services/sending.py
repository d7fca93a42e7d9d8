"""Whether a call has been sent. One that has not costs nothing, and one that was may."""

from threading import Lock

from route_switch.domain.errors import ModelNotCalledError


class Sending:
    """Shared by the thread that sends a call and the one that waits for it: what the latter gives
    up before it was sent is never sent. A client may have to wait first, such as for the provider's
    key."""

    def __init__(self, name: str) -> None:
        """`name` is the model's (`provider/model`)."""
        self._name = name
        self._lock = Lock()
        self._has_begun = False
        self._is_given_up = False

    def begin(self) -> None:
        """Raise `ModelNotCalledError` if the call was given up."""
        with self._lock:
            if self._is_given_up:
                raise self.not_sent()
            self._has_begun = True

    def give_up(self) -> bool:
        """Return whether the call was not sent. Then it will not be."""
        with self._lock:
            self._is_given_up = not self._has_begun
            return self._is_given_up

    def not_sent(self) -> ModelNotCalledError:
        return ModelNotCalledError(
            f"{self._name} was not called: its key could not be read in time"
        )
