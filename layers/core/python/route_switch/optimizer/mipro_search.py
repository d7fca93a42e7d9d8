"""MIPROv2 over the routing prompt: search from the incumbent for the best prompt on validation."""

import inspect
import math
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import dspy
from dspy.teleprompt import MIPROv2
from dspy.utils.callback import BaseCallback

from route_switch.domain.errors import RouteSwitchError
from route_switch.domain.learning.text_policy import is_short_and_whole
from route_switch.domain.prompts.size_limit import fits
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.domain.tiers import Tier
from route_switch.optimizer.metric import Metric
from route_switch.optimizer.program import RouteToTier, prompt_of
from route_switch.optimizer.prompt_search import SearchRecord, SearchSize, Trial
from route_switch.optimizer.search_session import SearchParts, as_examples, search_session
from route_switch.optimizer.training import LabeledQuery


class MiproSearch(SearchRecord):
    """Implements `PromptSearch`."""

    def __init__(self, parts: SearchParts) -> None:
        super().__init__(parts.on_trial)
        self._parts = parts

    def __call__(
        self,
        incumbent: RoutingPrompt,
        trainset: list[LabeledQuery],
        valset: list[LabeledQuery],
        size: SearchSize,
        seed: int,
    ) -> None:
        """Search. Raise `RunStoppedError` if stopped; the results so far are in `trials`."""
        parts = self._parts
        metric = Metric(trainset, valset, parts.tiers, parts.usd_weight)
        optimizer = _MIPROv2(
            incumbent,
            parts.why_rejected,
            self.rejected,
            as_examples(_demo_pool(trainset), parts.tiers),
            metric=metric,
            prompt_model=parts.prompt_model,
            task_model=parts.task_model,
            teacher_settings={"lm": parts.teacher},
            max_bootstrapped_demos=size.demos,
            max_labeled_demos=0,  # those would bypass the metric
            auto=None,
            num_candidates=size.candidates,
            num_threads=parts.threads,
            max_errors=1,
            seed=seed,
            verbose=False,
        )
        recorder = _TrialRecorder(metric, incumbent, self.record, parts, self.rejected)
        with search_session(parts, [recorder]):
            optimizer.compile(
                RouteToTier(incumbent),
                trainset=as_examples(_shuffled(trainset, seed), parts.tiers),
                valset=as_examples(valset, parts.tiers),
                num_trials=size.trials,
                minibatch=False,
                view_data_batch_size=size.view_data_batch_size,
            )
        if recorder.failure is not None:
            raise RouteSwitchError(
                f"A prompt could not be evaluated, which DSPy counts as a score of 0: "
                f"{recorder.failure}. This is a bug in the optimizer."
            ) from recorder.failure


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
    """Records each evaluation as it ends. `failure` is the first that failed. A prompt that is
    refused is not sent to the router, and does not count as a trial."""

    def __init__(
        self,
        metric: Metric,
        incumbent: RoutingPrompt,
        record: Callable[[Trial], None],
        parts: SearchParts,
        rejected: Counter[str],
    ) -> None:
        self._metric = metric
        self._messages = incumbent.messages
        self._record = record
        self._parts = parts
        self._rejected = rejected
        self._counted: set[str] = set()
        self._programs: dict[str, RouteToTier] = {}
        self.failure: BaseException | None = None

    def on_evaluate_start(  # DSPy passes keyword arguments
        self,
        call_id: str,
        instance: object,  # noqa: ARG002
        inputs: dict[str, Any],
    ) -> None:
        self._programs[call_id] = inputs["program"]
        try:
            self._parts.adapter.is_refusing = self._is_refused(inputs["program"])
        except Exception as error:
            self.failure = self.failure or error  # DSPy would log it and go on

    def on_evaluate_end(
        self, call_id: str, outputs: Any | None, exception: BaseException | None = None
    ) -> None:
        program = self._programs.pop(call_id)
        refused, self._parts.adapter.is_refusing = self._parts.adapter.is_refusing, False
        self.failure = self.failure or exception
        if exception is None and outputs is not None:
            prompt = prompt_of(program, self._messages)
            if fits(prompt) and not refused:
                self._record(Trial(prompt, self._metric.mean_reward(outputs.score)))

    def _is_refused(self, program: RouteToTier) -> bool:
        """Whether the prompt must not be evaluated. Each such prompt is counted once. Here no
        thread of DSPy is running, so that the calls may use threads of their own."""
        prompt = prompt_of(program, self._messages)
        reason = self._parts.why_steered(prompt) if fits(prompt) else None
        if reason is not None and prompt.version not in self._counted:
            self._counted.add(prompt.version)
            self._rejected[reason] += 1
        return reason is not None


def _demo_pool(queries: list[LabeledQuery]) -> list[LabeledQuery]:
    """Return the queries that may become demos, the most typical first."""
    ranked = [(query.demo_rank, query) for query in queries if query.demo_rank is not None]
    return [query for _, query in sorted(ranked, key=lambda pair: pair[0])]


def _shuffled(queries: list[LabeledQuery], seed: int) -> list[LabeledQuery]:
    """Mix the queries: DSPy shows the proposer only the first ten batches."""
    return random.Random(seed).sample(queries, len(queries))  # noqa: S311 (not for security)
