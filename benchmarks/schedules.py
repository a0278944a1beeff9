"""How a scheduler bears many schedules: 1,000 pipelines with one each, while 50 runs are live.

    python benchmarks/schedules.py [--pipelines 1000] [--live 50] [--seconds 60] [--files]

Tells how long the start takes, how late slots begin, and the memory. With --files each pipeline has its own file.
"""

from __future__ import annotations

import argparse
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path


def main() -> None:
    """Measure, and print one line for each number."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pipelines", type=int, default=1000)
    parser.add_argument("--live", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--files", action="store_true")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder), said)


def _measure(folder: Path, said: argparse.Namespace) -> None:
    blocks = [_live(number, said.seconds) for number in range(said.live)]
    blocks += [_short(number) for number in range(said.pipelines - said.live)]
    if said.files:
        names = [f"p{number}.yaml" for number in range(len(blocks))]
        for name, block in zip(names, blocks, strict=True):
            (folder / name).write_text("pipelines:\n" + block)
    else:
        names = ["config.yaml"]
        (folder / "config.yaml").write_text("pipelines:\n" + "".join(blocks))
    options = [word for name in names for word in ("-c", name)]
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "crude_link", *options, "--non-interactive"], cwd=folder, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for_start(process, folder / "crude-link.log", said.pipelines)
        print(f"start: {time.monotonic() - began:.1f} s for {said.pipelines} pipelines in {len(names)} files")
        time.sleep(said.seconds)
        status = Path(f"/proc/{process.pid}/status").read_text()
        memory = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
        print(f"memory: {int(memory) / 1000:.0f} MB at most")
        ticks = sum(map(int, Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]))
        print(f"CPU: {ticks / os.sysconf('SC_CLK_TCK'):.1f} s in all")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
    _tell_lateness(folder / ".crude-link" / "crude-link.db")


def _live(number: int, seconds: int) -> str:
    return f"  live{number}: {{schedule: {{every: 1s, on_failure: keep}}, steps: ['sleep {seconds + 30}']}}\n"


def _short(number: int) -> str:
    """One that fires once a minute, each in its own second."""
    return f"  short{number}: {{cron: {{minute: '*', second: {number % 60}}}, steps: ['echo done']}}\n"


def _wait_for_start(process: subprocess.Popen[bytes], log: Path, pipelines: int) -> None:
    while not log.exists() or log.read_text().count(": next run at") < pipelines:
        assert process.poll() is None, "the scheduler has ended"
        time.sleep(0.05)


def _tell_lateness(database: Path) -> None:
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT slot_time, at FROM firings WHERE pipeline LIKE 'short%'").fetchall()
        fates = connection.execute("SELECT fate, sum(count) FROM firings GROUP BY fate").fetchall()
    late = sorted((datetime.fromisoformat(at) - datetime.fromisoformat(slot)).total_seconds() for slot, at in rows)
    if late:
        parts = [f"{name} {late[int(share * (len(late) - 1))]:.3f} s" for name, share in _SHARES]
        print(f"lateness of {len(late)} slots: {', '.join(parts)}")
    print("fates: " + ", ".join(f"{fate} {count}" for fate, count in fates))


_SHARES = (("half", 0.5), ("95 %", 0.95), ("99 %", 0.99), ("at most", 1.0))


if __name__ == "__main__":
    main()
