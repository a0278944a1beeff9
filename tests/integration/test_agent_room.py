"""Many steps side by side: the agent takes what descriptors it may have, and lets the others wait."""

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
from executor_bench import Bench
from crude_link.clock import SystemClock
from crude_link.executors.local import LocalExecutor
from crude_link.model.wish import Stop
from crude_link.model.event import Ended, Remarked, Started
bench = Bench(LocalExecutor(SystemClock()), Path({folder!r}))
bench.hold()
script = "ulimit -Sn; while [ ! -e go ]; do sleep 0.1; done"
orders = [bench.order(f"s{{number}}", "sh", "-c", script) for number in range(count)]
for order in orders:
    bench.executor.start(order)
def number_of(kind):
    return sum(isinstance(event, kind) for event in bench.seen)
bench.wait_for(lambda _: number_of(Remarked) > 0 or number_of(Started) == count)
bench.executor.tell(Stop(key=orders[-1].key))
bench.end_of(orders[-1])
at_once = number_of(Started)
(bench.folder / "go").touch()
bench.wait_for(lambda _: number_of(Ended) == count)
print(json.dumps({{
    "at_once": at_once,
    "remarks": [event.text for event in bench.seen if isinstance(event, Remarked)],
    "statuses": [event.outcome.status.value for event in bench.seen if isinstance(event, Ended)],
    "limits": sorted({{order.log.stdout.read_text() for order in orders[:-1]}}),
}}))
bench.executor.close()
"""


def side_by_side(folder: Path, *, soft: int, hard: int, count: int) -> dict[str, Any]:
    """Start so many steps under such limits; they go on when all that fit have begun, and the last was stopped."""
    program = PROGRAM.format(tests=str(Path(__file__).parent.parent), folder=str(folder))
    words = [sys.executable, "-c", program, str(soft), str(hard), str(count)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_more_steps_than_the_usual_limit_of_open_files_run_at_once(tmp_path: Path) -> None:
    told = side_by_side(tmp_path, soft=128, hard=1024, count=60)
    assert told["at_once"] == 60
    assert told["remarks"] == []
    assert told["limits"] == ["128\n"]
    assert sorted(told["statuses"]) == ["cancelled"] + ["succeeded"] * 59


def test_steps_for_which_there_is_no_room_wait_until_another_has_ended(tmp_path: Path) -> None:
    told = side_by_side(tmp_path, soft=100, hard=100, count=40)
    assert 0 < told["at_once"] < 39
    assert len(told["remarks"]) == 1
    assert "side by side (too many open files)" in told["remarks"][0]
    assert sorted(told["statuses"]) == ["cancelled"] + ["succeeded"] * 39
