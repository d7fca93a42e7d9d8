"""MIPROv2 over the routing prompt: search from the incumbent for the best prompt on validation."""

import contextlib
import inspect
import io
import logging
import math
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import dspy
import optuna
from dspy.teleprompt import MIPROv2
from dspy.utils.callback import BaseCallback

from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.learning.promotion import select_best
from route_switch.domain.learning.text_policy import is_short_and_whole
from route_switch.domain.prompts.size_limit import fits
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.optimizer.language_models import RolloutCarrier
from route_switch.optimizer.metric import Metric
from route_switch.optimizer.program import RouteToTier, RoutingAdapter, prompt_of
from route_switch.optimizer.training import LabeledQuery


@dataclass(frozen=True, slots=True)
class SearchSize:
    """How far MIPROv2 searches.

    `candidates` is the number of instructions and of demo sets, including the incumbent's. Each
    trial evaluates one pair of them on all validation rows. A few demos are enough: people read
    the prompt, and the criteria are what generalizes.
    """

    candidates: int = 14
    trials: int = 40
    demos: int = 9
    view_data_batch_size: int = 20


@dataclass(frozen=True, slots=True)
class Trial:
    """A prompt and its mean reward on the routed validation rows."""

    prompt: RoutingPrompt
    reward: float


class MiproSearch:
    """A search in one process.

    `trials` holds every prompt evaluated so far, the incumbent first. It is valid at any
    interruption. `usd_weight` is the reward that a query loses per USD spent on the router.
    """

    def __init__(
        self,
        task_model: dspy.LM,
        prompt_model: dspy.LM,
        teacher: dspy.LM,
        carrier: RolloutCarrier,
        adapter: RoutingAdapter,
        tiers: tuple[Tier, ...],
        usd_weight: float,
        why_rejected: Callable[[str], str | None],
        threads: int,
        on_trial: Callable[[int, float], None],
    ) -> None:
        self._task_model = task_model
        self._prompt_model = prompt_model
        self._teacher = teacher
        self._carrier = carrier
        self._adapter = adapter
        self._tiers = tiers
        self._usd_weight = usd_weight
        self._why_rejected = why_rejected
        self._threads = threads
        self._on_trial = on_trial
        self.trials: list[Trial] = []
        self.rejected: Counter[str] = Counter()

    @property
    def best(self) -> Trial:
        """The best trial: the incumbent on a tie, else the prompt with the fewest demos."""
        first = select_best([trial.reward for trial in self.trials])
        tied = [trial for trial in self.trials if trial.reward == self.trials[first].reward]
        return tied[0] if first == 0 else min(tied, key=lambda trial: len(trial.prompt.demos))

    def __call__(
        self,
        incumbent: RoutingPrompt,
        trainset: list[LabeledQuery],
        valset: list[LabeledQuery],
        size: SearchSize,
        seed: int,
    ) -> None:
        """Search. Raise `RunStoppedError` if stopped; the results so far are in `trials`."""
        metric = Metric(trainset, valset, self._tiers, self._usd_weight)
        optimizer = _MIPROv2(
            incumbent,
            self._why_rejected,
            self.rejected,
            _examples(_demo_pool(trainset), self._tiers),
            metric=metric,
            prompt_model=self._prompt_model,
            task_model=self._task_model,
            teacher_settings={"lm": self._teacher},
            max_bootstrapped_demos=size.demos,
            max_labeled_demos=0,  # those would bypass the metric
            auto=None,
            num_candidates=size.candidates,
            num_threads=self._threads,
            max_errors=1,
            seed=seed,
            verbose=False,
        )
        recorder = _TrialRecorder(metric, incumbent, self._record)
        with (
            _silence_dspy(),
            dspy.context(adapter=self._adapter, callbacks=[recorder], disable_history=True),
            _replace_cache(self._carrier),
            _join_threads(),
        ):
            optimizer.compile(
                RouteToTier(incumbent),
                trainset=_examples(_shuffled(trainset, seed), self._tiers),
                valset=_examples(valset, self._tiers),
                num_trials=size.trials,
                minibatch=False,
                view_data_batch_size=size.view_data_batch_size,
            )
        if recorder.failure is not None:
            raise RouteSwitchError(
                f"A prompt could not be evaluated, which DSPy counts as a score of 0: "
                f"{recorder.failure}. This is a bug in the optimizer."
            ) from recorder.failure

    def _record(self, trial: Trial) -> None:
        self.trials.append(trial)
        self._on_trial(len(self.trials), self.best.reward)


