"""What the script `docker` beside it does with `docker build` as the CDK calls it."""

import argparse
import sys
from pathlib import Path

from local.aws.emulator import CACHE
from local.aws.errors import LocalStackError
from local.aws.image import build, keep

OF_ASSET = "cdkasset-"
"""What the name of an asset's image begins with; its hash, the later tag, follows."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="docker")
    parser.add_argument("command", choices=["build"])
    parser.add_argument("--tag", required=True)
    parser.add_argument("--file", required=True)
    parser.add_argument("--platform", required=True)
    parser.add_argument("--build-arg", action="append", default=[])
    parser.add_argument("context", type=Path)
    given = parser.parse_args()
    source = {
        "dockerFile": given.file,
        "platform": given.platform,
        "dockerBuildArgs": dict(pair.split("=", 1) for pair in given.build_arg),
    }
    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        image = build(given.context.resolve(), source, CACHE)
    except LocalStackError as error:
        sys.exit(f"{error}")
    keep(image, given.tag.removeprefix(OF_ASSET), CACHE)


if __name__ == "__main__":
    main()
