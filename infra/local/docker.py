"""Stands where the CDK's command line looks for Docker (`CDK_DOCKER`); the script `docker` runs it.

It lays an image out as a folder, which local stacks then find by its tag.
"""

import argparse
import sys
from pathlib import Path

from infra.local.errors import LocalStackError
from infra.local.functions import CACHE
from infra.local.image import build, keep

OF_ASSET = "cdkasset-"
"""The command line builds under this name and the asset's hash, which becomes the tag."""


def main() -> None:
    match sys.argv[1:]:
        case ["build", *options]:
            build_image(options)
        case ["inspect", *_]:
            sys.exit(1)  # it is not there yet
        case ["login", *_]:
            sys.stdin.read()  # the password
        case ["tag" | "push", *_]:
            pass
        case unknown:
            sys.exit(f"The local stack has no Docker: it cannot {' '.join(unknown)}.")


def build_image(options: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="docker build")
    parser.add_argument("--tag", required=True)
    parser.add_argument("--file", required=True)
    parser.add_argument("--platform", required=True)
    parser.add_argument("--build-arg", action="append", default=[])
    parser.add_argument("context", type=Path)
    given = parser.parse_args(options)
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
