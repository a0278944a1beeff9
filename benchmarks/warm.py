"""Compare functions and warm scripts with their peers: each line is one paired run, and the ratio of rates.

Rates are tasks per second of whole processes, from the command to its end, two at once; the ratio is the median of
the pairs' ratios. Ours records every task in full, and keeps its output and what it returned. A script is compared
at fewer tasks by hand, for each takes its second.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

CRUDE_LINK = [sys.executable, "-m", "crude_link", "run", "--no-prompt"]
SLOTS = 2
_FUNCTION = "def same(n):\n    return n\n"
_PEERS = """
import multiprocessing
import sys
from work import same

def processes(count):
    running = []
    for n in range(count):
        if len(running) == 2:
            running.pop(0).join()
        running.append(multiprocessing.Process(target=same, args=(n,)))
        running[-1].start()
    for process in running:
        process.join()

def pool(count):
    with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1) as workers:
        workers.map(same, range(count), chunksize=1)

if __name__ == "__main__":
    {"processes": processes, "pool": pool}[sys.argv[1]](int(sys.argv[2]))
"""
_SLOW = "import time\nend = time.process_time() + 1\nwhile time.process_time() < end:\n    pass\n"
_SCRIPT = "import sys\nimport slow\nprint(sys.argv[1])\n"


def main() -> int:
    """Run all comparisons and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="pairs of runs per line")
    parser.add_argument("--tasks", type=int, default=3000, help="tasks per run")
    given = parser.parse_args()
    print(f"{'what':44} {'ours':>9} {'theirs':>9} {'ratio':>6}  goal")
    with tempfile.TemporaryDirectory() as text:
        folder, count = Path(text), given.tasks
        for name, content in (("work", _FUNCTION), ("peers", _PEERS), ("slow", _SLOW), ("script", _SCRIPT)):
            (folder / f"{name}.py").write_text(content)
        ours = _ours(folder, "function", f"function: work.py:same, foreach: {{range: {count}}}")
        for peer, name, goal in (("processes", "Process", 2), ("pool", "Pool(maxtasksperchild=1)", 3)):
            theirs = [sys.executable, "peers.py", peer, str(count)]
            _line(f"function vs multiprocessing.{name}", folder, ((ours, count), (theirs, count)), given.pairs, goal)
        many = "script: script.py, arguments: {n: '{item}'}, warm: true"
        ours = _ours(folder, "script", f"{many}, foreach: {{range: {count}}}")
        theirs = ["sh", "-c", f"seq 6 | xargs -P{SLOTS} -n1 {sys.executable} script.py"]
        _line("warm script, imports take 1 s, vs xargs -P2", folder, ((ours, count), (theirs, 6)), given.pairs, 50)
    return 0


def _ours(folder: Path, name: str, step: str) -> list[str]:
    config = folder / f"{name}.yaml"
    config.write_text(f"steps: [{{name: many, parallel: {SLOTS}, {step}}}]\n")
    return [*CRUDE_LINK, "-c", str(config)]


def _line(
    name: str, folder: Path, pair: tuple[tuple[Sequence[str], int], tuple[Sequence[str], int]], pairs: int, goal: int
) -> None:
    (ours, our_count), (theirs, their_count) = pair
    rates = []
    for _ in range(pairs):
        their_rate = their_count / _time(theirs, folder)
        rates.append((our_count / _time(ours, folder), their_rate))
    ratio = statistics.median(a / b for a, b in rates)
    our, their = (statistics.median(rate[index] for rate in rates) for index in (0, 1))
    print(f"{name:44} {our:7.0f}/s {their:7.1f}/s {ratio:6.2f}  >= {goal}", flush=True)


def _time(command: Sequence[str], folder: Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    os.environ["NO_COLOR"] = "1"
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.exit(main())
