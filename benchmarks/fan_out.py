"""Compare a fan-out with its peers: each line is one paired run, ours and theirs in turn, and the ratio of rates.

`make bench-fan-out` prints the table. Rates are tasks per second of whole processes, from the command to its end;
the ratio is the median of the pairs' ratios. Ours records every task in full and keeps its output apart, as
`parallel --joblog --results` does and xargs does not. GNU parallel is left out where it is not installed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from rates import SLOTS, Counted, heading, line, ours, settle


def main() -> int:
    """Run all comparisons and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5, help="pairs of runs per line")
    parser.add_argument("--tasks", type=int, default=5000, help="tasks per run")
    given = parser.parse_args()
    few = max(given.tasks // 4, 100)  # parallel is slow
    print(heading())
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        for name, count in (("items", given.tasks), ("few", few)):
            (folder / name).write_text("".join(f"{number}\n" for number in range(count)))
        for program in ("/bin/true", "/bin/echo"):
            command = f"command: [{program}, '{{item}}']"
            xargs = ["sh", "-c", f"xargs -P{SLOTS} -n1 {program} < items > /dev/null"]
            mine = ours(folder, f"{Path(program).name}-items", f"{command}, foreach: {{lines: items}}")
            pair = (Counted(mine, given.tasks), Counted(xargs, given.tasks))
            print(
                line(f"{program}, {given.tasks} tasks vs xargs -P{SLOTS}", folder, pair, given.pairs, 1), flush=True
            )
            if not shutil.which("parallel"):
                print(f"{program} vs parallel: not installed")
                continue
            script = f"rm -rf o j; parallel -j{SLOTS} --joblog j --results o {program} :::: few > /dev/null"
            mine = ours(folder, f"{Path(program).name}-few", f"{command}, foreach: {{lines: few}}")
            pair = (Counted(mine, few), Counted(["sh", "-c", script], few))
            print(line(f"{program}, {few} tasks vs parallel --joblog", folder, pair, given.pairs, 5), flush=True)
    return 0


if __name__ == "__main__":
    settle()
    sys.exit(main())
