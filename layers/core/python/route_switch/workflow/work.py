"""The steps of the container function: outcomes, search, held-out rows. Each goes on in slices.

What a slice has paid for lies in S3, so the next one begins from the start and gets as far in no
time; a slice that is killed costs the calls that were in flight.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from route_switch.adapters.dynamodb_cap import DynamoDbCap
from route_switch.adapters.example_file import read_examples
from route_switch.adapters.models.encoder import EncoderClient
from route_switch.adapters.models.learning_clients import learning_clients
from route_switch.adapters.models.registry import ProviderKeys
from route_switch.adapters.s3_memo import S3Memo
from route_switch.bootstrap import packaged_prompt
from route_switch.domain.errors import BudgetReachedError, ConfigurationError, DeadlineReachedError
from route_switch.domain.example import Example
from route_switch.domain.learning_ports import RunFiles
from route_switch.domain.learning_run import LearningRun
from route_switch.domain.ports import JsonObject, SwitchStore
from route_switch.domain.pricing import Price
from route_switch.domain.prompt_document import parse_prompt
from route_switch.domain.split import split
from route_switch.optimizer.compare import CANDIDATE
from route_switch.optimizer.compare import INCUMBENT as LIVE
from route_switch.optimizer.embeddings import RememberedEmbeddings
from route_switch.optimizer.figures import Report
from route_switch.optimizer.loop import Plan
from route_switch.optimizer.mipro import SearchSize
from route_switch.optimizer.run import History, Means, Run, default_proposer
from route_switch.services.build_outcomes import BuildOutcomes
from route_switch.services.judge_answers import JudgeAnswers
from route_switch.services.metered_calls import MeteredCalls
from route_switch.services.pace import Pace, TimeForNews
from route_switch.workflow.events import Evaluated, Slice, WorkEvent
from route_switch.workflow.news import News
from route_switch.workflow.paths import EXAMPLES, INCUMBENT, LearningBucket
from route_switch.workflow.settings import LearningSettings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

DAYS_A_MONTH = 30


class Work:
    """One invocation.

    `known` gives a run's answers that this process has read; `remaining_s` is the time until its
    function is ended; `tell` gets what a log may show.
    """

    def __init__(
        self,
        settings: LearningSettings,
        s3: "S3Client",
        dynamodb: "DynamoDBClient",
        switches: SwitchStore,
        keys: ProviderKeys,
        known: Callable[[str], dict[str, JsonObject]],
        remaining_s: Callable[[], float],
        tell: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._config = settings.learning
        self._s3 = s3
        self._dynamodb = dynamodb
        self._switches = switches
        self._keys = keys
        self._known = known
        self._remaining_s = remaining_s
        self._tell = tell
        self._bucket = LearningBucket(s3, settings.learning_bucket)

    def __call__(self, event: WorkEvent) -> Slice:
        """Raises `ConfigurationError` where a step takes more slices than it may. While learning is
        off, each step is over at once, and the last one says so."""
        if not self._switches.read().may_learn:
            return self._turned_off(event)
        if event.slice >= self._config.slices:
            raise ConfigurationError(
                f"'{event.step}' is not done after {self._config.slices} slices. Let each work "
                "longer (slice_s), allow more (slices), or learn from fewer examples (sample)."
            )
        unfinished = Slice(done=False, slice=event.slice + 1)
        try:
            return self._step(event)
        except DeadlineReachedError:
            return unfinished

    def _turned_off(self, event: WorkEvent) -> Slice:
        if event.step != "evaluate":
            return Slice(done=True, slice=event.slice)
        calls, _, _ = self._paid_calls(event.run, None)
        return Evaluated(done=True, slice=event.slice, off=True, spent_usd=calls.spent_usd)

    def _step(self, event: WorkEvent) -> Slice:
        match event.step:
            case "outcomes":
                self._build_outcomes(event)
            case "optimize":
                run, means = self._run(event.run)
                run.search(means)
            case "evaluate":
                run, means = self._run(event.run)
                return self._evaluated(run(means), event.slice)
        return Slice(done=True, slice=event.slice)

    def _build_outcomes(self, event: WorkEvent) -> None:
        """A shard is every n-th example. At the cap, the later steps see what is there."""
        sides = split(self._examples(event.run)[0])
        rows = (*sides.train, *sides.validation, *sides.heldout)
        calls, _, _ = self._paid_calls(event.run, f"outcomes-{event.shard}", self._config.shards)
        judge = self._config.judge
        build = BuildOutcomes(
            calls, JudgeAnswers(calls, judge) if judge else None, self._config.threads
        )
        plan = self._plan()
        try:
            build.fill(rows[event.shard :: self._config.shards], plan.models)
        except BudgetReachedError as stop:
            self._tell(str(stop))

    def _run(self, run: LearningRun) -> tuple[Run, Means]:
        examples, digest = self._examples(run)
        calls, memo, pace = self._paid_calls(run, None)
        work = self._bucket.work(run.id)
        plan = self._plan()
        collected = json.loads(work.read("collected.json") or b"{}")
        return Run(
            plan=plan,
            examples=examples,
            examples_digest=digest,
            incumbent=parse_prompt(_read(work, INCUMBENT).decode()),
            hand_written=packaged_prompt(),
            files=self._bucket.left(run.id),
            history=History(self._bucket.shared),
            cap_usd=run.cap_usd,
            command=f"run {run.id} ({run.trigger})",
            monthly_queries=max(
                collected.get("requests", 0) * DAYS_A_MONTH // self._config.days, 1
            ),
        ), Means(
            calls=calls,
            cap=self._cap(run),
            embed=RememberedEmbeddings(EncoderClient().embed, memo, pace),
            progress=News(work, lambda: calls.spent_usd),
        )

    def _paid_calls(
        self, run: LearningRun, worker: str | None, workers: int = 1
    ) -> tuple[MeteredCalls, S3Memo, Pace]:
        config = self._settings.router
        bucket = self._settings.learning_bucket
        memo = S3Memo(self._s3, bucket, run.id, worker, self._known(run.id))
        news = TimeForNews(self._config.slice_s)

        def remaining_s() -> float:
            return min(news.remaining_s(), self._remaining_s())

        rate = self._config.calls_per_minute
        rate = rate / workers if rate else None  # of all workers together
        pace = Pace(rate, remaining_s, patience_s=self._config.patience_s)
        clients, prices = learning_clients(config, self._keys), self._prices()
        calls = MeteredCalls(clients, prices.get, memo, self._cap(run), pace, self._tell)
        return calls, memo, pace

    def _cap(self, run: LearningRun) -> DynamoDbCap:
        table = self._settings.results_table
        return DynamoDbCap(self._dynamodb, table, run.month, run.cap_usd, run.id)

    def _examples(self, run: LearningRun) -> tuple[tuple[Example, ...], str]:
        """The run's examples and the digest of their file."""
        content = _read(self._bucket.work(run.id), EXAMPLES)
        with TemporaryDirectory() as folder:
            path = Path(folder, EXAMPLES)
            path.write_bytes(content)
            return read_examples(path), hashlib.sha256(content).hexdigest()[:16]

    def _prices(self) -> dict[str, Price]:
        return {**self._settings.router.models.prices, **self._config.prices}

    def _plan(self) -> Plan:
        config, router = self._config, self._settings.router
        models = {tier: of.model for tier, of in router.models.tiers.items()}
        return Plan(
            models=models,
            prices=self._prices(),
            config=router,
            proposer_model=config.proposer or default_proposer(models, router.models.router),
            judge_model=config.judge,
            lambda_=config.lambda_,
            seed=config.seed,
            threads=config.threads,
            rounds=config.rounds,
            size=SearchSize(candidates=config.candidates, trials=config.trials, demos=config.demos),
            learn_from_text=config.learn_from_text,
            lowest_kappa=config.judge_floor,
        )

    def _evaluated(self, report: Report, number: int) -> Evaluated:
        done = Evaluated(
            done=True,
            slice=number,
            spent_usd=report.spend.total_usd,
            stopped_by=report.stopped_by,
        )
        gate, saving = report.gate, report.saving_usd_a_month
        if gate is None:
            return done
        quality = {each.policy: each.quality.mean for each in report.policies}
        always = "the stage asks before every promotion" if self._asks_always else None
        return done.model_copy(
            update={
                "verdict": gate.verdict,
                "ask": gate.needs_approval or always,
                "gain": gate.gain.mean,
                "gain_low": gate.gain.low,
                "gain_high": gate.gain.high,
                "heldout_rows": gate.gain.n,
                "quality_live": quality.get(LIVE),
                "quality_candidate": quality.get(CANDIDATE),
                "smallest_visible": gate.smallest_visible,
                "saving_usd_a_month": None if saving is None else saving.mean,
            }
        )

    @property
    def _asks_always(self) -> bool:
        return self._config.approval == "always"


def _read(files: RunFiles, name: str) -> bytes:
    content = files.read(name)
    if content is None:
        raise ConfigurationError(f"{name} of this run is gone: it expires. Start another run.")
    return content
