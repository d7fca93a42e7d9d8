"""A run's progress on a terminal: step, trial, best objective, spent, remaining."""

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

TRIALS_A_LINE = 10
SECONDS_A_LINE = 10.0


def outage_teller(
    console: Console, clock: Callable[[], float] = time.monotonic
) -> Callable[[str], None]:
    """Tells of an outage, and again every ten seconds while it lasts: each call that fails has
    something to say."""
    told_at = float("-inf")

    def tell(text: str) -> None:
        nonlocal told_at
        if clock() - told_at >= SECONDS_A_LINE:
            told_at = clock()
            console.print(text, soft_wrap=True, markup=False)

    return tell


class RunProgress:
    """Redraws in place on a terminal, and prints one line a step elsewhere."""

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
            # Redirecting the streams is the search's business: it silences what DSPy prints.
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
        if not self._console.is_terminal and number % TRIALS_A_LINE == 0:
            self._console.print(f"trial {number}: {self._money()}", soft_wrap=True)

    def _money(self) -> str:
        spent = self._spent_usd()
        money = f"spent ${spent:.4f}, remaining ${max(self._cap_usd - spent, 0):.4f}"
        return money if self._best is None else f"best objective {self._best:.4f}, {money}"
