"""What becomes of the output of steps: masked, collapsed, in order, and whole in bad times."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from executor_bench import Bench, wait_until

from crude_link.clock import SystemClock
from crude_link.executors.local import LocalExecutor
from crude_link.model.event import Remarked, Wrote
from crude_link.model.order import LogPlace, Screen, View
from crude_link.model.status import Status


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    executor = LocalExecutor(SystemClock())
    bench = Bench(executor, tmp_path)
    bench.hold()
    yield bench
    executor.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_the_index_keeps_the_order_of_both_streams(bench: Bench) -> None:
    wait = "until [ -e go{} ]; do sleep 0.01; done; "
    steps = "".join(f"echo o{n}; {wait.format(f'o{n}')} echo e{n} >&2; {wait.format(f'e{n}')}" for n in (1, 2))
    order = bench.order("order", "sh", "-c", steps)
    bench.executor.start(order)
    for number in (1, 2):
        for letter in "oe":
            wanted = f"{letter}{number}\n".encode()
            bench.wait_for(lambda event, wanted=wanted: isinstance(event, Wrote) and event.data == wanted)  # type: ignore[misc]  # bound at once
            (bench.folder / f"go{letter}{number}").touch()
    bench.end_of(order)
    lines = [line.split()[:2] for line in order.log.index.read_text().splitlines()]
    assert lines == [["o", "3"], ["e", "3"], ["o", "6"], ["e", "6"]]


ALTERNATING = """
import os, sys
for number in range(2000):
    os.write(1, b"o%d\\n" % number)
    os.write(2, b"e%d\\n" % number)
