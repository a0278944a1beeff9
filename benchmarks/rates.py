"""Rates: how the benchmarks of fan-outs start ours, time whole processes, and print a line of the table."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

#: How many tasks run at once, ours and theirs.
SLOTS = 2


class Counted(NamedTuple):
    """A command, and how many tasks it does."""

    command: Sequence[str]
    tasks: int


def ours(folder: Path, name: str, step: str) -> list[str]:
    """Write a config of one step, and return what runs it."""
    config = folder / f"{name}.yaml"
    config.write_text(f"steps: [{{name: many, parallel: {SLOTS}, {step}}}]\n")
    return [sys.executable, "-m", "crude_link", "run", "--no-prompt", "-c", str(config)]


def heading() -> str:
    """Return the first line of a table."""
    return f"{'what':46} {'ours':>9} {'theirs':>9} {'ratio':>6}  goal"


def line(name: str, folder: Path, pair: tuple[Counted, Counted], pairs: int, goal: float | None) -> str:
    """Run ours and theirs in turn, so many times; return the line with both rates and the median of their ratios."""
    rates = [tuple(each.tasks / _seconds(each.command, folder) for each in pair) for _ in range(pairs)]
    ratio = statistics.median(one / other for one, other in rates)
    our, their = (statistics.median(rate[place] for rate in rates) for place in (0, 1))
    return f"{name:46} {our:7.0f}/s {their:7.1f}/s {ratio:6.2f}  {'' if goal is None else f'>= {goal:g}'}"


def settle() -> None:
    """Make this process's environment that of an installed program."""
    os.environ["NO_COLOR"] = "1"
    # Some machines set it, and would then measure Python's compiler: an installed program has its bytecode.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def _seconds(command: Sequence[str], folder: Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    return time.perf_counter() - began
