"""The stack: one stage of route-switch, wired together."""

from aws_cdk import CfnOutput, DefaultStackSynthesizer, Environment, Stack, Tags
from constructs import Construct

from infra.alarms import Alarms
from infra.api import Api
from infra.dashboard import Dashboard
from infra.data import Data
from infra.encryption import add_customer_key
from infra.known_models import with_model_data
from infra.layers import base_layers, model_layers
from infra.learning import Learning
from infra.management import ManagementFunction
from infra.monitoring import watch_learning, watch_queues, watch_requests, watch_spending
from infra.prompt_parameters import PromptParameters
from infra.rollout import add_live_alias
from infra.router import RouterFunction
from infra.setup import Setup
from infra.stage import Stage
from infra.widget import WidgetFunction


class RouteSwitchStack(Stack):
    """Data, prompt, router, API, learning and monitoring of one stage.

    Stateful resources are a construct of their own (`Data`) but in the same stack: one deployment
    makes everything, and `retain` keeps the data even if the stack is deleted.
    """

    def __init__(self, scope: Construct, *, stage: Stage) -> None:
        super().__init__(
            scope,
            f"route-switch-{stage.name}",
            env=Environment(region=stage.region),
            description=f"route-switch, stage {stage.name}",
            termination_protection=stage.protected,
            synthesizer=DefaultStackSynthesizer(
                generate_bootstrap_version_rule=stage.name != "local"
            ),
        )
        # On every resource, for cost reports and for owners of shared accounts.
        Tags.of(self).add("app", "route-switch")
        Tags.of(self).add("stage", stage.name)
        stage = with_model_data(self, stage)
        add_customer_key(self, stage)
        data = Data(self, "Data", stage=stage)
        prompt = PromptParameters(
            self,
            "Prompt",
            stage=stage,
            lock_table=data.results.table_name,
            models_bucket=data.learning.bucket_name,
        )
        layers = base_layers(self, stage)
        router_layers = [*layers, *model_layers(self, stage)]
        router = RouterFunction(
            self, "Router", stage=stage, data=data, prompt=prompt, layers=router_layers
        )
        learning = Learning(self, "Learning", stage=stage, data=data, prompt=prompt, layers=layers)
        setup = Setup(
            self,
            "Setup",
            stage=stage,
            data=data,
            prompt=prompt,
            promoter=learning.promote,
            layers=layers,
        )
        management = ManagementFunction(
            self, "Management", stage=stage, data=data, prompt=prompt, layers=layers
        )
        widget = WidgetFunction(
            self, "CostsWidget", stage=stage, data=data, prompt=prompt, layers=layers
        )
        self.functions = (router, management, setup.function, *learning.functions, widget)
        alarms = Alarms(self, "Alarms", stage=stage)
        served = {
            "router": add_live_alias(router, stage=stage, alarms=alarms),
            "management": add_live_alias(management, stage=stage, alarms=alarms),
        }
        api = Api(self, "Api", stage=stage, functions=served)
        watch_requests(alarms, stage, router=router.function, api=api.rest)
        watch_spending(alarms, stage)
        watch_learning(
            alarms,
            stage,
            machine=learning.machine,
            monitor=learning.monitor.function,
            drift=learning.drift.function,
        )
        watch_queues(alarms, {"records-waiting": data.records, "missed-starts": learning.missed})
        alarms.check_complete()
        dashboard = Dashboard(
            self,
            "Dashboard",
            stage=stage,
            widget=widget.function,
            api=api.rest,
            machine=learning.machine,
            alarms=alarms,
        )
        self._outputs(
            {
                "ApiEndpoint": api.endpoint,
                "ResultsTable": data.results.table_name,
                "KeysTable": data.keys.table_name,
                "LivePromptParameter": prompt.live_name,
                "SeedPromptParameter": prompt.seed_name,
                "FirstKeysParameter": setup.first_keys_name,
                "RouterFunction": router.function.function_name,
                "LearningStateMachine": learning.machine.state_machine_arn,
                "LearningBucket": data.learning.bucket_name,
                "RunsTopic": learning.topic.topic_arn,
                "AlarmsTopic": alarms.topic.topic_arn,
                "DashboardName": dashboard.name,
                "RecordsQueue": data.records.queue_url,
                "MissedQueue": learning.missed.queue_url,
                **(
                    {}
                    if data.provider_secret is None
                    else {"ProviderSecret": data.provider_secret.secret_arn}
                ),
            }
        )

    def _outputs(self, values: dict[str, str]) -> None:
        for name, value in values.items():
            CfnOutput(self, name, value=value)
