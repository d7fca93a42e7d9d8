"""How a command ends: by a signal, with an explained error, or with an unexpected one."""

import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socketpair
from types import FrameType
from typing import Self

from local.aws.errors import LocalStackError
from local.aws.logs import see

STOP = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
INTERRUPTED = "Interrupted. Everything that this command started has been stopped."
CRASHES = "stack.log"


class Signals:
    """Signals that stop the stack or deploy it again.

    While the stack starts, a signal interrupts the start (`KeyboardInterrupt`); the ones after it
    are ignored, because everything stops already. Afterwards, signals queue up.
    """

    def __init__(self) -> None:
        self._sender, self._receiver = socketpair()
        self._sender.setblocking(False)

    def __enter__(self) -> Self:
        # The interpreter itself sends each signal's number. A handler in Python would run only when
        # the main thread is next awake, and one that begins to wait right now may never be.
        signal.set_wakeup_fd(self._sender.fileno())
        signal.signal(signal.SIGUSR1, _leave_it_to_the_queue)
        for number in STOP:
            signal.signal(number, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        """Keep the handlers: the process ends, and later signals change nothing."""
        signal.set_wakeup_fd(-1)

    def wait_for_them(self) -> None:
        """Queue signals from now on."""
        for number in STOP:
            signal.signal(number, _leave_it_to_the_queue)

    def next(self) -> int:
        return self._receiver.recv(1)[0]

    def stop(self) -> None:
        self._sender.send(bytes([signal.SIGTERM]))

    def _interrupt(self, _: int, __: FrameType | None) -> None:
        self.wait_for_them()
        raise KeyboardInterrupt


def _leave_it_to_the_queue(_: int, __: FrameType | None) -> None:
    """Do nothing. Without a handler, the signal would end the process."""


@contextmanager
def ended_plainly(state: Path) -> Iterator[None]:
    """Exit with a sentence instead of a traceback, which goes to a log in the state folder."""
    try:
        yield
    except LocalStackError as error:
        sys.exit(f"{error}")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        log = state / "logs" / CRASHES
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as file:
            traceback.print_exception(error, file=file)
        sys.exit(f"The local stack failed: {type(error).__name__}: {error}. {see(log)}")
