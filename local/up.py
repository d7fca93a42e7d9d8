"""`make up`: find real models, synthesize the local stage for them, and run it until Ctrl-C."""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from local.aws.__main__ import Wanted, up
from local.aws.client import read_descriptions_once
from local.aws.proxies import bypass_for_loopback, hint
from local.aws.signals import Signals, ended_plainly
from local.real_models import Models, find_models
from local.synthesis import synthesize

AUTO = "auto"
STATE, ASSEMBLY = Path(".local"), Path("cdk.out")
SAVED = STATE / "state" / "state.db"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.up", description=__doc__)
    parser.add_argument("--profile", default=AUTO, help="of cdk.json; auto looks for real models")
    parser.add_argument("--fresh", action="store_true", help="delete what earlier stacks kept")
    arguments = parser.parse_args()
    with ended_plainly(STATE), Signals():
        remark = hint(os.environ)
        bypass_for_loopback()
        models = models_of(arguments.profile, os.environ)
        os.environ.update(models.environment(os.environ))
        sys.stdout.write("Starting the local stack…\n")
        sys.stdout.flush()
        synthesize(ASSEMBLY, os.environ, meanwhile=prepare)
        remark += f"\nModels: {models.said}\n"
        up(Wanted(ASSEMBLY, STATE, saved=SAVED, fresh=arguments.fresh, remark=remark))


def models_of(profile: str, environment: Mapping[str, str]) -> Models:
    if profile != AUTO:
        replayed = ", so recorded answers are replayed" if profile == "offline" else ""
        return Models(profile, f"PROFILE={profile} is set{replayed}.")
    return find_models(environment)


def prepare() -> None:
    """Import moto, which takes a second."""
    read_descriptions_once()
    import local.aws.stack  # noqa: F401 - the import is what takes the time


if __name__ == "__main__":
    main()
