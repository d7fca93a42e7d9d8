"""Show a learning run's progress on a terminal: step, trial, best objective and money."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

TRIALS_PER_LINE = 10
SECONDS_PER_LINE = 10.0


def outage_reporter(
    console: Console, clock: Callable[[], float] = time.monotonic
) -> Callable[[str], None]:
    """Return a function that prints an outage at most once every ten seconds.

    During an outage every failing call reports it.
    """
    reported_at = float("-inf")

    def report(text: str) -> None:
        nonlocal reported_at
        if clock() - reported_at >= SECONDS_PER_LINE:
            reported_at = clock()
            console.print(text, soft_wrap=True, markup=False)

    return report


class RunProgress:
    """Redraw in place on a terminal; print one line per step elsewhere."""

    def __init__(self, console: Console, spent_usd: Callable[[], float], cap_usd: float) -> None:
        self._console = console
        self._spent_usd = spent_usd
        self._cap_usd = cap_usd
        self._best: float | None = None
        self._task: TaskID | None = None
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[money]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            # The search redirects the streams itself, to silence DSPy.
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not console.is_terminal,
        )

    @contextmanager
    def shown(self) -> Iterator["RunProgress"]:
        with self._bar:
            yield self

    def step(self, name: str, parts: int | None = None) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
        if not self._console.is_terminal:
            self._console.print(f"{name} … {self._money()}", soft_wrap=True)
        self._task = self._bar.add_task(name, total=parts, money=self._money())

    def trial(self, number: int, best: float) -> None:
        self._best = best
        if self._task is not None:
            self._bar.update(self._task, advance=1, money=self._money())
        if not self._console.is_terminal and number % TRIALS_PER_LINE == 0:
            self._console.print(f"trial {number}: {self._money()}", soft_wrap=True)

    def _money(self) -> str:
        spent = self._spent_usd()
        money = f"spent ${spent:.4f}, remaining ${max(self._cap_usd - spent, 0):.4f}"
        return money if self._best is None else f"best objective {self._best:.4f}, {money}"
