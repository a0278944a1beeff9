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


COMES_AGAIN = """
import os, signal, time
from crude_link.engine.stopping import Interrupts

now = [100.0]
with Interrupts(lambda: now[0]) as interrupts:
    os.kill(os.getpid(), signal.SIGINT)
now[0] += 0.01
os.kill(os.getpid(), signal.SIGINT)
print("dropped", interrupts.count, flush=True)
now[0] += 10
try:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(10)
except KeyboardInterrupt:
    print("heard")
"""


def test_the_echo_of_a_signal_is_dropped_also_when_all_is_over() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", COMES_AGAIN], capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.stdout == "dropped 1\nheard\n", ended.stderr