"""


@pytest.mark.parametrize("screen", [None, Screen(rows=24, columns=80)], ids=["pipes", "terminals"])
def test_what_is_written_back_to_back_keeps_its_order(bench: Bench, screen: Screen | None) -> None:
    if not Path("/proc/sys/fs/inotify").exists():
        pytest.skip("this kernel does not tell which of two streams was written to first")
    view = View(stdout=screen, stderr=screen)
    order = bench.order("talk", sys.executable, "-c", ALTERNATING, view=view)
    assert bench.outcome(order).status is Status.SUCCEEDED
    told = b"".join(event.data for event in bench.seen if isinstance(event, Wrote)).split()
    wanted = [b"%s%d" % (letter, number) for number in range(2000) for letter in (b"o", b"e")]
    # A write and the kernel's word of it are not one: a pair may change places once in thousands.
    assert sum(told[place] != wanted[place] for place in range(len(wanted))) <= 8
    assert sorted(told) == sorted(wanted)


def test_secrets_are_masked_in_the_log_and_on_the_screen(bench: Bench) -> None:
    program = "import os, time; os.write(1, b'token: hun'); time.sleep(0.2); os.write(1, b'ter2!\\n')"
    order = bench.order("mask", sys.executable, "-c", program, masks=("hunter2",))
    bench.outcome(order)
    assert order.log.stdout.read_text() == "token: ***!\n"
    told = b"".join(event.data for event in bench.seen if isinstance(event, Wrote))
    assert told == b"token: ***!\n"


def test_a_bar_leaves_its_final_state_and_is_seen_whole(bench: Bench) -> None:
    program = "import sys\nfor n in range(101): sys.stderr.write(f'\\r{n:3}%')\nsys.stderr.write('\\n')"
    order = bench.order("bar", sys.executable, "-c", program)
    bench.outcome(order)
    assert order.log.stderr.read_text() == "100%\n"
    told = b"".join(event.data for event in bench.seen if isinstance(event, Wrote))
    assert told.count(b"\r") == 101


def test_a_moving_bar_can_be_followed_in_the_log(bench: Bench) -> None:
    program = (
        "import sys, time, os\n"
        "n = 0\n"
        "while not os.path.exists('enough'):\n"
        "    n += 1\n"
        "    print(f'\\rat {n}', end='', flush=True)\n"
        "    time.sleep(0.01)\n"
    )
    order = bench.order("bar", sys.executable, "-c", program)
    bench.executor.start(order)
    bench.started(order)
    wait_until(lambda: order.log.stdout.exists() and order.log.stdout.read_bytes().startswith(b"at "))
    first = order.log.stdout.read_bytes()
    bench.wait_for(lambda _: order.log.stdout.read_bytes() != first)
    (bench.folder / "enough").touch()
    bench.end_of(order)
    assert order.log.stdout.read_bytes().count(b"at ") == 1


def test_much_output_arrives_whole(bench: Bench) -> None:
    order = bench.order("much", "seq", "1000000")
    outcome = bench.outcome(order)
    assert outcome.stdout_bytes == order.log.stdout.stat().st_size == 6_888_896
    assert order.log.stdout.read_bytes().endswith(b"\n999999\n1000000\n")
    assert sum(len(event.data) for event in bench.seen if isinstance(event, Wrote)) == 6_888_896


def test_a_step_waits_while_nobody_reads_and_then_goes_on(bench: Bench) -> None:
    order = bench.order("much", "sh", "-c", "seq 3000000; touch done")
    bench.executor.start(order)
    bench.started(order)
    wait_until(lambda: order.log.stdout.stat().st_size > 2_000_000)
    assert not (bench.folder / "done").exists()
    assert bench.end_of(order).status is Status.SUCCEEDED
    assert order.log.stdout.read_bytes().endswith(b"\n3000000\n")


def test_an_escaped_writer_does_not_hold_up_the_end(bench: Bench) -> None:
    order = bench.order("yes", "sh", "-c", "setsid yes & echo begun")
    assert bench.outcome(order).status is Status.SUCCEEDED


def test_a_full_disk_does_not_stop_the_step(bench: Bench, small_disk: Path) -> None:
    place = LogPlace(stdout=small_disk / "o", stderr=small_disk / "e", index=small_disk / "i")
    order = bench.order("full", "sh", "-c", "seq 100000; touch done; exit 3", log=place)
    outcome = bench.outcome(order)
    assert outcome.reason == "exit 3; its log is not complete: No space left on device"
    assert (bench.folder / "done").exists()
    assert place.stdout.read_bytes().startswith(b"1\n2\n3\n")
    remarks = [event for event in bench.seen if isinstance(event, Remarked) and str(place.stdout) in event.text]
    assert len(remarks) == 1
    assert remarks[0].key == order.key
    place.stdout.unlink()
    assert bench.outcome(bench.order("next", "true")).status is Status.SUCCEEDED


def test_a_removed_log_directory_is_written_anew(bench: Bench) -> None:
    folder = bench.folder / "runs" / "1"
    folder.mkdir(parents=True)
    place = LogPlace(stdout=folder / "o", stderr=folder / "e", index=folder / "i")
    order = bench.order(
        "gone", "sh", "-c", "echo first; until [ -e go ]; do sleep 0.05; done; echo second", log=place
    )
    bench.executor.start(order)
    bench.wait_for(lambda event: isinstance(event, Wrote))
    shutil.rmtree(bench.folder / "runs")
    (bench.folder / "go").touch()
    assert bench.end_of(order).status is Status.SUCCEEDED
    assert place.stdout.read_text() == "first\nsecond\n"
    assert any(isinstance(event, Remarked) and "removed" in event.text for event in bench.seen)


def test_a_log_that_cannot_be_made_does_not_stop_the_step(bench: Bench) -> None:
    (bench.folder / "file").touch()
    place = LogPlace(**{name: bench.folder / "file" / name for name in ("stdout", "stderr", "index")})
    order = bench.order("nowhere", "sh", "-c", "echo hi; touch done", log=place)
    assert bench.outcome(order).status is Status.SUCCEEDED
    assert (bench.folder / "done").exists()
    assert any(isinstance(event, Remarked) for event in bench.seen)


def test_the_files_are_for_their_owner_only(bench: Bench) -> None:
    order = bench.order("mode", "true")
    bench.outcome(order)
    assert order.log.stdout.stat().st_mode & 0o777 == 0o600
