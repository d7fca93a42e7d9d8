"""One stage of route-switch, wired together."""

from pathlib import Path

from aws_cdk import Annotations, CfnOutput, DefaultStackSynthesizer, Environment, Stack
from constructs import Construct

from infra.alarms import Alarms
from infra.api import Api
from infra.data import Data
from infra.encryption import add_customer_key
from infra.learning import Learning
from infra.management import Management
from infra.metrics import metric
from infra.prices import with_capabilities, with_learning_prices, with_prices
from infra.prompt import Prompt
from infra.python_layer import PythonLayer, dependency_layer
from infra.rollout import MINUTE, Rollout
from infra.router import Router
from infra.setup import Setup
from infra.stage import Stage
from route_switch.domain.calibration import why_partial
from route_switch.domain.tiers import Tier

LAYERS = Path("layers")
LOCAL_PROVIDERS = frozenset({"local", "offline"})
"""Providers whose models run inside the function and need the offline layers."""

NO_JUDGE = (
    "Nobody grades answers, so only examples with feedback or a gold answer teach anything. Name a "
    "model in cdk.json under learning.judge."
)


class RouteSwitchStack(Stack):
    """Data, prompt, router, API and learning of one stage."""

    def __init__(self, scope: Construct, *, stage: Stage) -> None:
        super().__init__(
            scope,
            f"route-switch-{stage.name}",
            env=Environment(region=stage.region),
            description=f"route-switch, stage {stage.name}",
            termination_protection=stage.retain,
            synthesizer=DefaultStackSynthesizer(
                generate_bootstrap_version_rule=stage.name != "local"
            ),
        )
        stage = self._with_what_is_known(stage)
        add_customer_key(self, stage)
        data = Data(self, "Data", stage=stage)
        prompt = Prompt(self, "Prompt", stage=stage, lock_table=data.results.table_name)
        layers = self._layers(stage)
        router_layers = [*layers, *self._offline_layers(stage)]
        router = Router(self, "Router", stage=stage, data=data, prompt=prompt, layers=router_layers)
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
        management = Management(
            self, "Management", stage=stage, data=data, prompt=prompt, layers=layers
        )
        alarms = Alarms(self, "Alarms", stage=stage)
        served = {
            name: Rollout(
                self,
                f"{name.title()}Rollout",
                stage=stage,
                function=function.function,
                unexpected=metric(stage, name, "unexpected_errors", period=MINUTE),
                alarms=alarms,
            )
            for name, function in (("router", router), ("management", management))
        }
        self.functions = (router, management, setup.function, *learning.functions)
        api = Api(
            self,
            "Api",
            stage=stage,
            functions={name: rollout.alias for name, rollout in served.items()},
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
                **(
                    {}
                    if data.provider_secret is None
                    else {"ProviderSecret": data.provider_secret.secret_arn}
                ),
            }
        )

    def _with_what_is_known(self, stage: Stage) -> Stage:
        models, unknown = with_prices(stage.router.models)
        learning, unknown_to_learning = with_learning_prices(stage.learning)
        for name in unknown:
            self._warn(name, "its costs will be null", "models.prices")
        for name in unknown_to_learning:
            self._warn(name, "learning will not call it", "learning.prices")
        self._check_judge(stage)
        router = stage.router.model_copy(update={"models": with_capabilities(models)})
        return stage.model_copy(update={"router": router, "learning": learning})

    def _check_judge(self, stage: Stage) -> None:
        judge, tier_3 = stage.learning.judge, stage.router.models.tiers[Tier.LARGE].model
        warning = NO_JUDGE if judge is None else why_partial(judge, tier_3)
        if warning is not None:
            Annotations.of(self).add_warning_v2("route-switch:judge", warning)

    def _warn(self, name: str, consequence: str, place: str) -> None:
        Annotations.of(self).add_warning_v2(
            f"route-switch:no-price:{name}",
            f"{name} has no known price: {consequence}. State it in cdk.json under {place}.",
        )

    def _layers(self, stage: Stage) -> list[PythonLayer]:
        """What every function imports."""
        requirements = LAYERS / "dependencies/requirements.txt"
        return [
            PythonLayer(self, "CoreLayer", stage=stage, folder=LAYERS / "core"),
            dependency_layer(self, "DependencyLayer", stage=stage, requirements=requirements),
        ]

    def _offline_layers(self, stage: Stage) -> list[PythonLayer]:
        """Recorded answers and the encoder, only where a model of theirs is configured."""
        if not stage.providers & LOCAL_PROVIDERS:
            return []
        requirements = LAYERS / "offline/requirements.txt"
        return [
            PythonLayer(self, "OfflineLayer", stage=stage, folder=LAYERS / "offline"),
            dependency_layer(self, "EncoderLayer", stage=stage, requirements=requirements),
        ]

    def _outputs(self, values: dict[str, str]) -> None:
        for name, value in values.items():
            CfnOutput(self, name, value=value)
