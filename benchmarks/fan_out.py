"""Compare a fan-out with its peers: each line is one paired run, theirs and ours in turn, and the ratio of rates.

`make bench-fan-out` prints the table. Rates are tasks per second of whole processes, from the command to its end;
the ratio is the median of the pairs' ratios. Ours records every task in full and keeps its output apart, as
`parallel --joblog --results` does and xargs does not. GNU parallel is left out where it is not installed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

CRUDE_LINK = [sys.executable, "-m", "crude_link", "run", "--no-prompt"]
SLOTS = 2


def main() -> int:
    """Run all comparisons and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="pairs of runs per line")
    parser.add_argument("--tasks", type=int, default=5000, help="tasks per run")
    given = parser.parse_args()
    print(f"{'what':40} {'ours':>9} {'theirs':>9} {'ratio':>6}  goal")
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (folder / "items").write_text("".join(f"{number}\n" for number in range(given.tasks)))
        few = max(given.tasks // 4, 100)  # parallel is slow
        (folder / "few").write_text("".join(f"{number}\n" for number in range(few)))
        for name, command in (("/bin/true", "[/bin/true, '{item}']"), ("echo", "[/bin/echo, '{item}']")):
            program = command.strip("[").split(",")[0]
            ours = _ours(folder, f"x{name.strip('/').replace('/', '-')}", command, "items")
            xargs = ["sh", "-c", f"xargs -P{SLOTS} -n1 {program} < items > /dev/null"]
            _line(f"{name}, {given.tasks} tasks vs xargs -P{SLOTS}", folder, (ours, xargs), given, given.tasks, "1.0")
            if not shutil.which("parallel"):
                print(f"{name} vs parallel: not installed")
                continue
            ours = _ours(folder, f"p{name.strip('/').replace('/', '-')}", command, "few")
            parallel = [
                "sh",
                "-c",
                f"rm -rf o j; parallel -j{SLOTS} --joblog j --results o {program} :::: few > /dev/null",
            ]
            _line(f"{name}, {few} tasks vs parallel --joblog", folder, (ours, parallel), given, few, "5.0")
    return 0


def _ours(folder: Path, name: str, command: str, items: str) -> list[str]:
    config = folder / f"{name}.yaml"
    config.write_text(
        f"steps: [{{name: many, command: {command}, foreach: {{lines: {items}}}, parallel: {SLOTS}}}]\n"
    )
    return [*CRUDE_LINK, "-c", str(config)]


def _line(
    name: str,
    folder: Path,
    pair: tuple[Sequence[str], Sequence[str]],
    given: argparse.Namespace,
    tasks: int,
    goal: str,
) -> None:
    times = [(_time(pair[0], folder), _time(pair[1], folder)) for _ in range(given.pairs)]
    ratio = statistics.median(theirs / ours for ours, theirs in times)
    ours, theirs = (tasks / statistics.median(each[place] for each in times) for place in (0, 1))
    print(f"{name:40} {ours:7.0f}/s {theirs:7.0f}/s {ratio:6.2f}  >= {goal}", flush=True)


def _time(command: Sequence[str], folder: Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    os.environ["NO_COLOR"] = "1"
    # Some machines set it, and would then measure Python's compiler: an installed program has its bytecode.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.exit(main())
