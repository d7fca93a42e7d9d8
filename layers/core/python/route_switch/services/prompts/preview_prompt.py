"""Preview an edited prompt on the last requests, within a budget and a deadline: the result covers
what was compared by then."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import date
from threading import Event

from route_switch.domain.errors import (
    BudgetReachedError,
    DeadlineReachedError,
    NotUnderstoodError,
    RunStoppedError,
)
from route_switch.domain.learning.example import Example
from route_switch.domain.router_config import RouterConfig
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.services.learning.collect_examples import CollectedExamples
from route_switch.services.learning.route_examples import RoutedExample, why_unclear
from route_switch.services.prompts.compare_routing import RoutingComparison, compare_routing

THREADS = 8

Compared = tuple[Example, RoutedExample, RoutedExample]


@dataclass(frozen=True, slots=True)
class PromptPreview:
    """`notes` say what was compared, and why not more."""

    comparison: RoutingComparison
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PreviewPrompt:
    """`collect` draws about a given number of requests from given days. `route` routes one of them;
    it raises `RunStoppedError` if the budget or the time is used up, or the router LLM keeps
    failing."""

    config: RouterConfig
    collect: Callable[[Sequence[date], int], CollectedExamples]
    route: Callable[[Example, RoutingPrompt], RoutedExample]
    setting: Callable[[str], str]
    """Names a setting as the caller knows it."""
    remaining_s: Callable[[], float] | None = None
    """None if the caller can wait."""

    def __call__(
        self, live: RoutingPrompt, edited: RoutingPrompt, days: Sequence[date], sample: int
    ) -> PromptPreview:
        collected = self.collect(days, sample)
        examples = collected.examples[:sample]
        done, stop = self._compare(examples, live, edited)
        requests, before, after = zip(*done, strict=True) if done else ((), (), ())
        comparison = compare_routing(
            requests, before, after, self.config.models, collected.probability
        )
        notes = (
            collected.note or _of_sample(len(examples), collected.requests, len(days)),
            self._why_fewer(len(done), len(examples), stop),
            _why_unclear(after, self.config.models.router),
        )
        return PromptPreview(comparison, tuple(note for note in notes if note))

    def _compare(
        self, examples: Sequence[Example], live: RoutingPrompt, edited: RoutingPrompt
    ) -> tuple[list[Compared], RunStoppedError | None]:
        """Return what was compared until something stopped it, and what did."""
        stopped = Event()
        stops: list[RunStoppedError] = []

        def compare(example: Example) -> Compared | None:
            if stopped.is_set():
                return None
            try:
                return example, self.route(example, live), self.route(example, edited)
            except RunStoppedError as stop:
                stops.append(stop)
                stopped.set()
                return None

        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="preview")
        try:
            running = [pool.submit(compare, example) for example in examples]
            timeout = None if self.remaining_s is None else max(self.remaining_s(), 0.0)
            ended = wait(running, timeout).done
        finally:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
        results = [future.result() for future in running if future in ended]
        return [each for each in results if each is not None], stops[0] if stops else None

    def _why_fewer(self, done: int, drawn: int, stop: RunStoppedError | None) -> str | None:
        if done == drawn:
            return None
        only = f"Only {done} of {drawn} distinct queries were compared"
        sample = self.setting("sample")
        match stop:
            case BudgetReachedError():
                raised = self.setting("budget_usd")
                return f"{only}: the budget was used up. Raise {raised}, or lower {sample}."
            case None | DeadlineReachedError():
                return f"{only}: the time was used up. Lower {sample}."
            case _:
                router = self.config.models.router
                return f"{only}: {router} failed. {stop.__cause__ or stop}"


def _of_sample(drawn: int, requests: int, days: int) -> str:
    of_days = "today (UTC)" if days == 1 else f"the last {days} days"
    queries = "1 distinct query was" if drawn == 1 else f"{drawn} distinct queries were"
    return f"{queries} drawn from {requests:,} requests of {of_days} that can be replayed."


def _why_unclear(routed: Sequence[RoutedExample], router: str) -> str | None:
    try:
        return why_unclear(routed, router)
    except NotUnderstoodError as error:
        return str(error)