class _MIPROv2(MIPROv2):  # type: ignore[misc]  # DSPy is untyped
    """MIPROv2 that starts from the incumbent and drops proposals that must not become a prompt.

    The incumbent's demos are the first demo set, as its instruction is the first instruction. Those
    that an earlier release cut are left out of new prompts. The other sets are drawn from `demos`,
    of which the first few are the most typical; one set is empty.
    """

    def __init__(
        self,
        incumbent: RoutingPrompt,
        why_rejected: Callable[[str], str | None],
        rejected: Counter[str],
        demos: list[dspy.Example],
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        self._incumbent = incumbent
        self._why_rejected = why_rejected
        self._rejected = rejected
        self._demos = demos

    def _bootstrap_fewshot_examples(
        self, program: RouteToTier, _: object, *args: Any, **kwargs: Any
    ) -> Any:
        if self._demos:
            sets = super()._bootstrap_fewshot_examples(program, self._demos, *args, **kwargs)
        else:  # DSPy cannot draw from nothing; it writes as many instructions as there are sets
            sets = {0: [[] for _ in range(self.num_candidates)]}
        sets[0] = [self._balanced(demos) for demos in sets[0]]
        own = [demo for demo in program.choose.demos if is_short_and_whole(demo.query)]
        if own:
            sets[0].insert(0, own)
        return sets

    def _balanced(self, demos: list[dspy.Example]) -> list[dspy.Example]:
        """Keep an equal share of the demos for each tier, so that none dominates the prompt."""
        most = math.ceil(self.max_bootstrapped_demos / len(Tier))
        kept: Counter[str] = Counter()
        balanced = []
        for demo in demos:
            kept[demo.tier] += 1
            if kept[demo.tier] <= most:
                balanced.append(demo)
        return balanced

    def _propose_instructions(self, *args: Any, **kwargs: Any) -> dict[int, list[str]]:
        incumbent, *proposals = super()._propose_instructions(*args, **kwargs)[0]
        kept = [incumbent]
        for proposal in map(inspect.cleandoc, proposals):  # as DSPy would do later
            reason = "duplicate" if proposal in kept else self._why_rejected(proposal)
            if reason is None:
                kept.append(proposal)
            else:
                self._rejected[reason] += 1
        return {0: kept}


class _TrialRecorder(BaseCallback):  # type: ignore[misc]  # DSPy is untyped
    """Records each evaluation as it ends. `failure` is the first that failed."""

    def __init__(
        self, metric: Metric, incumbent: RoutingPrompt, record: Callable[[Trial], None]
    ) -> None:
        self._metric = metric
        self._messages = incumbent.messages
        self._record = record
        self._programs: dict[str, RouteToTier] = {}
        self.failure: BaseException | None = None

    def on_evaluate_start(  # DSPy passes keyword arguments
        self,
        call_id: str,
        instance: object,  # noqa: ARG002
        inputs: dict[str, Any],
    ) -> None:
        self._programs[call_id] = inputs["program"]

    def on_evaluate_end(
        self, call_id: str, outputs: Any | None, exception: BaseException | None = None
    ) -> None:
        program = self._programs.pop(call_id)
        self.failure = self.failure or exception
        if exception is None and outputs is not None:
            prompt = prompt_of(program, self._messages)
            if fits(prompt):
                self._record(Trial(prompt, self._metric.mean_reward(outputs.score)))


def _demo_pool(queries: list[LabeledQuery]) -> list[LabeledQuery]:
    """Return the queries that may become demos, the most typical first."""
    ranked = [(query.demo_rank, query) for query in queries if query.demo_rank is not None]
    return [query for _, query in sorted(ranked, key=lambda pair: pair[0])]


def _shuffled(queries: list[LabeledQuery], seed: int) -> list[LabeledQuery]:
    """Mix the queries: DSPy shows the proposer only the first ten batches."""
    return random.Random(seed).sample(queries, len(queries))  # noqa: S311  # not for security


def _examples(queries: list[LabeledQuery], tiers: tuple[Tier, ...]) -> list[dspy.Example]:
    """Return examples with only query and tier: DSPy shows the proposer every field."""
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
    """Discard MIPROv2's output: it prints prompts, with users' texts, and progress bars.

    It also sets Optuna's log level itself, and an interrupted trial would log its traceback.
    """
    loggers = [logging.getLogger(name) for name in ("dspy", "optuna")]
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
