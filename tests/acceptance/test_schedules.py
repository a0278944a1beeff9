"""The scheduler as a process: killed at any moment, begun twice, its clock set, its runs in each other's way."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from acceptance.starting import Folder, wait_until

from crude_link.model.firing import Fate, Firing
from crude_link.store.place import Project
from crude_link.store.sqlite_store import open_store

#: Each line is one execution, and the slot time it was for.
COUNTED = "steps: [{name: work, command: echo $CRUDE_LINK_SCHEDULED_FOR >> lines}]\n"
HELD = "steps: [{name: work, command: 'echo $CRUDE_LINK_RUN >> lines; while [ ! -e go ]; do sleep 0.05; done'}]\n"


def ledger(folder: Folder) -> Sequence[Firing]:
    """What became of all slot times, the earliest first."""
    project = Project(directory=folder.directory, home=folder.home)
    with open_store(project, create=False) as store:
        return store.ledger.firings()[::-1]


def fates(folder: Folder) -> set[Fate]:
    return {firing.fate for firing in ledger(folder)} if (folder.home / "crude-link.db").exists() else set()


def lines(folder: Folder) -> list[str]:
    return folder.read("lines").split()


def end(begun: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> None:
    begun.send_signal(number)
    begun.wait()


def test_killed_at_any_moment_no_slot_time_runs_twice_and_each_has_one_fate(folder: Folder) -> None:
    folder.config("schedule: {cron: {second: '*'}, on_failure: keep}\n" + COUNTED)
    moments = random.Random(4)
    for _ in range(6):
        begun = folder.start("--non-interactive")
        folder.wait_for_text("crude-link.log", "next run at")
        before = len(lines(folder))
        wait_until(lambda: len(lines(folder)) > before, "a run of this scheduler")  # noqa: B023
        time.sleep(moments.uniform(0, 1.1))  # to meet another moment each time, not to wait for anything
        end(begun, signal.SIGKILL)
    folder.wait_for_nobody()

    assert max(Counter(lines(folder)).values()) == 1
    rows = ledger(folder)
    began = [row.slot_time for row in rows if row.run]
    assert len(began) == len(set(began))
    assert {line.replace("+00:00", "") for line in lines(folder)} <= {f"{slot:%Y-%m-%dT%H:%M:%S}" for slot in began}
    span = (rows[-1].last - rows[0].slot_time).total_seconds()
    assert sum(row.count for row in rows) == span + 1


def test_a_second_scheduler_says_who_is_the_first_and_runs_nothing(folder: Folder) -> None:
    folder.config("cron: {second: '*'}\n" + COUNTED)
    begun = folder.start("--non-interactive")
    folder.wait_for_text("crude-link.log", "next run at")
    ended = folder.run("--non-interactive", "--log-file", "other.log")
    assert ended.status == 3
    assert f"a scheduler runs here already: pid {begun.pid} on " in ended.err
    assert str(folder.directory / "config.yaml") in ended.err
    end(begun)
    assert max(Counter(lines(folder)).values(), default=1) == 1


def test_schedulers_that_follow_each_other_within_a_second_run_each_slot_time_once(folder: Folder) -> None:
    folder.config("cron: {second: '*'}\n" + COUNTED)
    for _ in range(4):
        begun = folder.start("--non-interactive")
        before = len(lines(folder))
        wait_until(lambda: len(lines(folder)) > before, "a run")  # noqa: B023
        end(begun)
    assert max(Counter(lines(folder)).values()) == 1


def test_a_run_by_hand_stands_in_the_way_of_a_slot_time(folder: Folder) -> None:
    folder.config("cron: {second: '*'}\n" + HELD)
    by_hand = folder.start("run", "--no-prompt")
    wait_until(lambda: lines(folder) == ["1"], "the run by hand")
    begun = folder.start("--non-interactive")
    wait_until(lambda: Fate.SKIPPED in fates(folder), "a slot time is skipped")
    assert {row.blocker for row in ledger(folder)} == {1}
    folder.write("go", "")
    assert by_hand.wait() == 0
    wait_until(lambda: Fate.RAN in fates(folder), "a run by schedule")
    end(begun)


def test_a_queue_is_worked_off_when_what_stood_in_its_way_has_ended_elsewhere(folder: Folder) -> None:
    folder.config("schedule: {cron: {second: '*'}, overlap: queue, max_catch_up: 2}\n" + HELD)
    by_hand = folder.start("run", "--no-prompt")
    wait_until(lambda: lines(folder) == ["1"], "the run by hand")
    begun = folder.start("--non-interactive")
    wait_until(lambda: {Fate.QUEUED, Fate.SKIPPED} <= fates(folder), "the queue is full")
    queued = [row.slot_time for row in ledger(folder) if row.fate is Fate.QUEUED]
    folder.write("go", "")
    assert by_hand.wait() == 0
    wait_until(lambda: {row.slot_time for row in ledger(folder) if row.run} >= set(queued), "what waited has run")
    end(begun)


def test_a_run_gives_way_to_the_next_slot_time(folder: Folder) -> None:
    folder.config("schedule: {cron: {second: '*/2'}, overlap: replace}\n" + HELD)
    begun = folder.start("--non-interactive")
    wait_until(lambda: len(lines(folder)) >= 3, "three runs begin")
    assert begun.poll() is None
    end(begun)
    ended = folder.runs()[-1]
    assert (ended["status"], "replaced it" in ended["reason"]) == ("cancelled", True)


def test_a_run_that_was_lost_is_gone_on_with_by_the_next_scheduler(folder: Folder) -> None:
    folder.config("schedule: {cron: {second: '*'}, retries: 1}\n" + HELD)
    begun = folder.start("--non-interactive")
    wait_until(lambda: lines(folder), "a run")
    end(begun, signal.SIGKILL)
    folder.wait_for_nobody()
    folder.write("go", "")
    begun = folder.start("--non-interactive")
    wait_until(lambda: folder.runs()[-1]["status"] == "succeeded", "it goes on")
    assert len(folder.json("show", "1")["sittings"]) == 2
    end(begun)


def test_a_failed_run_is_gone_on_with_and_its_schedule_goes_on(folder: Folder) -> None:
    folder.config(
        "schedule: {cron: {second: '*'}, retries: 1, on_failure: stop}\n"
        "steps: [{name: first, command: echo first >> lines}, {name: w, command: 'test -e good || ! touch good'}]\n"
    )
    begun = folder.start("--non-interactive")
    wait_until(lambda: lines(folder).count("first") >= 2, "a further run")
    assert folder.runs()[-1]["status"] == "succeeded"
    assert len(folder.json("show", "1")["sittings"]) == 2
    end(begun)


def test_several_files_are_followed_by_one_scheduler(folder: Folder) -> None:
    for name in ("a", "b"):
        folder.write(f"{name}.yaml", f"name: {name}\ncron: {{second: '*'}}\nsteps: [echo {name} >> lines]\n")
    begun = folder.start("-c", "a.yaml", "-c", "b.yaml", "--non-interactive")
    wait_until(lambda: {"a", "b"} <= set(lines(folder)), "runs of both")
    end(begun)
    folder.write("b.yaml", "name: a\ncron: {second: '*'}\nsteps: [echo b >> lines]\n")
    ended = folder.run("-c", "a.yaml", "-c", "b.yaml", "--non-interactive")
    assert ended.status == 2
    assert "a.yaml and b.yaml both have a pipeline 'a'" in ended.err


def test_params_of_an_entry_reach_its_runs(folder: Folder) -> None:
    folder.config(
        "params: {size: small}\n"
        "schedule:\n"
        "  - {cron: {second: '*/2'}}\n"
        "  - {cron: {second: '1-59/2'}, params: {size: large}}\n"
        "steps: ['echo ${params.size} >> lines']\n"
    )
    begun = folder.start("--non-interactive")
    wait_until(lambda: {"small", "large"} <= set(lines(folder)), "runs of both")
    end(begun)


@pytest.fixture
def clock(folder: Folder) -> dict[str, str]:
    """An environment in which the wall clock is off by what the file `offset` says, and the other is not."""
    library = next(Path("/usr/lib").rglob("libfaketime.so.1"), None)
    assert library, "the package faketime is missing"
    folder.write("offset", "+0")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(folder.directory / "offset"),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }


def test_a_machine_that_slept_runs_the_newest_slot_time_and_tells_the_others(
    folder: Folder, clock: dict[str, str]
) -> None:
    folder.config("schedule: {every: 1h}\n" + COUNTED)
    begun = folder.start("--non-interactive", env=clock)
    folder.wait_for_text("crude-link.log", "next run at")
    folder.write("offset", "+7d")
    wait_until(lambda: {Fate.MISSED, Fate.CAUGHT_UP} <= fates(folder), "what was missed is noticed")
    missed, caught_up = ledger(folder)
    assert missed.count == 167
    assert "the machine was off or asleep" in missed.reason
    assert caught_up.slot_time > missed.last
    wait_until(lambda: len(lines(folder)) == 1, "one run")
    end(begun)


def test_a_clock_that_is_set_back_runs_nothing_twice(folder: Folder, clock: dict[str, str]) -> None:
    folder.config("schedule: {cron: {second: '*'}}\n" + COUNTED)
    begun = folder.start("--non-interactive", env=clock)
    wait_until(lambda: len(lines(folder)) >= 3, "three runs")
    folder.write("offset", "-8")
    folder.wait_for_text("crude-link.log", "the clock was set back by 8 s")
    before = len(lines(folder))
    wait_until(lambda: len(lines(folder)) >= before + 3, "it goes on")
    end(begun)
    assert max(Counter(lines(folder)).values()) == 1
