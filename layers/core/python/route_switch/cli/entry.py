"""The entry point of `route-switch`. It imports nothing before an interrupt is handled."""


def run() -> None:
    """Run the command. Ctrl-C ends it without a traceback, even while it is loading."""
    try:
        from route_switch.cli.main import run as run_command

        run_command()
    except KeyboardInterrupt:
        import sys

        sys.stderr.write("Aborted.\n")
        raise SystemExit(130) from None
