"""A small workflow with the Step Functions features of the real one."""

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as targets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

MINUTE = cdk.Duration.minutes(1)


class Workflow(Construct):
    """Claim, a Map of loops over shards, an approval, a notification."""

    def __init__(
        self, scope: Construct, worker: lambda_.Function, cron_hour: str, comment: str
    ) -> None:
        super().__init__(scope, "Workflow")
        self.worker = worker
        self.topic = sns.Topic(self, "Runs", enforce_ssl=True)
        self.topic.add_subscription(subscriptions.EmailSubscription("team@example.com"))
        queue = sqs.Queue(self, "Notifications")
        self.topic.add_subscription(subscriptions.SqsSubscription(queue))
        worker.configure_async_invoke(retry_attempts=0, max_event_age=MINUTE)
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            definition_body=sfn.DefinitionBody.from_chainable(self._definition()),
            comment=comment,
            timeout=cdk.Duration.hours(2),
            tracing_enabled=True,
            logs=sfn.LogOptions(
                destination=logs.LogGroup(self, "Log", retention=logs.RetentionDays.ONE_WEEK),
                level=sfn.LogLevel.ALL,
                include_execution_data=False,
            ),
        )
        self._schedule(cron_hour)

    def _schedule(self, hour: str) -> None:
        event = {"scheduled_time": scheduler.ContextAttribute.scheduled_time, "trigger": "schedule"}
        scheduler.Schedule(
            self,
            "Weekly",
            schedule=scheduler.ScheduleExpression.cron(minute="0", hour=hour, week_day="SUN"),
            schedule_group=scheduler.ScheduleGroup(self, "Schedules"),
            target=targets.StepFunctionsStartExecution(
                self.machine, input=scheduler.ScheduleTargetInput.from_object(event)
            ),
        )

    def _definition(self) -> sfn.IChainable:
        failed = self._notify("Tell of the failure", "$.error.Error").next(sfn.Fail(self, "Failed"))
        run = self._claim().next(self._build()).next(self._approve())
        whole = run.next(self._notify("Tell", "$.run.id")).to_single_state(
            "Whole", output_path="$[0]"
        )
        whole.add_catch(failed, errors=["States.ALL"], result_path="$.error")
        return whole

    def _claim(self) -> tasks.LambdaInvoke:
        return tasks.LambdaInvoke(
            self,
            "Claim",
            lambda_function=self.worker,
            payload=sfn.TaskInput.from_object({"execution": sfn.JsonPath.execution_id}),
            result_selector={"id": sfn.JsonPath.execution_name, "shards": [1, 2, 3, 4]},
            result_path="$.run",
            task_timeout=sfn.Timeout.duration(MINUTE),
        )

    def _build(self) -> sfn.Map:
        step = tasks.LambdaInvoke(
            self,
            "Slice",
            lambda_function=self.worker,
            payload=sfn.TaskInput.from_object(
                {"steps": 2, "steps_done": sfn.JsonPath.number_at("$.slice.steps_done")}
            ),
            result_selector={
                "done": sfn.JsonPath.object_at("$.Payload.done"),
                "steps_done": sfn.JsonPath.object_at("$.Payload.steps_done"),
            },
            result_path="$.slice",
            retry_on_service_exceptions=False,
            task_timeout=sfn.Timeout.duration(MINUTE),
        )
        step.add_retry(
            errors=["ProviderDownError", "Runtime.ExitError", "Sandbox.Timedout"],
            interval=cdk.Duration.seconds(1),
            backoff_rate=2,
            max_attempts=3,
            max_delay=cdk.Duration.seconds(5),
            jitter_strategy=sfn.JitterType.FULL,
        )
        done = sfn.Condition.boolean_equals("$.slice.done", True)
        loop = sfn.Choice(self, "Done?").when(done, sfn.Succeed(self, "Shard done"))
        start = sfn.Pass(self, "Start", result_path="$.slice", parameters={"steps_done": 0})
        build = sfn.Map(
            self,
            "Build",
            items_path="$.run.shards",
            item_selector={"shard": sfn.JsonPath.string_at("$$.Map.Item.Value")},
            max_concurrency=4,
            result_path="$.shards",
        )
        build.item_processor(start.next(step).next(loop.otherwise(step)))
        return build

    def _approve(self) -> sfn.Chain:
        approve = tasks.LambdaInvoke(
            self,
            "Approve",
            lambda_function=self.worker,
            integration_pattern=sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
            payload=sfn.TaskInput.from_object({"token": sfn.JsonPath.task_token}),
            heartbeat_timeout=sfn.Timeout.duration(cdk.Duration.seconds(1)),
            task_timeout=sfn.Timeout.duration(MINUTE),
            result_path="$.approval",
        )
        silence = sfn.Pass(self, "Silence means no")
        approve.add_catch(
            silence, errors=["States.Timeout", "States.HeartbeatTimeout"], result_path="$.approval"
        )
        return sfn.Chain.sequence(approve, silence)

    def _notify(self, name: str, subject: str) -> tasks.SnsPublish:
        return tasks.SnsPublish(
            self,
            name,
            topic=self.topic,
            subject=sfn.JsonPath.format("Learning: {}", sfn.JsonPath.string_at(subject)),
            message=sfn.TaskInput.from_json_path_at("$"),
            result_path=sfn.JsonPath.DISCARD,
        )
