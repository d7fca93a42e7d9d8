"""Build images for the CDK: the script `docker` in this folder runs this for `docker build`."""

import argparse
import sys
from pathlib import Path

from local.aws.emulator import CACHE
from local.aws.errors import LocalStackError
from local.aws.image import build, save_image

TAG_PREFIX = "cdkasset-"
"""Prefix of the CDK's image names. The asset's hash follows, and becomes the tag."""


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
    save_image(image, given.tag.removeprefix(TAG_PREFIX), CACHE)


if __name__ == "__main__":
    main()
