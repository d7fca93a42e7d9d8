"""The `python -m local.demos` command: see `--help`."""

import argparse
import sys
from pathlib import Path

from local.aws.errors import LocalStackError
from route_switch.domain.errors import RouteSwitchError


def main() -> None:
    arguments = parse_arguments()
    try:
        if arguments.command == "demo":
            from local.demos.demo import demo

            demo(arguments.assembly, arguments.state / "demo")
        else:
            from local.demos.weekly import weekly

            weekly(arguments.assembly, arguments.queries, arguments.approve, arguments.shadow)
    except (LocalStackError, RouteSwitchError) as error:
        sys.exit(f"{error}")
    except KeyboardInterrupt:
        sys.exit("Interrupted. Everything that this command started has been stopped.")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.demos", description="Demonstrate the product on a local stack."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    demo = commands.add_parser("demo", help="send real queries through a stack and show the totals")
    demo.add_argument("--state", type=Path, default=Path(".local"))
    weekly = commands.add_parser("weekly", help="send real queries and learn from them")
    weekly.add_argument("--queries", type=int, help="number of queries (default: all recorded)")
    weekly.add_argument("--approve", action="store_true", help="approve the run if it asks")
    weekly.add_argument("--shadow", action="store_true", help="begin in shadow, then go live")
    for command in (demo, weekly):
        command.add_argument("--assembly", type=Path, default=Path("cdk.out"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
