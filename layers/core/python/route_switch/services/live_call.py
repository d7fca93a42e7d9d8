"""A streamed call to a model: one thread reads the provider, another passes the answer on."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from route_switch.domain.completion import CompletionBuilder
from route_switch.domain.errors import ModelError
from route_switch.domain.ports import Chunk

_END = object()


class LiveCall:
    """Runs a call in a pool's thread. `next` and `cancel` belong to one other thread."""

    def __init__(
        self, call: Callable[[Callable[[], bool]], Iterator[Chunk]], pool: Executor
    ) -> None:
        """`call` gets a function that tells whether the call was cancelled."""
        self._call = call
        self._chunks: SimpleQueue[Chunk | ModelError | object] = SimpleQueue()
        self._cancelled = threading.Event()
        self._future = pool.submit(self._run)

    def _run(self) -> None:
        chunks = self._call(self._cancelled.is_set)
        try:
            for chunk in chunks:
                if self._cancelled.is_set():
                    return
                self._chunks.put(chunk)
        except ModelError as error:
            self._chunks.put(error)
        else:
            self._chunks.put(_END)
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()

    def next(self, timeout_s: float) -> Chunk | None:
        """Return the next chunk, or None at the end. Raise `ModelError` if the call failed, and
        `TimeoutError` if nothing arrives in time."""
        try:
            item = self._chunks.get(timeout=max(timeout_s, 0.0))
        except Empty:
            raise TimeoutError from None
        if isinstance(item, ModelError):
            raise item
        return item if isinstance(item, Chunk) else None

    @property
    def has_begun(self) -> bool:
        """Whether a thread was free for it."""
        return self._future.running() or self._future.done()

    def cancel(self) -> bool:
        """End the call. Return whether it had begun."""
        self._cancelled.set()
        return not self._future.cancel()


@dataclass(frozen=True, slots=True)
class Beginning:
    """The chunks that have arrived, up to the first token if `has_begun`."""

    held: list[Chunk]
    has_begun: bool
    ended: bool = False


def await_beginning(
    call: LiveCall, builder: CompletionBuilder, left_s: Callable[[], float]
) -> Beginning:
    """Wait for the first token while `left_s` is positive. Raise `ModelError` if the call fails."""
    held: list[Chunk] = []
    try:
        while (chunk := call.next(left_s())) is not None:
            held.append(builder.add(chunk))
            if says_something(chunk):
                return Beginning(held, has_begun=True)
    except TimeoutError:
        return Beginning(held, has_begun=False)
    builder.build()  # raises if there is no answer
    return Beginning(held, has_begun=True, ended=True)


def says_something(chunk: Chunk) -> bool:
    """Whether the chunk has more than the role with which answers begin."""
    return bool(chunk.finish_reason or any(v for k, v in chunk.delta.items() if k != "role"))
