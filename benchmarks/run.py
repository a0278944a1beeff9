"""Compare crude-link with its peers: each line is one paired run, ours and theirs in turn, and their ratio.

`make bench` prints the table. Times are whole processes, in milliseconds, medians of the pairs; the ratio is the
median of the pairs' ratios, so that a machine whose speed drifts does not matter. A peer that is not installed
is left out (`pip install -e '.[bench]'` brings doit and luigi; make comes with the system).
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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

CRUDE_LINK = [sys.executable, "-m", "crude_link"]
Prepare = Callable[[Path, int], "list[str] | None"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two commands that do the same, and the goal for the ratio of ours to theirs."""

    name: str
    ours: Sequence[str]
    theirs: Sequence[str]
    folder: Path
    goal: float | None = None


def main() -> int:
    """Run all comparisons and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=11, help="pairs of runs per line")
    pairs = parser.parse_args().pairs
    print(f"{'what':34} {'ours':>9} {'theirs':>9} {'ratio':>6}  goal")
    with tempfile.TemporaryDirectory() as folder:
        for pair in [*_help(Path(folder)), *_pipelines(Path(folder))]:
            ours, theirs, ratio = _measure(pair, pairs)
            goal = f"<= {pair.goal}" if pair.goal else ""
            print(f"{pair.name:34} {ours:7.0f}ms {theirs:7.0f}ms {ratio:6.2f}  {goal}", flush=True)
        print(_marginal(Path(folder), pairs))
    return 0


def _measure(pair: Pair, count: int) -> tuple[float, float, float]:
    _time(pair.ours, pair.folder)
    _time(pair.theirs, pair.folder)
    times = [(_time(pair.ours, pair.folder), _time(pair.theirs, pair.folder)) for _ in range(count)]
    ratio = statistics.median(ours / theirs for ours, theirs in times)
    return statistics.median(t[0] for t in times), statistics.median(t[1] for t in times), ratio


def _time(command: Sequence[str], folder: Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdin=subprocess.DEVNULL, capture_output=True)
    return (time.perf_counter() - began) * 1000


def _help(folder: Path) -> list[Pair]:
    click = [sys.executable, "-c", "import click"]
    return [Pair(name="--help vs import click", ours=[*CRUDE_LINK, "--help"], theirs=click, folder=folder, goal=1.6)]


def _pipelines(folder: Path) -> list[Pair]:
    peers: dict[str, Prepare] = {"bash": _bash, "make": _make, "doit": _doit, "luigi": _luigi}
    result = []
    for steps in (4, 100):
        ours = folder / f"ours-{steps}"
        ours.mkdir()
        command = _ours(ours, steps)
        for name, prepare in peers.items():
            theirs = folder / f"{name}-{steps}"
            theirs.mkdir()
            peer = prepare(theirs, steps)
            if peer is None:
                print(f"{steps} steps vs {name}: not installed")
                continue
            # doit and luigi remember what is done; a fresh folder each time would cost them nothing either
            goal = 1.0 if name == "luigi" and steps == 4 else None
            pair = ["sh", "-c", f"cd {theirs} && exec {' '.join(peer)}"]
            result.append(Pair(name=f"{steps} steps vs {name}", ours=command, theirs=pair, folder=ours, goal=goal))
    return result


def _marginal(folder: Path, count: int) -> str:
    """One more recorded step against one more line of bash: (100 steps - 4 steps) / 96 of each."""
    ratios = []
    for _ in range(count):
        ours = _time(_ours(folder / "ours-100", 100), folder / "ours-100")
        ours -= _time(_ours(folder / "ours-4", 4), folder / "ours-4")
        bash = _time(["bash", "steps.sh"], folder / "bash-100") - _time(["bash", "steps.sh"], folder / "bash-4")
        ratios.append((ours / 96, bash / 96))
    ratio = statistics.median(a / b for a, b in ratios)
    ours = statistics.median(a for a, _ in ratios)
    theirs = statistics.median(b for _, b in ratios)
    return f"{'one more step vs bash':34} {ours:7.2f}ms {theirs:7.2f}ms {ratio:6.2f}  <= 1.5"


def _ours(folder: Path, steps: int) -> list[str]:
    lines = "".join(f"  - {{name: s{i}, command: [/bin/true]}}\n" for i in range(steps))
    (folder / "config.yaml").write_text(f"steps:\n{lines}")
    return [*CRUDE_LINK, "run", "--no-prompt"]


def _bash(folder: Path, steps: int) -> list[str] | None:
    (folder / "steps.sh").write_text("set -e\n" + "/bin/true\n" * steps)
    return ["bash", "steps.sh"]


def _make(folder: Path, steps: int) -> list[str] | None:
    rules = "".join(f"s{i}:{f' s{i - 1}' if i else ''}\n\t@/bin/true\n" for i in range(steps))
    (folder / "Makefile").write_text(
        f".PHONY: all {' '.join(f's{i}' for i in range(steps))}\nall: s{steps - 1}\n{rules}"
    )
    return ["make", "-s", "all"] if shutil.which("make") else None


def _doit(folder: Path, steps: int) -> list[str] | None:
    (folder / "dodo.py").write_text(
        "def task_s():\n"
        f"    for i in range({steps}):\n"
        "        yield {'name': str(i), 'actions': ['/bin/true'], 'task_dep': [f's:{i - 1}'] if i else []}\n"
    )
    return [sys.executable, "-m", "doit"] if _has("doit") else None


def _luigi(folder: Path, steps: int) -> list[str] | None:
    (folder / "flow.py").write_text(
        "import luigi, subprocess\n"
        "class S(luigi.Task):\n"
        "    n = luigi.IntParameter()\n"
        "    done = False\n"
        "    def requires(self): return [S(n=self.n - 1)] if self.n else []\n"
        "    def run(self): subprocess.run(['/bin/true'], check=True); self.done = True\n"
        "    def complete(self): return self.done\n"
        f"luigi.build([S(n={steps - 1})], local_scheduler=True, log_level='WARNING')\n"
    )
    return [sys.executable, "flow.py"] if _has("luigi") else None


def _has(module: str) -> bool:
    return (
        subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0
    )


if __name__ == "__main__":
    os.environ["NO_COLOR"] = "1"
    # Some machines set it, and would then measure Python's compiler: an installed program has its bytecode.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.exit(main())
