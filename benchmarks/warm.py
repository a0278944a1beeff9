"""Compare functions and warm scripts with their peers: each line is one paired run, and the ratio of rates.

Rates are tasks per second of whole processes, from the command to its end, two at once; the ratio is the median of
the pairs' ratios. Ours records every task in full, and keeps its output and what it returned. A script is compared
at fewer tasks by hand, for each takes its second.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from rates import SLOTS, Counted, heading, line, ours, settle

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

def pool(count, most=1):
    with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=most) as workers:
        workers.map(same, range(count), chunksize=1)

def pool100(count):
    pool(count, 100)

if __name__ == "__main__":
    {"processes": processes, "pool": pool, "pool100": pool100}[sys.argv[1]](int(sys.argv[2]))
"""
_SLOW = "import time\nend = time.process_time() + 1\nwhile time.process_time() < end:\n    pass\n"
_SCRIPT = "import sys\nimport slow\nprint(sys.argv[1])\n"


def main() -> int:
    """Run all comparisons and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="pairs of runs per line")
    parser.add_argument("--tasks", type=int, default=3000, help="tasks per run")
    given = parser.parse_args()
    print(heading())
    with tempfile.TemporaryDirectory() as text:
        folder, count = Path(text), given.tasks
        for name, content in (("work", _FUNCTION), ("peers", _PEERS), ("slow", _SLOW), ("script", _SCRIPT)):
            (folder / f"{name}.py").write_text(content)
        step = f"function: work.py:same, foreach: {{range: {count}}}"
        mine = ours(folder, "function", step)
        reused = ours(folder, "reused", f"{step}, warm: {{reuse: 100}}")
        for how, command, peer, name, goal in (
            ("function", mine, "processes", "Process", 2),
            ("function", mine, "pool", "Pool(maxtasksperchild=1)", 3),
            ("reuse: 100", reused, "processes", "Process", 2),
            ("reuse: 100", reused, "pool100", "Pool(maxtasksperchild=100)", None),
        ):
            theirs = [sys.executable, "peers.py", peer, str(count)]
            pair = (Counted(command, count), Counted(theirs, count))
            print(line(f"{how} vs {name}", folder, pair, given.pairs, goal), flush=True)
        many = "script: script.py, arguments: {n: '{item}'}, warm: true"
        mine = ours(folder, "script", f"{many}, foreach: {{range: {count}}}")
        theirs = ["sh", "-c", f"seq 6 | xargs -P{SLOTS} -n1 {sys.executable} script.py"]
        pair = (Counted(mine, count), Counted(theirs, 6))
        print(line("warm script, imports take 1 s, vs xargs -P2", folder, pair, given.pairs, 50), flush=True)
    return 0


if __name__ == "__main__":
    settle()
    sys.exit(main())
