"""Work in another thread that sends text while it runs."""

from collections.abc import Callable, Generator
from queue import SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

Head = TypeVar("Head")
Result = TypeVar("Result")


class Relay(Generic[Head, Result]):
    """Runs `work`, which may call `begin` once and `send` after that.

    The reader first calls `start`. If it stops reading, the work still goes on to its end.
    """

    def __init__(self) -> None:
        self._begun: SimpleQueue[Head | None] = SimpleQueue()
        self._texts: SimpleQueue[str | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._result: list[Result] = []
        self._error: BaseException | None = None

    def start(self, work: Callable[[], Result]) -> Head | None:
        """Start the work, and wait until it begins to send or ends. Return None if it has ended."""

        def run() -> None:
            try:
                self._result.append(work())
            except BaseException as error:  # noqa: BLE001, RUF100 (the reader raises it)
                self._error = error
            finally:
                self._begun.put(None)
                self._texts.put(None)

        self._thread = Thread(target=run, daemon=True)
        self._thread.start()
        return self._begun.get()

    def begin(self, head: Head) -> None:
        self._begun.put(head)

    def send(self, text: str) -> None:
        self._texts.put(text)

    def texts(self) -> Generator[str]:
        """Yield what is sent, until the work ends."""
        while (text := self._texts.get()) is not None:
            yield text

    def result(self) -> Result:
        """Wait for the end of the work. Return its result, or raise its error."""
        self.join()
        if self._error is not None:
            raise self._error
        return self._result[0]

    def join(self) -> None:
        if self._thread is not None:
            self._thread.join()
