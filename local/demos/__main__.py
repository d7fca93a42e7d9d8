"""The `python -m local.demos` command: see `--help`."""

import argparse
import os
from pathlib import Path

from local.aws.errors import LocalStackError
from local.aws.proxies import bypass_for_loopback
from local.aws.signals import ended_plainly
from local.synthesis import synthesize
from route_switch.cli.stage import STACK_VARIABLE
from route_switch.domain.errors import RouteSwitchError


def main() -> None:
    arguments = parse_arguments()
    with ended_plainly(arguments.state):
        bypass_for_loopback()
        run(arguments)


def run(arguments: argparse.Namespace) -> None:
    """Synthesize into a folder of its own, so that the assembly of `make up` stays as it is."""
    os.environ.pop(STACK_VARIABLE, None)  # a demonstration shows its own stack
    folder = arguments.state / arguments.command
    assembly = folder / "cdk.out"
    folder.mkdir(parents=True, exist_ok=True)
    synthesize(assembly, os.environ)
    try:
        if arguments.command == "demo":
            from local.demos.demo import demo

            demo(assembly, folder, arguments.once)
        else:
            from local.demos.weekly import weekly

            weekly(
                assembly, arguments.queries, arguments.approve, arguments.running, arguments.shadow
            )
    except RouteSwitchError as error:
        raise LocalStackError(str(error)) from error


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.demos", description="Demonstrate the product on a local stack."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="send real queries through a stack and show the totals")
    demo.add_argument("--once", action="store_true", help="end even if there is a terminal")
    weekly = commands.add_parser("weekly", help="send real queries and learn from them")
    weekly.add_argument("--queries", type=int, help="number of queries (default: 550)")
    weekly.add_argument("--approve", action="store_true", help="approve the run if it asks")
    weekly.add_argument("--running", action="store_true", help="use the stack of `make up`")
    weekly.add_argument("--shadow", action="store_true", help="begin in shadow, then go live")
    for command in (demo, weekly):
        command.add_argument("--state", type=Path, default=Path(".local"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
