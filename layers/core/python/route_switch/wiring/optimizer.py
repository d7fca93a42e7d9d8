"""Dependencies of the optimizer's container function."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from route_switch.adapters.learning.dynamodb_cap import DynamoDbCap
from route_switch.adapters.learning.example_file import read_examples
from route_switch.adapters.learning.learning_bucket import (
    EXAMPLES,
    INCUMBENT,
    LEAST_STEERED,
    WITHDRAWN,
)
from route_switch.adapters.learning.progress_file import ProgressFile
from route_switch.adapters.learning.s3_memo import S3Memo
from route_switch.adapters.models.encoder import EncoderClient
from route_switch.adapters.models.learning_clients import learning_clients
from route_switch.adapters.models.litellm_catalog import takes_schema
from route_switch.adapters.packaged_prompt import packaged_prompt
from route_switch.domain.errors import ConfigurationError
from route_switch.domain.learning.example import Example
from route_switch.domain.learning.learning_ports import RunFiles
from route_switch.domain.learning.learning_run import LearningRun, time_of_run
from route_switch.domain.pricing import Price
from route_switch.domain.prompt_document import parse_prompt
from route_switch.domain.routing_prompt import RoutingPrompt
from route_switch.optimizer.embeddings import RememberedEmbeddings
from route_switch.optimizer.learning_job import (
    GateHistoryFile,
    LearningJob,
    RunDependencies,
    default_proposer,
)
from route_switch.optimizer.plan import Plan
from route_switch.optimizer.prompt_search import SearchSize
from route_switch.services.learning.metered_calls import MeteredCalls
from route_switch.services.learning.pace import Pace, TimeBudget
from route_switch.services.learning.spending_caps import MAX_ANSWER_SHARE
from route_switch.services.prompts.stored_numbers import with_stored_numbers
from route_switch.wiring.learning import LearningWiring
from route_switch.wiring.secrets_manager import provider_keys
from route_switch.workflow.run_slice import RunSlice

DAYS_PER_MONTH = 30


def build_run_slice(
    wiring: LearningWiring, remaining_s: Callable[[], float], tell: Callable[[str], None]
) -> RunSlice:
    """`remaining_s` returns the time until the function times out. `tell` writes to the log."""
    parts = OptimizerParts(wiring, remaining_s, tell)
    return RunSlice(wiring.settings.learning, wiring.switches, parts, tell)


class OptimizerParts:
    """Implements `RunParts`."""

    def __init__(
        self,
        wiring: LearningWiring,
        remaining_s: Callable[[], float],
        tell: Callable[[str], None],
    ) -> None:
        self._wiring = wiring
        self._settings = wiring.settings
        self._config = wiring.settings.learning
        self._remaining_s = remaining_s
        self._tell = tell

    @property
    def plan(self) -> Plan:
        config, router = self._config, self._settings.router
        models = {tier: of.name for tier, of in router.models.tiers.items()}
        return Plan(
            models=models,
            prices=self._prices,
            config=router,
            proposer_model=config.proposer or default_proposer(models, router.models.router),
            judge_model=config.judge,
            lambda_=config.lambda_,
            seed=config.seed,
            threads=config.threads,
            rounds=config.rounds,
            size=SearchSize(candidates=config.candidates, trials=config.trials, demos=config.demos),
            learn_from_text=config.learn_from_text,
            strategy=config.strategy,
            lowest_kappa=config.judge_floor,
            max_quality_loss=config.max_quality_loss,
            no_worse_margin=config.no_worse_margin,
            judge_takes_schema=config.judge is not None and takes_schema(config.judge),
            max_not_understood=config.max_not_understood,
            optimizer=config.optimizer,
        )

    @property
    def _prices(self) -> dict[str, Price]:
        models = self._settings.router.models
        known = {name: models.price(name) for name in models.names}
        named = {name: price for name, price in known.items() if price is not None}
        return {**models.prices, **named, **self._config.prices}

    def examples(self, run: LearningRun) -> tuple[Example, ...]:
        return self._examples(run)[0]

    def _examples(self, run: LearningRun) -> tuple[tuple[Example, ...], str]:
        """Return the run's examples and the digest of their file."""
        content = _read(self._wiring.bucket.work(run.id), EXAMPLES)
        with TemporaryDirectory() as folder:
            path = Path(folder, EXAMPLES)
            path.write_bytes(content)
            return read_examples(path), hashlib.sha256(content).hexdigest()[:16]

    def job(self, run: LearningRun) -> tuple[LearningJob, RunDependencies]:
        examples, digest = self._examples(run)
        memo, pace = self._memo(run, None), self._pace(1)
        calls = self._metered_calls(run, memo, pace)
        bucket = self._wiring.bucket
        work = bucket.work(run.id)
        collected = json.loads(work.read("collected.json") or b"{}")
        job = LearningJob(
            plan=self.plan,
            examples=examples,
            examples_digest=digest,
            incumbent=with_stored_numbers(
                parse_prompt(_read(work, INCUMBENT).decode()), self._wiring.local_models()
            ),
            hand_written=packaged_prompt(),
            files=bucket.artifacts(run.id),
            history=GateHistoryFile(bucket.shared),
            cap_usd=run.cap_usd,
            command=f"run {run.id} ({run.trigger})",
            monthly_queries=max(
                collected.get("requests", 0) * DAYS_PER_MONTH // self._config.days, 1
            ),
            least_steered=self._least_steered(work),
            withdrawn=frozenset(json.loads(work.read(WITHDRAWN) or b"[]")),
            claims=self._wiring.demo_claims,
            began_at=time_of_run(run.id).timestamp(),
        )
        return job, RunDependencies(
            calls=calls,
            cap=self._cap(run),
            embed=RememberedEmbeddings(EncoderClient().embed, memo, pace),
            progress=ProgressFile(work, lambda: calls.spent_usd),
        )

    def _least_steered(self, work: RunFiles) -> RoutingPrompt | None:
        content = work.read(LEAST_STEERED)
        if content is None:
            return None
        return with_stored_numbers(parse_prompt(content.decode()), self._wiring.local_models())

    def calls(self, run: LearningRun, shard: int | None = None) -> MeteredCalls:
        worker = None if shard is None else f"outcomes-{shard}"
        workers = 1 if shard is None else self._config.shards
        return self._metered_calls(run, self._memo(run, worker), self._pace(workers))

    def _memo(self, run: LearningRun, worker: str | None) -> S3Memo:
        known = self._wiring.known(run.id)
        return S3Memo(self._wiring.s3, self._settings.learning_bucket, run.id, worker, known)

    def _pace(self, workers: int) -> Pace:
        """All workers together share the stage's rate."""
        budget, rate = TimeBudget(self._config.slice_s), self._config.calls_per_minute

        def remaining_s() -> float:
            return min(budget.remaining_s(), self._remaining_s())

        return Pace(
            rate / workers if rate else None, remaining_s, patience_s=self._config.patience_s
        )

    def _metered_calls(self, run: LearningRun, memo: S3Memo, pace: Pace) -> MeteredCalls:
        keys = provider_keys(self._settings.provider_secret)
        clients = learning_clients(self._settings.router, keys)
        cap, most_usd = self._cap(run), run.cap_usd * MAX_ANSWER_SHARE
        return MeteredCalls(clients, self._prices.get, memo, cap, pace, self._tell, most_usd)

    def _cap(self, run: LearningRun) -> DynamoDbCap:
        table = self._settings.results_table
        return DynamoDbCap(self._wiring.dynamodb, table, run.month, run.cap_usd, run.id)


def _read(files: RunFiles, name: str) -> bytes:
    content = files.read(name)
    if content is None:
        raise ConfigurationError(f"{name} of this run has expired. Start another run.")
    return content
