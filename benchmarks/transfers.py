"""Compare transfers with their peers on one object store of this machine: `rclone copy` and `aws s3 sync`.

Each line is the time of one of us and of one of them, in turn, so many times; the ratio is the median of the pairs'
ratios, ours over theirs. Ours is the whole program, with its notes, checksums and what makes files survive a power
failure. Folders are emptied, or the far end is a new one, before each run. A peer that is not installed is left out.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rates import settle

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from store_servers import KEYS, Server, s3_server

_NUMBERS = itertools.count(1)


def main() -> int:
    """Run all comparisons and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3, help="pairs of runs per line")
    parser.add_argument("--files", type=int, default=2000, help="how many small files")
    parser.add_argument("--only", default="", help="lines with these words, such as `large`")
    parser.add_argument("--size", type=int, default=500, help="megabytes of each of the two large files")
    parser.add_argument(
        "--folder", type=Path, help="where all is kept; on a slow disk rather /dev/shm, if it is large"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as text:
        folder = Path(text)
        sources = {
            f"{given.files:,} small files": _small(folder / "small", given.files),
            f"two large of {given.size} MB": _large(folder / "large", given.size),
        }
        print(f"{'what':38} {'ours':>8} {'theirs':>8} {'ratio':>6}  goal")
        (folder / "store").mkdir()
        with s3_server(folder / "store") as server:
            peers = [(name, goal) for name, goal in (("rclone", 1.5), ("aws", 1.0)) if shutil.which(name)]
            for (name, source), (peer, goal), way in itertools.product(sources.items(), peers, ("up", "down")):
                line = f"{name}, {way}, vs {peer}"
                if given.only in line:
                    _line(line, _pairs(folder, server, source, (peer, way), given.pairs), goal)
    return 0


def _line(name: str, pairs: Sequence[tuple[float, float]], goal: float) -> None:
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    ours, theirs = (statistics.median(pair[place] for pair in pairs) for place in (0, 1))
    print(f"{name:38} {ours:6.2f} s {theirs:6.2f} s {ratio:6.2f}  <= {goal:g}", flush=True)


def _pairs(
    folder: Path, server: Server, source: Path, what: tuple[str, str], count: int
) -> list[tuple[float, float]]:
    peer, way = what
    found = []
    if way == "down":
        _fill(folder, server, source)
    for _ in range(count):
        both = []
        for program in ("ours", peer):
            prefix = f"run{next(_NUMBERS)}" if way == "up" else source.name
            target = folder / "target"
            shutil.rmtree(target, ignore_errors=True)
            shutil.rmtree(folder / "notes", ignore_errors=True)
            sides = (str(source), prefix) if way == "up" else (prefix, str(target))
            both.append(_seconds(_command(program, folder, server, way, sides), folder))
        found.append((both[0], both[1]))
    return found


def _command(program: str, folder: Path, server: Server, way: str, sides: tuple[str, str]) -> list[str]:
    if program == "ours":
        remote, local = (sides[1], sides[0]) if way == "up" else sides
        order = {
            "kind": "upload" if way == "up" else "download", "remote": f"s3://team/{remote}", "local": local,
            "storage": server.options, "notes": str(folder / "notes"),
        }  # fmt: skip
        path = folder / "order.json"
        path.write_text(json.dumps(order))
        return [sys.executable, "-m", "crude_link.storage.transfer", str(path)]
    if program == "aws":
        urls = [side if side.startswith("/") else f"s3://team/{side}" for side in sides]
        return ["aws", "s3", "sync", "--quiet", "--endpoint-url", server.endpoint, *urls]
    urls = [side if side.startswith("/") else f":s3:team/{side}" for side in sides]
    options = ["--s3-provider=SeaweedFS", "--s3-env-auth", f"--s3-endpoint={server.endpoint}"]
    return ["rclone", "copy", "--config=", *options, *urls]


def _fill(folder: Path, server: Server, source: Path) -> None:
    """Bring a folder to the store, if it is not there yet."""
    _seconds(_command("ours", folder, server, "up", (str(source), source.name)), folder)


def _seconds(command: Sequence[str], folder: Path) -> float:
    env = {
        **os.environ, "HOME": str(folder), "AWS_ACCESS_KEY_ID": KEYS["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": KEYS["secret_access_key"], "AWS_DEFAULT_REGION": KEYS["region"],
    }  # fmt: skip
    os.sync()
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env=env, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def _small(folder: Path, count: int) -> Path:
    for number in range(count):
        path = folder / f"{number % 20:02}" / f"{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(4096))
    return folder


def _large(folder: Path, megabytes: int) -> Path:
    folder.mkdir()
    for name in "ab":
        with (folder / name).open("wb") as file:
            for _ in range(megabytes):
                file.write(os.urandom(1_000_000))
    return folder


if __name__ == "__main__":
    settle()
    sys.exit(main())
