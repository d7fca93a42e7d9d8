"""The stack: one stage of route-switch, wired together."""

from aws_cdk import CfnOutput, DefaultStackSynthesizer, Environment, Stack, Tags
from constructs import Construct

from infra.alarms import Alarms
from infra.api import Api
from infra.console import ConsoleFunction
from infra.dashboard import Dashboard
from infra.data import Data
from infra.encryption import add_customer_key
from infra.known_models import with_model_data
from infra.layers import base_layers, litellm_layer, offline_layers
from infra.learning import Learning
from infra.management import ManagementFunction
from infra.monitoring import watch_learning, watch_queues, watch_requests, watch_spending
from infra.owner import OwnerFunction
from infra.prompt_parameters import PromptParameters
from infra.rollout import add_live_aliases
from infra.router import RouterFunction
from infra.setup import Setup
from infra.stage import Stage
from infra.widget import WidgetFunction
from route_switch.domain.providers import IN_PROCESS, provider_of


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
        # None for Bedrock and OpenAI-compatible APIs.
        offline, litellm = offline_layers(self, stage), litellm_layer(self, stage)
        router_layers = [*layers, *offline, *litellm]
        router_runs_here = provider_of(stage.router.models.router) in IN_PROCESS
        router = RouterFunction(
            self, "Router", stage=stage, data=data, prompt=prompt, layers=router_layers
        )
        learning = Learning(
            self,
            "Learning",
            stage=stage,
            data=data,
            prompt=prompt,
            layers=layers,
            router_log=router.log_group,
        )
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
        owner = OwnerFunction(
            self,
            "Owner",
            stage=stage,
            data=data,
            prompt=prompt,
            layers=[*layers, *(offline if router_runs_here else [])],
            machine=learning.machine,
        )
        widget = WidgetFunction(
            self, "CostsWidget", stage=stage, data=data, prompt=prompt, layers=layers
        )
        console = ConsoleFunction(self, "Console", stage=stage)
        others = (*learning.functions, widget, console)
        self.functions = (router, management, owner, setup.function, *others)
        alarms = Alarms(self, "Alarms", stage=stage)
        [routing] = add_live_aliases(router, stage=stage, alarms=alarms)
        managing, owning = add_live_aliases(management, owner, stage=stage, alarms=alarms)
        served = {
            "router": routing,
            "management": managing,
            "owner": owning,
            "console": console.function,  # no canary: a page's files must be of one version
        }
        api = Api(self, "Api", stage=stage, functions=served)
        if stage.authorizer == "keys":  # IAM in front of the API lets no browser in
            learning.link_to(api.console)
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
                "ConsoleUrl": f"{api.endpoint}/console",
                "ResultsTable": data.results.table_name,
                "KeysTable": data.keys.table_name,
                "LivePromptParameter": prompt.live_name,
                "SeedPromptParameter": prompt.seed_name,
                "FirstKeysParameter": setup.first_keys_name,
                "RouterFunction": router.function.function_name,
                "LearningFunction": learning.steps.function.function_name,
                "CostsWidgetFunction": widget.function.function_name,
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
