"""Signals at a question, in a process of their own."""

from __future__ import annotations

import subprocess
import sys

LOST_IN_A_FINALIZER = """
import os, signal, time
from crude_link.engine.stopping import Interrupts

class Finalized:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):
            pass

with Interrupts(time.monotonic) as interrupts:
    try:
        with interrupts.raising():
            Finalized()
            while True:
                time.sleep(60)
    except KeyboardInterrupt:
        print("left for", interrupts.who, interrupts.count)
time.sleep(1.5)  # longer than it takes to be raised again
print("and went on")
"""


def test_a_question_is_left_also_when_what_the_signal_raised_was_lost() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LOST_IN_A_FINALIZER], capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.stdout == "left for TERM 1\nand went on\n"
    assert "Exception ignored in" in ended.stderr
