"""Many slots side by side: the agent takes what descriptors it may have, and lets tasks wait for the rest."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

PROGRAM = """
import json, resource, sys
from pathlib import Path
soft, hard, count = map(int, sys.argv[1:4])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
sys.path.insert(0, {tests!r})
from fan_bench import FanBench
from crude_link.clock import SystemClock
from crude_link.executors.local import LocalExecutor
from crude_link.model.event import Remarked
bench = FanBench(LocalExecutor(SystemClock()), Path({folder!r}))
ends = bench.run(*["ulimit -Sn; sleep 0.1"] * 2 * count, slots=count)
print(json.dumps({{
    "slots": len({{end.slot for end in ends.values()}}),
    "remarks": [event.text for event in bench.seen if isinstance(event, Remarked)],
    "endings": sorted({{end.ending.value for end in ends.values()}}),
    "count": len(ends),
    "limits": sorted({{bench.output(end)[0].decode() for end in ends.values()}}),
}}))
bench.executor.close()
"""


def side_by_side(folder: Path, *, soft: int, hard: int, count: int) -> dict[str, Any]:
    """Run twice as many tasks as slots under such limits."""
    program = PROGRAM.format(tests=str(Path(__file__).parent.parent), folder=str(folder))
    words = [sys.executable, "-c", program, str(soft), str(hard), str(count)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_more_slots_than_the_usual_limit_of_open_files_are_had(tmp_path: Path) -> None:
    told = side_by_side(tmp_path, soft=64, hard=1024, count=50)
    assert (told["slots"], told["remarks"]) == (50, [])
    assert (told["endings"], told["count"], told["limits"]) == (["exited"], 100, ["64\n"])


def test_tasks_for_which_there_is_no_descriptor_wait_for_a_slot(tmp_path: Path) -> None:
    told = side_by_side(tmp_path, soft=100, hard=100, count=50)
    assert 5 < told["slots"] < 40
    assert told["remarks"] == [
        f"no room for more than {told['slots']} tasks side by side (too many open files): others wait"
    ]
    assert (told["endings"], told["count"], told["limits"]) == (["exited"], 100, ["100\n"])
