"""The entry point of the command: an interrupt shows no traceback, even if it comes very early."""

import subprocess
import sys

SLOW_TO_LOAD = """
import os, signal, sys
from route_switch.cli import entry
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == "route_switch.cli.main":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupted())
entry.run()
"""


def test_an_interrupt_while_the_command_is_loaded_shows_no_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SLOW_TO_LOAD], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (130, "Aborted.\n")


def test_importing_the_entry_point_imports_no_command() -> None:
    code = "import sys; from route_switch.cli import entry; print('typer' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
