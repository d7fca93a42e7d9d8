"""`route-switch prompt`: the live routing prompt between Parameter Store and a file."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError

from route_switch.adapters.ssm import SsmPromptStore
from route_switch.domain.errors import ConfigurationError, PromptError, RouteSwitchError
from route_switch.services.publish_prompt import publish

STACK_FILE = Path(".local/stack.json")

app = typer.Typer(help="The live routing prompt.", no_args_is_help=True)

Stage = Annotated[
    str | None,
    typer.Option(
        help=f"Stage whose prompt is meant. Without it: the stack in {STACK_FILE}, if one runs."
    ),
]
File = Annotated[Path, typer.Argument(help="Markdown file.")]


@app.command()
def pull(file: File, stage: Stage = None) -> None:
    """Write the live prompt to FILE, byte for byte."""
    with _aws_errors():
        name, store = _store(stage)
        stored = store.read_live()
    if stored is None:
        raise PromptError(f"There is no parameter '{name}'. Push one or deploy the stage.")
    _write_whole(file, stored.document)
    typer.echo(f"{name}, version {stored.version} -> {file}")


@app.command()
def push(file: File, stage: Stage = None) -> None:
    """Make FILE the live prompt, byte for byte, as a new version."""
    try:
        document = file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RouteSwitchError(f"The prompt {file} cannot be read: {error}") from error
    with _aws_errors():
        name, store = _store(stage)
        version = publish(store, document)
    typer.echo(f"{file} -> {name}, version {version}")


def _store(stage: str | None) -> tuple[str, SsmPromptStore]:
    """The parameter's name and its store: of `stage`, or of the stack that runs here."""
    if stage is not None:
        prefix = f"/route-switch/{stage}/prompt"
        return f"{prefix}/live", SsmPromptStore(
            boto3.client("ssm"), f"{prefix}/live", f"{prefix}/seed"
        )
    if not STACK_FILE.exists():
        raise ConfigurationError(
            f"Which prompt? There is no {STACK_FILE} here. Name a stage with --stage, or start the "
            "local stack with 'make up'."
        )
    stack = json.loads(STACK_FILE.read_text("utf-8"))
    client = boto3.client(
        "ssm",
        endpoint_url=stack["aws_endpoint"],
        region_name=stack["region"],
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 (a loopback server that checks none)
    )
    live: str = stack["prompt_parameter"]
    return live, SsmPromptStore(client, live, live.removesuffix("/live") + "/seed")


@contextlib.contextmanager
def _aws_errors() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise RouteSwitchError(
            f"AWS refused or could not be reached: {error}. Check AWS_REGION and the credentials."
        ) from error


def _write_whole(file: Path, document: str) -> None:
    """Writes all of it or nothing: an interrupted pull leaves the old file."""
    beside = file.with_name(f".{file.name}.part")
    try:
        beside.write_bytes(document.encode())
        beside.replace(file)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise RouteSwitchError(f"The prompt {file} cannot be written: {error}") from error
