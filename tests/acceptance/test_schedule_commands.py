"""The commands about schedules beside a scheduler that runs, and after one that died."""

from __future__ import annotations

import signal
import subprocess
from typing import Any

import pytest
from acceptance.starting import Folder, wait_until

EVERY_SECOND = "name: often\ntimezone: UTC\ncron: {second: '*'}\n"
WORK = "steps: [{name: work, command: echo $CRUDE_LINK_SCHEDULED_FOR >> lines}]\n"


@pytest.fixture
def often(folder: Folder) -> Folder:
    folder.config(EVERY_SECOND + WORK)
    return folder


def started(folder: Folder, *words: str) -> subprocess.Popen[str]:
    """Start a scheduler and wait until it has begun something."""
    begun = folder.start("schedule", "start", *words)
    folder.wait_for_text("lines", "T")
    return begun


def history(folder: Folder) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = folder.json("schedule", "history", "--limit", "1000")
    return found


def fates(folder: Folder) -> set[str]:
    return {row["fate"] for row in history(folder)}


def test_every_slot_is_in_the_history_with_its_run(often: Folder) -> None:
    begun = started(often)
    wait_until(lambda: len(often.read("lines").split()) >= 3, "three runs")
    begun.terminate()
    assert begun.wait() == 143
    rows = history(often)
    ran = [row for row in rows if row["fate"] == "ran"]
    assert {row["run"] for row in ran} == {run["id"] for run in often.runs()}
    assert [row["slot_time"] for row in rows] == sorted((row["slot_time"] for row in rows), reverse=True)
    told = often.run("why", "--slot", ran[-1]["slot_time"]).out
    assert f"began run {ran[-1]['run']}" in told
    assert "began run" in told
    shown = often.run("show", str(ran[-1]["run"])).out
    assert "for the slot at " in shown
    assert " of `second=* UTC`" in shown


def test_status_says_who_schedules_and_that_nobody_does_any_more(often: Folder) -> None:
    assert often.run("schedule", "status").status == 1
    begun = started(often, "-l", "the.log")
    ended = often.run("schedule", "status")
    assert ended.status == 0
    assert f"the scheduler is alive: pid {begun.pid} on " in ended.out
    assert "log: the.log" in ended.out
    begun.kill()
    begun.wait()
    ended = often.run("schedule", "status")
    assert ended.status == 1
    assert f"the last scheduler, pid {begun.pid} on " in ended.out
    assert ended.last_line.endswith("· crude-link schedule start -l the.log")


def test_next_is_about_the_files_of_the_scheduler_that_runs(folder: Folder) -> None:
    folder.write("other.yaml", EVERY_SECOND.replace("often", "other") + WORK)
    begun = started(folder, "-c", "other.yaml")
    ended = folder.run("schedule", "next", "1")
    assert (ended.status, " other " in ended.out, ended.err) == (0, True, "")
    slot = folder.json("schedule", "history")[0]["slot_time"]
    assert folder.run("schedule", "backfill", "other", "--from", slot, "--to", slot, "--again").status == 0
    begun.terminate()
    begun.wait()
    assert " other " in folder.run("schedule", "next", "1").out
    folder.config(EVERY_SECOND + WORK)
    assert " often " in folder.run("schedule", "next", "1").out
    assert "crude-link schedule start -c other.yaml" in folder.run("schedule", "status").err


def test_a_second_scheduler_says_who_is_there(often: Folder) -> None:
    begun = started(often)
    ended = often.run("schedule", "start")
    assert ended.status == 3
    assert f"pid {begun.pid} on " in ended.last_line


def test_pausing_reaches_a_scheduler_that_runs_and_ends_again(often: Folder) -> None:
    started(often)
    assert often.run("schedule", "pause", "--why", "the disk is full").status == 0
    wait_until(lambda: "refused" in fates(often), "slots that are refused")
    ran = len([row for row in history(often) if row["fate"] == "ran"])
    refused = next(row for row in history(often) if row["fate"] == "refused")
    assert "the disk is full" in refused["reason"]
    assert "the disk is full" in often.run("schedule", "status").out
    assert often.run("schedule", "unpause").status == 0
    wait_until(lambda: len([row for row in history(often) if row["fate"] == "ran"]) > ran, "another run")
    refused = next(row for row in history(often) if row["fate"] == "refused")
    ended = often.run("schedule", "backfill", "--from", refused["slot_time"], "--to", refused["until"])
    assert ended.status == 0, ended.err
    assert f"back-filled {refused['count']} of {refused['count']} slot" in ended.last_line


def test_a_schedule_that_a_failure_has_ended_is_told_as_such(folder: Folder) -> None:
    folder.config("""
pipelines:
  bad: {timezone: UTC, cron: {second: '*'}, steps: [{name: work, command: exit 1}]}
  good: {timezone: UTC, cron: '@yearly', steps: [{name: work, command: exit 0}]}
""")
    folder.start("schedule", "start")
    wait_until(lambda: folder.home.exists() and "refused" in fates(folder), "a slot that is refused")
    status = folder.json("schedule", "status")["pipelines"]
    assert [(each["pipeline"], bool(each["ended"])) for each in status] == [("bad", True), ("good", False)]
    assert "bad: the schedule has ended: run 1" in folder.run("schedule", "status").out
    assert {row["would"] for row in folder.json("schedule", "next", "3", "bad")} == {"refused"}


def test_what_came_while_nobody_scheduled_is_explained_and_then_missed(often: Folder) -> None:
    begun = started(often)
    begun.send_signal(signal.SIGKILL)
    begun.wait()
    slot = often.json("schedule", "next", "1")[0]["slot_time"]
    lost = "no scheduler was running then"
    wait_until(lambda: lost in often.run("why", "--slot", slot).out, "a slot that nobody began")
    again = started(often)
    wait_until(lambda: lost not in often.run("why", "--slot", slot).out, "the fate of that slot")
    again.terminate()
    again.wait()
    assert fates(often) <= {"ran", "missed", "caught up", "skipped"}


def test_without_a_schedule_there_is_nothing_to_start(folder: Folder) -> None:
    folder.config("name: often\n" + WORK)
    ended = folder.run("schedule", "start")
    assert ended.status == 2
    assert "there is no schedule to follow" in ended.last_line
    assert folder.read("lines") == ""


def test_the_group_alone_says_what_it_has(folder: Folder) -> None:
    ended = folder.run("schedule")
    assert ended.status == 2
    assert "backfill" in ended.err
    assert "Did you mean `crude-link schedule history`?" in folder.run("schedule", "histroy").err
    offered = folder.run(
        env={"_CRUDE_LINK_COMPLETE": "bash_complete", "COMP_WORDS": "crude-link schedule ba", "COMP_CWORD": "2"}
    )
    assert "plain,backfill" in offered.out
