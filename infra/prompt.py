"""The routing prompt's parameters. CloudFormation owns the seed and never touches the live one."""

from pathlib import Path

from aws_cdk import Stack
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.stage import Stage
from route_switch.domain.errors import PromptError

SEED = Path("layers/core/python/route_switch/data/hand_written.md")
MAX_PROMPT_BYTES = 8 * 1024
"""What an SSM parameter of the advanced tier holds."""


class Prompt(Construct):
    """The seed parameter, and the name of the live one, which is created at run time."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: Stage) -> None:
        super().__init__(scope, construct_id)
        prefix = f"/route-switch/{stage.name}"
        self.live_name = f"{prefix}/prompt/live"
        self.seed_name = f"{prefix}/prompt/seed"
        self.seed = ssm.StringParameter(
            self,
            "Seed",
            parameter_name=self.seed_name,
            description="Hand-written routing prompt: what the live one starts as",
            string_value=read_seed(SEED),
            tier=ssm.ParameterTier.INTELLIGENT_TIERING,
        )


def read_seed(path: Path) -> str:
    """Reads a prompt as SSM takes it; raises `PromptError` for what SSM would refuse."""
    text = path.read_text(encoding="utf-8")
    size = len(text.encode())
    if size > MAX_PROMPT_BYTES:
        raise PromptError(f"{path}: {size:,} bytes; an SSM parameter holds {MAX_PROMPT_BYTES:,}.")
    if "{{" in text:
        raise PromptError(f"{path}: contains '{{{{', which SSM takes for a reference. Reword it.")
    return text


def parameter_arn(scope: Construct, name: str) -> str:
    """The ARN of a parameter whose name begins with a slash."""
    stack = Stack.of(scope)
    return f"arn:{stack.partition}:ssm:{stack.region}:{stack.account}:parameter{name}"
