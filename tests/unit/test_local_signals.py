"""A signal ends a stack's wait, no matter which thread the system gives it to."""

import signal
import subprocess
import sys

import pytest

from local.aws.client import ROOT

WAIT = """
import signal, sys, threading, time
from local.aws.signals import Signals

def send():
    time.sleep(0.2)  # until the main thread waits
    signal.pthread_kill(threading.get_ident(), int(sys.argv[1]))
    time.sleep(60)

with Signals() as signals:
    signals.wait_for_them()
    threading.Thread(target=send, daemon=True).start()
    print(signals.next())
"""


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_that_another_thread_gets_ends_the_wait(number: signal.Signals) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WAIT, str(int(number))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert (done.stdout, done.stderr) == (f"{int(number)}\n", "")
