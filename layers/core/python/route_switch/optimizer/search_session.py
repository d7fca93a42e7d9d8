"""What the searches of DSPy share: their parts, and the surroundings in which DSPy runs."""

import contextlib
import io
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import dspy
import optuna
from dspy.utils.callback import BaseCallback

from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.optimizer.language_models import RolloutCarrier
from route_switch.optimizer.program import RoutingAdapter
from route_switch.optimizer.training import LabeledQuery


@dataclass(frozen=True, slots=True)
class SearchParts:
    """The parts of a search.

    `task_model` is the router LLM, `prompt_model` the proposer. `teacher` knows the best tier of
    each training query. `usd_weight` is the reward that a query loses per USD spent on the router.
    `why_steered` says why a prompt must not be evaluated, or None.
    """

    task_model: dspy.LM
    prompt_model: dspy.LM
    teacher: dspy.LM
    carrier: RolloutCarrier
    adapter: RoutingAdapter
    tiers: tuple[Tier, ...]
    usd_weight: float
    why_rejected: Callable[[str], str | None]
    threads: int
    on_trial: Callable[[int, float], None]
    why_steered: Callable[[RoutingPrompt], str | None] = lambda _: None


@contextlib.contextmanager
def search_session(parts: SearchParts, callbacks: list[BaseCallback]) -> Iterator[None]:
    """Run DSPy silently, without its cache, its history and threads that outlive the search."""
    with (
        _silence_dspy(),
        dspy.context(adapter=parts.adapter, callbacks=callbacks, disable_history=True),
        _replace_cache(parts.carrier),
        _join_threads(),
    ):
        yield


def as_examples(queries: list[LabeledQuery], tiers: tuple[Tier, ...]) -> list[dspy.Example]:
    """Return examples with only query and tier: MIPROv2 shows the proposer every field."""
    return [
        dspy.Example(query=query.text, tier=str(tiers[query.best].value)).with_inputs("query")
        for query in queries
    ]


@contextlib.contextmanager
def _replace_cache(carrier: RolloutCarrier) -> Iterator[None]:
    """Replace DSPy's cache, which would create a folder when first accessed."""
    before = vars(dspy).get("cache")
    dspy.cache = carrier
    try:
        yield
    finally:
        if before is None:
            del dspy.cache
        else:
            dspy.cache = before


@contextlib.contextmanager
def _join_threads() -> Iterator[None]:
    """Wait for DSPy's threads, which it leaves running when one of them stops the run.

    Their calls end at once or are already paid for. But a thread that outlives its search would
    create DSPy's own cache in place of the next search's carrier.
    """
    before = {*threading.enumerate()}
    try:
        yield
    finally:
        for thread in {*threading.enumerate()} - before:
            if thread.name.startswith("ThreadPoolExecutor"):
                thread.join()


@contextlib.contextmanager
def _silence_dspy() -> Iterator[None]:
    """Discard the optimizers' output: they print prompts, with users' texts, and progress bars.

    MIPROv2 also sets Optuna's log level itself, and an interrupted trial would log its traceback.
    """
    loggers = [logging.getLogger(name) for name in ("dspy", "gepa", "optuna")]
    levels = [logger.level for logger in loggers]
    optuna.logging.disable_default_handler()
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        nowhere = io.StringIO()
        with contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
            yield
    finally:
        optuna.logging.enable_default_handler()
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
