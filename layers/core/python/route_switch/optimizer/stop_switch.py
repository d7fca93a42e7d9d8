"""A switch that stops an optimizer that would go on after errors and interruptions.

DSPy's GEPA counts an ordinary exception as a score of 0, and its threads work through their queue
after Ctrl-C. Once the switch is thrown, each guarded step raises the error that threw it.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import ParamSpec, Self, TypeVar

from route_switch.domain.errors import RouteSwitchError, describe_defect

P = ParamSpec("P")
Result = TypeVar("Result")


class _Defect(BaseException):
    """An ordinary exception, in a form that DSPy does not catch."""


class StopSwitch:
    def __init__(self) -> None:
        self._thrown: BaseException | None = None

    def __deepcopy__(self, _: object) -> Self:
        """Return the same switch: DSPy copies the program for each candidate."""
        return self

    @contextmanager
    def guard(self) -> Iterator[None]:
        if self._thrown is not None:
            raise self._thrown
        try:
            yield
        except Exception as error:
            self._thrown = _Defect(describe_defect(error))
            raise self._thrown from error

    def guarded(self, step: Callable[P, Result]) -> Callable[P, Result]:
        def call(*args: P.args, **kwargs: P.kwargs) -> Result:
            with self.guard():
                return step(*args, **kwargs)

        return call

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Throw the switch on Ctrl-C. Raise `RouteSwitchError` if a defect threw it."""
        try:
            with self._on_interrupt():
                yield
        except _Defect as defect:
            raise RouteSwitchError(
                f"A prompt could not be evaluated, which DSPy counts as a score of 0: {defect}. "
                "This is a bug in the optimizer."
            ) from defect.__cause__

    @contextmanager
    def _on_interrupt(self) -> Iterator[None]:
        """DSPy evaluates in a thread of its own here, so it does not notice Ctrl-C itself."""
        before = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is not threading.main_thread() or not callable(before):
            yield
            return

        def throw(number: int, frame: FrameType | None) -> None:
            self._thrown = KeyboardInterrupt()
            before(number, frame)

        signal.signal(signal.SIGINT, throw)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
