"""The states of the weekly workflow. They carry names and numbers; data is in S3."""

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.stage import Stage
from infra.states import MARGIN, TRANSIENT, at, invoke, publish, retry


@dataclass(frozen=True)
class WorkflowFunctions:
    """The functions behind the states."""

    learning: lambda_.Function
    promote: lambda_.Function
    optimizer: lambda_.Function


class WorkflowStates:
    """Claim → Collect → Enough? → BuildOutcomes → Optimize → Evaluate → Gate → (Approve) →
    Promote → Report → Notify. Every failure goes to Failed, and the incumbent stays live."""

    def __init__(
        self, scope: Construct, stage: Stage, functions: WorkflowFunctions, topic: sns.ITopic
    ) -> None:
        self._scope = scope
        self._stage = stage
        self._functions = functions
        self._topic = topic
        self._failed = self._failure()

    def definition(self) -> sfn.IChainable:
        report = self._report()
        promote = self._promote().next(report)
        claimed = (
            sfn.Choice(self._scope, "Claimed?")
            .when(sfn.Condition.boolean_equals("$.claimed", True), self._learn(promote, report))
            .when(sfn.Condition.boolean_equals("$.off", True), self._ends_as("Learning off"))
            .otherwise(self._ends_as("Duplicate"))
        )
        return self._claim().next(claimed)

    def _ends_as(self, name: str) -> sfn.Pass:
        """End an execution without a run. Its output says why; nobody is notified."""
        return sfn.Pass(self._scope, name, parameters={"outcome": name.lower(), "why": at("$.why")})

    def _learn(self, promote: sfn.IChainable, report: sfn.IChainable) -> sfn.IChainable:
        evaluated = self._in_slices("Evaluate", "$.evaluated", self._gate(promote, report))
        optimized = self._in_slices("Optimize", "$.optimized", evaluated)
        enough = (
            sfn.Choice(self._scope, "Enough?")
            .when(
                sfn.Condition.boolean_equals("$.collected.enough", True),
                self._build_outcomes().next(optimized),
            )
            .otherwise(report)
        )
        return self._collect().next(enough)

    def _claim(self) -> sfn.TaskStateBase:
        payload = {
            "step": "claim",
            "execution": at("$$.Execution.Id"),
            "start": at("$"),
        }
        return self._task("Claim", self._functions.learning, payload, "$")

    def _collect(self) -> sfn.TaskStateBase:
        payload = {"step": "collect", "run": at("$.run")}
        return self._task("Collect", self._functions.learning, payload, "$.collected")

    def _build_outcomes(self) -> sfn.Map:
        """Run a worker for each shard, all under one cap."""
        payload = {"step": "outcomes", "run": at("$.run"), "shard": at("$.shard")}
        shards = sfn.Map(
            self._scope,
            "BuildOutcomes",
            items_path="$.shards",
            item_selector={
                "run": at("$.run"),
                "shard": at("$$.Map.Item.Value"),
            },
            max_concurrency=self._stage.learning.shards,
            result_path=sfn.JsonPath.DISCARD,
        )
        built = sfn.Succeed(self._scope, "Shard built")
        shards.item_processor(
            self._in_slices("Build a shard", "$.built", built, payload, caught=False)
        )
        shards.add_catch(self._failed, result_path="$.error")
        return shards

    def _in_slices(
        self,
        name: str,
        path: str,
        then: sfn.IChainable,
        payload: Mapping[str, object] | None = None,
        *,
        caught: bool = True,
    ) -> sfn.IChainable:
        """Repeat a task until it reports that it is done. Its results are at `path`."""
        work = payload or {"step": name.lower(), "run": at("$.run")}
        first = sfn.Pass(
            self._scope,
            f"{name}: first slice",
            result=sfn.Result.from_object({"slice": 0, "done": False}),
            result_path=path,
        )
        task = self._task(
            name,
            self._functions.optimizer,
            {**work, "slice": at(f"{path}.slice")},
            path,
            caught=caught,
        )
        self._wait_out_providers(task)
        done = (
            sfn.Choice(self._scope, f"{name}: done?")
            .when(sfn.Condition.boolean_equals(f"{path}.done", True), then)
            .otherwise(task)
        )
        return first.next(task).next(done)

    def _gate(self, promote: sfn.IChainable, report: sfn.IChainable) -> sfn.IChainable:
        better = sfn.Condition.string_equals("$.evaluated.verdict", "better")
        no_approval_needed = sfn.Condition.is_null("$.evaluated.ask")
        approved = (
            sfn.Choice(self._scope, "Approved?")
            .when(sfn.Condition.boolean_equals("$.approval.approved", True), promote)
            .otherwise(report)
        )
        return (
            sfn.Choice(self._scope, "Gate")
            .when(sfn.Condition.and_(better, no_approval_needed), promote)
            .when(better, self._approve(report).next(approved))
            .otherwise(report)
        )

    def _approve(self, report: sfn.IChainable) -> sfn.TaskStateBase:
        """Wait for `route-switch approve` or `reject`. No answer in time means no."""
        hours = Duration.seconds(max(round(self._stage.learning.approval_hours * 3600), 1))
        ask = tasks.LambdaInvoke(
            self._scope,
            "Approve",
            lambda_function=self._functions.learning,
            integration_pattern=sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
            payload=sfn.TaskInput.from_object(
                {
                    "step": "ask",
                    "run": at("$.run"),
                    "token": sfn.JsonPath.task_token,
                    "why": at("$.evaluated.ask"),
                }
            ),
            retry_on_service_exceptions=False,
            heartbeat_timeout=sfn.Timeout.duration(hours),
            task_timeout=sfn.Timeout.duration(hours.plus(MARGIN)),
            result_path="$.approval",
        )
        silence = sfn.Pass(
            self._scope,
            "Silence",
            result=sfn.Result.from_object({"approved": False, "by": "silence"}),
            result_path="$.approval",
        )
        retry(ask, TRANSIENT)
        ask.add_catch(
            silence.next(report),
            errors=["States.HeartbeatTimeout", "States.Timeout"],
            result_path=sfn.JsonPath.DISCARD,
        )
        ask.add_catch(self._failed, result_path="$.error")
        return ask

    def _promote(self) -> sfn.TaskStateBase:
        """Promote the candidate. The task gets the whole state."""
        payload = {"step": "promote", "state": at("$")}
        task = invoke(self._scope, "Promote", self._functions.promote, payload, "$.promoted")
        retry(task, ["PromptLockedError"], interval=Duration.seconds(20))
        task.add_catch(self._failed, result_path="$.error")
        return task

    def _report(self) -> sfn.IChainable:
        """Send one notification. The run ends the same if it cannot be sent."""
        payload = {
            "step": "report",
            "execution": at("$$.Execution.Id"),
            "state": at("$"),
        }
        report = self._task("Report", self._functions.learning, payload, "$.notice")
        done = sfn.Succeed(self._scope, "Done", output_path="$.notice")
        notify = self._notify("Notify")
        notify.add_catch(done, result_path=sfn.JsonPath.DISCARD)
        return report.next(notify).next(done)

    def _failure(self) -> sfn.TaskStateBase:
        payload = {
            "step": "fail",
            "execution": at("$$.Execution.Id"),
            "state": at("$"),
        }
        failed = self._task("Failed", self._functions.learning, payload, "$.notice", caught=False)
        ended = sfn.Fail(
            self._scope, "Run failed", error="RunFailed", cause="See the notification."
        )
        notify = self._notify("Notify of the failure")
        notify.add_catch(ended, result_path=sfn.JsonPath.DISCARD)
        failed.add_catch(self._notify_without_report(ended), result_path=sfn.JsonPath.DISCARD)
        failed.next(notify).next(ended)
        return failed

    def _notify_without_report(self, ended: sfn.Fail) -> sfn.IChainable:
        """Notify if even reporting the failure fails. This needs none of the functions."""
        message = sfn.TaskInput.from_text(
            "A learning run failed, and its report could not be written.\n\n"
            "The live prompt is unchanged, unless the execution's history shows that Promote "
            "succeeded, and requests are routed in any case.\n\n"
            "Look up the reason in the execution's history and in the functions' logs, correct it, "
            f"and start the run again with 'route-switch learn --stage {self._stage.name}'."
        )
        subject = f"route-switch {self._stage.name}: failed"
        plain = publish(self._scope, "Tell plainly", self._topic, subject, message)
        return plain.next(ended)

    def _notify(self, name: str) -> tasks.SnsPublish:
        message = sfn.TaskInput.from_json_path_at("$.notice.message")
        return publish(self._scope, name, self._topic, at("$.notice.subject"), message)

    def _task(
        self,
        name: str,
        function: lambda_.Function,
        payload: Mapping[str, object],
        result_path: str,
        *,
        caught: bool = True,
    ) -> tasks.LambdaInvoke:
        task = invoke(self._scope, name, function, payload, result_path)
        if caught:
            task.add_catch(self._failed, result_path="$.error")
        return task

    def _wait_out_providers(self, task: sfn.TaskStateBase) -> None:
        """Wait for a provider's outage to end, up to about three hours. Waiting here is free."""
        retry(
            task,
            ["ProviderDown"],
            interval=Duration.seconds(self._stage.learning.retry_s),
            attempts=10,
            max_delay=Duration.hours(1),
        )
