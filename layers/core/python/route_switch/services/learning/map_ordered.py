"""Run calls in threads and return their results in input order."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def map_ordered(
    work: Callable[[Task], Result], tasks: Sequence[Task], threads: int
) -> list[Result]:
    """Apply `work` to each task, `threads` at a time, with as many more queued.

    If any task raises, even a `BaseException`, start no more tasks, wait for those in progress, and
    raise the first exception.
    """
    results: dict[int, Result] = {}
    waiting = iter(enumerate(tasks))
    running: dict[Future[Result], int] = {}
    with ThreadPoolExecutor(threads) as pool:
        try:
            while len(results) < len(tasks):
                for number, task in islice(waiting, 2 * threads - len(running)):
                    running[pool.submit(work, task)] = number
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    results[running.pop(future)] = future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return [results[number] for number in range(len(tasks))]
