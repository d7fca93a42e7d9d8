"""The dashboard: what the router costs, saves and does.

Sums come from the counters in DynamoDB, which are exact and cost nothing to keep, through custom
widgets. Time series are CloudWatch metrics.
"""

from collections.abc import Iterable, Sequence

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.alarms import RUNBOOK, Alarms
from infra.metric_names import custom_metrics
from infra.metrics import metric
from infra.stage import Stage
from route_switch.domain.tiers import Tier

WIDTH = 24
DAY = Duration.days(1)
HOUR = Duration.hours(1)
METRIC_USD = 0.30
"""Price of a custom metric per month, up to 10,000 of them (CloudWatch's list price, us-east-1)."""
ModelStatistic = tuple[str, str, str]


class Dashboard(Construct):
    """The dashboard of one stage. `name` is its name in CloudWatch."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        widget: lambda_.IFunction,
        api: apigateway.RestApi,
        machine: sfn.IStateMachine,
        alarms: Alarms,
    ) -> None:
        super().__init__(scope, construct_id)
        self._stage = stage
        self._widget = widget
        self._alarms = alarms
        self.name = f"route-switch-{stage.name}"
        rows: tuple[Sequence[cloudwatch.IWidget], ...] = (
            (self._about(),),
            self._money(),
            self._spending(),
            self._routing(),
            self._quality(),
            self._models(),
            self._streams(),
            self._requests(api),
            self._learning(machine),
            (self._custom("This month by key", "keys", WIDTH),),
        )
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=self.name,
            default_interval=Duration.days(28),
            widgets=[list(row) for row in rows],
        )

    def _about(self) -> cloudwatch.IWidget:
        stage, models = self._stage, self._stage.router.models
        tiers = ", ".join(f"Tier {tier}: {models.tiers[tier].name}" for tier in Tier)
        count = custom_metrics(stage)
        budget = stage.monthly_budget_usd
        return cloudwatch.TextWidget(
            width=WIDTH,
            height=3,
            markdown=(
                f"**route-switch {stage.name}** · {tiers} · router: {models.router}\n\n"
                f"Model prices of {models.prices_date}, in USD. Monthly budget: "
                f"{'none' if budget is None else f'{budget:,.2f}'}. *Baseline* estimates the same "
                "requests all on Tier 3. *Saved* is net of the router, failed requests and "
                f"learning. Neither includes AWS's own cost. Alarms: `{RUNBOOK}`.\n\n"
                f"Up to {count} custom metrics, at {METRIC_USD:.2f} a month each if they get data "
                f"every hour: {count * METRIC_USD:.2f} at most."
            ),
        )

    def _money(self) -> Sequence[cloudwatch.IWidget]:
        return (
            self._custom("Spent and saved, today and this month (UTC)", "spend", 16, height=14),
            cloudwatch.AlarmStatusWidget(
                title="Alarms", alarms=self._alarms.all, width=8, height=14
            ),
        )

    def _spending(self) -> Sequence[cloudwatch.IWidget]:
        router = self._router
        costs = [router(f"tier_{tier}_cost_usd", period=DAY, label=f"Tier {tier}") for tier in Tier]
        learning = metric(
            self._stage, "learning", "learning_usd", period=DAY, label="learning (evaluated runs)"
        )
        return (
            self._graph(
                "Spent per day, USD",
                [*costs, router("router_cost_usd", period=DAY, label="router LLM"), learning],
                stacked=True,
            ),
            self._graph(
                "Spent, saved and estimated baseline per day, USD",
                [
                    router("cost_usd", period=DAY, label="spent"),
                    router("baseline_cost_usd", period=DAY, label="all on Tier 3 (estimated)"),
                    router("saved_usd", period=DAY, label="saved (estimated, before learning)"),
                ],
            ),
            self._graph(
                "Cost per 1,000 requests, USD",
                [
                    self._cost_of_1000("cost_usd", "spent"),
                    self._cost_of_1000("baseline_cost_usd", "all on Tier 3 (estimated)"),
                ],
            ),
        )

    def _routing(self) -> Sequence[cloudwatch.IWidget]:
        tiers = [self._router(f"tier_{tier}", period=HOUR, label=f"Tier {tier}") for tier in Tier]
        shares = [
            self._share(f"reason_{reason}", reason)
            for reason in ("bypass", "override", "fallback", "degraded")
        ]
        return (
            self._graph("Requests per hour, by tier", tiers, stacked=True),
            self._graph("Share of requests, %", shares),
            self._custom("Prompt versions", "prompts", 8),
        )

    def _quality(self) -> Sequence[cloudwatch.IWidget]:
        """Version numbers use the right axis: a step is a change of the prompt."""
        stage = self._stage

        def of(service: str, name: str, statistic: str, label: str) -> cloudwatch.Metric:
            return metric(stage, service, name, statistic=statistic, period=HOUR, label=label)

        return (
            cloudwatch.GraphWidget(
                title="Quality and live prompt version",
                width=16,
                height=7,
                left=[
                    of("management", "feedback_score", "Average", "feedback (0 to 1)"),
                    of("monitor", "prompt_quality", "Average", "feedback on the live prompt"),
                    of("learning", "heldout_quality_live", "Average", "judge: live prompt"),
                    of("learning", "heldout_quality_candidate", "Average", "judge: candidate"),
                ],
                right=[
                    of("router", "prompt_version", "Maximum", "version"),
                    of("promote", "promotions", "Sum", "promoted"),
                    of("promote", "rollbacks", "Sum", "rolled back"),
                ],
                left_y_axis=cloudwatch.YAxisProps(min=0, max=1),
                right_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
            ),
            self._graph("Feedback per hour", [of("management", "feedback", "Sum", "ratings")]),
        )

    def _models(self) -> Sequence[cloudwatch.IWidget]:
        wanted: tuple[ModelStatistic, ...] = (
            ("model_latency_ms", "p50", "Median latency by model, ms"),
            ("model_latency_ms", "p95", "95th percentile of latency by model, ms"),
            ("model_errors", "Average", "Share of calls that failed, by model"),
        )
        return self._by_model(wanted, self._stage.router.models.names)

    def _streams(self) -> Sequence[cloudwatch.IWidget]:
        """Lambda counts a stream that broke off as a success."""
        wanted: tuple[ModelStatistic, ...] = (
            ("first_token_ms", "p50", "Median time to the first token by model, ms"),
            ("first_token_ms", "p95", "95th percentile of time to the first token, ms"),
            ("stream_errors", "Average", "Share of streams that broke off, by model"),
        )
        tiers = self._stage.router.models.tiers.values()
        return self._by_model(wanted, dict.fromkeys(m for t in tiers for m in t.with_fallbacks))

    def _by_model(
        self, wanted: Sequence[ModelStatistic], models: Iterable[str]
    ) -> Sequence[cloudwatch.IWidget]:
        names = tuple(models)
        return [
            self._graph(
                title,
                [
                    metric(
                        self._stage, "router", name, statistic=statistic, model=model, label=model
                    )
                    for model in names
                ],
            )
            for name, statistic, title in wanted
        ]

    def _requests(self, api: apigateway.RestApi) -> Sequence[cloudwatch.IWidget]:
        router = self._router
        return (
            self._graph(
                "Request latency, ms",
                [
                    router("latency_ms", statistic=each, label=each)
                    for each in ("p50", "p95", "p99")
                ],
            ),
            self._graph(
                "Router overhead, ms",
                [router("overhead_ms", statistic=each, label=each) for each in ("p50", "p95")],
            ),
            self._graph(
                "Failed requests",
                [
                    router("requests_failed", label="no model answered"),
                    router("unexpected_errors", label="unexpected"),
                    router("records_lost", label="not recorded"),
                    api.metric_server_error(statistic="Sum", label="API Gateway: 5xx"),
                    api.metric_client_error(statistic="Sum", label="API Gateway: 4xx"),
                ],
            ),
        )

    def _learning(self, machine: sfn.IStateMachine) -> Sequence[cloudwatch.IWidget]:
        stage = self._stage
        runs = [
            machine.metric_succeeded(statistic="Sum", period=DAY, label="succeeded"),
            machine.metric_failed(statistic="Sum", period=DAY, label="failed"),
        ]
        distances = [
            metric(
                stage, "drift", f"drift_{of}_distance", statistic="Maximum", period=DAY, label=of
            )
            for of in ("tiers", "lengths")
        ]
        month = [
            metric(stage, "monitor", name, statistic="Maximum", period=HOUR, label=label)
            for name, label in (
                ("month_usd", "month to date"),
                ("projected_month_usd", "projected for the whole month"),
            )
        ]
        return (
            self._graph("This month, USD", month),
            self._graph("Learning runs", runs),
            self._graph(
                "Drift: distance from the traffic that the prompt was learned from", distances
            ),
        )

    def _router(
        self,
        name: str,
        *,
        label: str,
        statistic: str = "Sum",
        period: Duration | None = None,
    ) -> cloudwatch.Metric:
        return metric(self._stage, "router", name, statistic=statistic, period=period, label=label)

    def _cost_of_1000(self, name: str, label: str) -> cloudwatch.MathExpression:
        """Return the mean over requests whose cost or estimate is known: `Average` skips others."""
        return cloudwatch.MathExpression(
            expression=f"1000 * {name}",
            using_metrics={name: self._router(name, period=HOUR, label=name, statistic="Average")},
            label=label,
            period=HOUR,
        )

    def _share(self, name: str, label: str) -> cloudwatch.MathExpression:
        """Return the percentage of requests. Every request has a latency, so that counts them."""
        return cloudwatch.MathExpression(
            expression=f"100 * FILL({name}, 0) / requests",
            using_metrics={
                name: self._router(name, period=HOUR, label=name),
                "requests": self._router(
                    "latency_ms", period=HOUR, label="requests", statistic="SampleCount"
                ),
            },
            label=label,
            period=HOUR,
        )

    def _custom(self, title: str, view: str, width: int, *, height: int = 7) -> cloudwatch.IWidget:
        return cloudwatch.CustomWidget(
            title=title,
            function_arn=self._widget.function_arn,
            params={"view": view},
            width=width,
            height=height,
            update_on_refresh=True,
            update_on_resize=False,
            update_on_time_range_change=False,
        )

    def _graph(
        self, title: str, metrics: Sequence[cloudwatch.IMetric], *, stacked: bool = False
    ) -> cloudwatch.IWidget:
        return cloudwatch.GraphWidget(
            title=title,
            width=8,
            height=7,
            left=list(metrics),
            stacked=stacked,
            left_y_axis=cloudwatch.YAxisProps(min=0),
        )
