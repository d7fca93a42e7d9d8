"""The routing prompt in Parameter Store. CloudFormation never touches the live prompt."""

import json
from pathlib import Path

from aws_cdk import Stack
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.stage import Stage
from route_switch.adapters.ssm import output_ratios_parameter
from route_switch.domain.errors import PromptError
from route_switch.domain.prompt_document import parse_prompt
from route_switch.domain.prompts.going_live import check_may_go_live
from route_switch.domain.prompts.verdict_scope import stage_scope

SEED = Path("layers/core/python/route_switch/data/hand_written.md")


class PromptParameters(Construct):
    """The parameters of the seed, the lock's table, the bucket of local models and the scope of
    verdicts, and the names of the live prompt, the measured output ratios and the switches, which
    are made at run time.

    The names of the prompt share a prefix, so that one resource pattern grants everything needed to
    change it.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: Stage,
        lock_table: str,
        models_bucket: str,
    ) -> None:
        super().__init__(scope, construct_id)
        prefix = f"/route-switch/{stage.name}"
        self.live_name = f"{prefix}/prompt/live"
        self.seed_name = f"{prefix}/prompt/seed"
        self.ratios_name = output_ratios_parameter(self.live_name)
        self.switches_name = f"{prefix}/switches"
        self.seed = ssm.StringParameter(
            self,
            "Seed",
            parameter_name=self.seed_name,
            description="Hand-written routing prompt, the first live prompt",
            string_value=read_seed(SEED),
            tier=ssm.ParameterTier.INTELLIGENT_TIERING,
        )
        ssm.StringParameter(
            self,
            "LockTable",
            parameter_name=f"{prefix}/prompt/lock-table",
            description="Table with the lock for changes of the live prompt",
            string_value=lock_table,
        )
        ssm.StringParameter(
            self,
            "ModelsBucket",
            parameter_name=f"{prefix}/prompt/models-bucket",
            description="Bucket with the numbers of local models",
            string_value=models_bucket,
        )
        ssm.StringParameter(
            self,
            "VerdictScope",
            parameter_name=f"{prefix}/prompt/verdict-scope",
            description="What a candidate must be measured with: models, prices, settings, lambda",
            string_value=json.dumps(stage_scope(stage.router, stage.learning)),
        )

    @property
    def parameters(self) -> dict[str, str]:
        """The environment variables that tell a function where the prompt is."""
        return {
            "LIVE_PROMPT_PARAMETER": self.live_name,
            "SEED_PROMPT_PARAMETER": self.seed_name,
        }


def read_seed(path: Path) -> str:
    """Read a prompt. Raise `PromptError` if it must not go live, or names a local model."""
    text = path.read_text(encoding="utf-8")
    prompt = parse_prompt(text)
    check_may_go_live(prompt, text)
    if prompt.local_model is not None:
        raise PromptError(
            f"{path} names a local model, and a deployment stores no numbers of one. Deploy with a "
            "seed without it, and promote the candidate.json of the run that trained it."
        )
    return text


def parameter_arn(scope: Construct, name: str) -> str:
    """Return the ARN of a parameter. `name` begins with a slash."""
    stack = Stack.of(scope)
    return f"arn:{stack.partition}:ssm:{stack.region}:{stack.account}:parameter{name}"
