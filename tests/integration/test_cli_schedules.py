"""`crude-link schedule` over a real store: history, status, next, pause, and `why` of slot times."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from asking import Ask
from look_project import NEW_RUN, NOON, SUCCESS, LookProject

from crude_link.model.firing import Fate, Firing, Pause, SchedulerRecord
from crude_link.model.run import Origin
from crude_link.model.schedule import Schedule
from crude_link.model.status import Status

HOUR = timedelta(hours=1)
SCHEDULE = Schedule(fields={"hour": "*"}, timezone="UTC")
ENTRY = SCHEDULE.entry
CONFIG = "name: night\ntimezone: UTC\ncron: {hour: '*'}\nsteps: [{name: work, command: 'true'}]\n"
RECORD = SchedulerRecord(host="thor", pid=4711, began=NOON, seen=NOON + HOUR, config_files=())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LookProject]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRUDE_LINK_HOME", raising=False)
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    (tmp_path / "config.yaml").write_text(CONFIG)
    project = LookProject.at(tmp_path)
    yield project
    project.leave()
    monkeypatch.undo()
    time.tzset()


@contextmanager
def scheduling(project: LookProject) -> Iterator[None]:
    """Hold the lock of the scheduler, as a living one does."""
    record = replace(RECORD, config_files=(str(project.directory / "config.yaml"),), log_file="/var/log/night.log")
    project.store.schedulers.record(record)
    with (project.directory / ".crude-link" / "scheduler.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def firing(slot_time: datetime = NOON, fate: Fate = Fate.RAN, **more: object) -> Firing:
    one = Firing(pipeline="night", entry=ENTRY, slot_time=slot_time, fate=fate, at=slot_time)
    return replace(one, **more)  # type: ignore[arg-type]  # each test names fields of a Firing


def begin(project: LookProject, one: Firing) -> int:
    return project.begin(replace(NEW_RUN, pipeline="night", origin=Origin.SCHEDULE, firing=one))


def filled(project: LookProject) -> None:
    """A run, one that was caught up, slots that were missed and skipped, one that waits, and one of another."""
    ran = begin(project, firing())
    project.finish(ran, Status.SUCCEEDED)
    missed = firing(NOON + HOUR, Fate.MISSED, until=NOON + 3 * HOUR, count=3, reason="no scheduler ran from 12 to 15")
    project.store.ledger.note(missed)
    late = firing(NOON + 4 * HOUR, Fate.CAUGHT_UP, at=NOON + 5 * HOUR)
    failed = begin(project, late)
    project.finish(failed, Status.FAILED, "'train': exit 1")
    skipped = firing(NOON + 5 * HOUR, Fate.SKIPPED, blocker=failed, reason="run 2 is still going")
    project.store.ledger.note(skipped)
    project.store.ledger.note(firing(NOON + 6 * HOUR, Fate.QUEUED, reason="run 2 is still going"))
    project.store.ledger.note(firing(fate=Fate.REFUSED, pipeline="day", reason="paused by ada"))


def words(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


# --- history ------------------------------------------------------------------------------------------------


def test_history_says_what_became_of_each_slot_the_newest_first(project: LookProject, ask: Ask) -> None:
    filled(project)
    rows = json.loads(ask("schedule", "history", "night", "--json").out)
    assert [row["fate"] for row in rows] == ["queued", "skipped", "caught up", "missed", "ran"]
    assert [row["run_status"] for row in rows] == [None, None, "failed", None, "succeeded"]
    assert rows[2]["late_seconds"] == 3600
    assert (rows[3]["count"], rows[3]["until"]) == (3, "2026-03-01T15:00:00+00:00")
    lines = words(ask("schedule", "history").out)
    assert lines[0] == "slot time slots pipeline entry became run status late reason"
    assert any("missed no scheduler ran from 12 to 15" in line and " 3, to 15:00:00 night" in line for line in lines)
    assert any("caught up 2 failed 1 h" in line for line in lines)
    assert any("day hour=* UTC refused paused by ada" in line for line in lines)


def test_history_is_limited_by_number_and_time(project: LookProject, ask: Ask) -> None:
    filled(project)
    assert len(json.loads(ask("schedule", "history", "--limit", "2", "--json").out)) == 2
    since = json.loads(ask("schedule", "history", "night", "--since", "2026-03-01 15:00Z", "--json").out)
    assert [row["fate"] for row in since] == ["queued", "skipped", "caught up", "missed"]
    assert "since then" in ask("schedule", "history", "--since", "1s").err


def test_history_of_what_nobody_knows_asks_what_was_meant(project: LookProject, ask: Ask) -> None:
    assert "no slot times have come yet" in ask("schedule", "history").err
    filled(project)
    answer = ask("schedule", "history", "nigth")
    assert (answer.status, "Did you mean 'night'?" in answer.err) == (2, True)


def test_a_run_that_was_removed_is_said_so(project: LookProject, ask: Ask) -> None:
    filled(project)
    project.store.locks.let_go(1)
    assert project.store.removal.remove_run(1)
    assert any(line.endswith("ran 1 removed") for line in words(ask("schedule", "history").out))


# --- status -------------------------------------------------------------------------------------------------


def test_status_of_a_living_scheduler_is_0_and_says_what_it_follows(project: LookProject, ask: Ask) -> None:
    filled(project)
    with scheduling(project):
        answer = ask("schedule", "status")
        as_json = json.loads(ask("schedule", "status", "--json").out)
    assert answer.status == 0
    head, config, log, *_ = answer.out.splitlines()
    assert head.startswith("the scheduler is alive: pid 4711 on thor, since ")
    assert (config, log) == ("config: config.yaml", "log: /var/log/night.log")
    night, day = as_json["pipelines"]
    assert night["queued"] == 1
    assert night["last_run"]["run"] == 2
    assert night["last_status"] == "failed"
    assert night["last_unrun"]["fate"] == "skipped"
    assert night["next_slot"] is not None
    assert (day["pipeline"], day["last_run"], day["next_slot"]) == ("day", None, None)


def test_status_of_a_dead_scheduler_is_1_and_says_how_to_start_it(project: LookProject, ask: Ask) -> None:
    with scheduling(project):
        pass
    answer = ask("schedule", "status")
    assert answer.status == 1
    assert "the last scheduler, pid 4711 on thor, began at " in answer.out
    assert answer.err.rstrip().endswith("· crude-link schedule start -l /var/log/night.log")
    assert json.loads(ask("schedule", "status", "--json").out)["alive"] is False


def test_status_survives_a_config_that_cannot_be_read(project: LookProject, ask: Ask) -> None:
    with scheduling(project):
        (project.directory / "config.yaml").write_text("cron: [\n")
        answer = ask("schedule", "status")
    assert answer.status == 0
    assert "the next slot times cannot be told: config.yaml:" in answer.err


def test_status_names_who_paused_what(project: LookProject, ask: Ask) -> None:
    ask("schedule", "pause", "--why", "the disk is full")
    with scheduling(project):
        out = ask("schedule", "status").out
    assert "night is paused by " in out
    assert ": the disk is full · crude-link schedule unpause night" in out


# --- pausing ------------------------------------------------------------------------------------------------


def test_pausing_is_there_for_all_to_see_and_ends(project: LookProject, ask: Ask) -> None:
    assert "paused night · crude-link schedule unpause night" in ask("schedule", "pause").err
    assert [pause.pipeline for pause in project.store.schedulers.pauses()] == ["night"]
    assert {row["would"] for row in json.loads(ask("schedule", "next", "--json").out)} == {"refused"}
    assert "night goes on" in ask("schedule", "unpause").err
    assert project.store.schedulers.pauses() == []
    assert "nothing is paused" in ask("schedule", "unpause").err


def test_pausing_what_is_not_there_asks_what_was_meant(project: LookProject, ask: Ask) -> None:
    answer = ask("schedule", "pause", "nigth")
    assert (answer.status, "Did you mean 'night'?" in answer.err) == (2, True)
    assert project.store.schedulers.pauses() == []


def test_of_several_one_says_which_or_all(project: LookProject, ask: Ask) -> None:
    one = "{timezone: UTC, cron: {hour: 2}, steps: [{command: 'true'}]}"
    (project.directory / "config.yaml").write_text(f"pipelines: {{night: {one}, day: {one}}}\n")
    assert "which one? crude-link schedule pause night|day, or --all" in ask("schedule", "pause").err
    assert ask("schedule", "pause", "--all").status == 0
    assert [pause.pipeline for pause in project.store.schedulers.pauses()] == ["day", "night"]
    assert ask("schedule", "unpause", "day").status == 0
    assert "day was not paused" in ask("schedule", "unpause", "day").err
    assert [pause.pipeline for pause in project.store.schedulers.pauses()] == ["night"]
    assert ask("schedule", "pause", "--all", "day").status == 2


def test_a_broken_config_does_not_keep_what_has_run_from_being_paused(project: LookProject, ask: Ask) -> None:
    filled(project)
    (project.directory / "config.yaml").write_text("cron: [\n")
    assert ask("schedule", "pause", "night").status == 0


def test_nothing_is_paused_where_nothing_was_ever_recorded(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "nothing is paused" in ask("schedule", "unpause").err
    assert "no slot times have come yet" in ask("schedule", "history").err
    assert ask("schedule", "status").status == 1
    assert list(tmp_path.iterdir()) == []


# --- next ---------------------------------------------------------------------------------------------------


def test_next_says_the_slots_with_zone_and_wait(project: LookProject, ask: Ask) -> None:
    (project.directory / "config.yaml").write_text(CONFIG.replace("timezone: UTC", "timezone: Asia/Tokyo"))
    answer = ask("schedule", "next", "3", "night")
    head, *lines = words(answer.out)
    assert head.startswith("slot time in zone here pipeline entry")
    assert len(lines) == 3
    assert all(" +09:00 in " in line and " Asia/Tokyo " in line for line in lines)
    assert "no scheduler is running: nobody will begin them · crude-link schedule start" in answer.err
    with scheduling(project):
        assert ask("schedule", "next").err == ""


def test_next_judges_by_how_long_runs_usually_take(project: LookProject, ask: Ask) -> None:
    now = datetime.now(timezone.utc)
    for _ in range(3):
        sitting_began = replace(NEW_RUN, pipeline="night", began=now - 3 * HOUR)
        run = project.begin(sitting_began)
        project.end(project.attempt(run, "prepare"), SUCCESS)
        project.store.runs.end_sitting(run, Status.SUCCEEDED, "", NOON + 1.5 * HOUR)
    rows = json.loads(ask("schedule", "next", "4", "--json").out)
    assert [row["would"] for row in rows] == ["runs", "skipped", "runs", "skipped"]
    assert rows[1]["why"] == "usually takes 1 h 30 min: would be skipped"


@pytest.mark.parametrize("options", [("0",), ("3", "4"), ("-1",), ("nigth",), ("99999999999999999999",)])
def test_next_refuses_what_is_no_number_and_no_pipeline(project: LookProject, ask: Ask, options: tuple[str]) -> None:
    answer = ask("schedule", "next", *options)
    assert (answer.status, len(answer.err.splitlines())) == (2, 1)


def test_without_a_schedule_there_is_nothing_to_come(project: LookProject, ask: Ask) -> None:
    (project.directory / "config.yaml").write_text("name: night\nsteps: [{command: 'true'}]\n")
    answer = ask("schedule", "next")
    assert (answer.status, "night has no schedule" in answer.err) == (2, True)


# --- why ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slot", "said", "command"),
    [
        ("12:00", "began run 1 on time.", "crude-link show 1"),
        ("14:00", "3 slots, 2026-03-01 13:00", "--from '2026-03-01 13:00 +00:00' --to '2026-03-01 15:00 +00:00'"),
        ("14:00", "were missed: no scheduler ran from 12 to 15.", "crude-link schedule backfill night --from"),
        ("16:00", "began run 2, caught up 1 h late.", "crude-link show 2"),
        ("17:00", "was skipped: run 2 is still going.", "crude-link show 2"),
        ("18:00", "waits: run 2 is still going.", "crude-link schedule status"),
        ("19:00", "was not run: no scheduler was running then; the last one was last seen at 2026-03-01", "start"),
        ("18:30", "No schedule has a slot time at 2026-03-01 18:30.", "crude-link schedule next"),
    ],
)
def test_why_explains_a_slot_time(project: LookProject, ask: Ask, slot: str, said: str, command: str) -> None:
    filled(project)
    project.store.ledger.settle("night", SCHEDULE, NOON - HOUR)
    project.store.ledger.settle("night", SCHEDULE, NOON + 6 * HOUR)
    with scheduling(project):
        pass
    answer = json.loads(ask("why", "--slot", f"2026-03-01 {slot}", "night", "--json").out)
    assert said in " ".join(answer["sentences"])
    assert any(command in each for each in answer["next"])


def test_why_says_that_nobody_followed_the_schedule_yet(project: LookProject, ask: Ask) -> None:
    assert "no scheduler has followed this entry yet" in ask("why", "--slot", "2026-03-01 12:00").out
    project.store.ledger.settle("night", SCHEDULE, NOON + HOUR)
    out = ask("why", "--slot", "2026-03-01 12:00").out
    assert "a scheduler follows this entry only since 2026-03-01 13:00" in out.replace("14:00 +01:00", "13:00")


def test_why_says_slot_times_in_the_zone_of_their_schedule(project: LookProject, ask: Ask) -> None:
    entry = "schedule: {name: late, cron: {hour: '*'}, timezone: Asia/Tokyo}"
    (project.directory / "config.yaml").write_text(f"name: night\n{entry}\nsteps: [ls -l]\n")
    project.store.ledger.note(firing(NOON, Fate.MISSED, entry="late", until=NOON + HOUR, count=2))
    out = ask("why", "--slot", "2026-03-01 21:00").out
    assert "2 slots, 2026-03-01 21:00 +09:00 to 2026-03-01 22:00 +09:00, of `late`, were missed." in " ".join(
        out.split()
    )
    assert "--from '2026-03-01 21:00 +09:00' --to '2026-03-01 22:00 +09:00'" in out


def test_status_says_that_a_wrong_config_does_not_stop_a_living_scheduler(project: LookProject, ask: Ask) -> None:
    filled(project)
    (project.directory / "config.yaml").write_text("cron: {hours: 2}\nsteps: [ls]\n")
    with scheduling(project):
        assert "the scheduler goes on with what it said before" in ask("schedule", "status").err
    assert "goes on with" not in ask("schedule", "status").err


def test_why_says_that_a_slot_is_still_to_come(project: LookProject, ask: Ask) -> None:
    assert "` comes in " in ask("why", "--slot", "2099-01-01 12:00").out


def test_why_and_show_of_a_run_say_which_slot_began_it(project: LookProject, ask: Ask) -> None:
    filled(project)
    which = f"of `{ENTRY}` (caught up), 1 h late"
    assert which in ask("why", "2").out
    assert which in ask("show", "2").out
    assert "slot time" in ask("runs").out


def test_why_takes_one_pipeline_at_most(project: LookProject, ask: Ask) -> None:
    filled(project)
    assert ask("why", "--slot", "2026-03-01", "night", "day").status == 2
    answer = ask("why", "--slot", "2026-03-01", "nigth")
    assert (answer.status, "Did you mean 'night'?" in answer.err) == (2, True)
    assert "paused by ada" in ask("why", "--slot", "2026-03-01", "day").out


def test_a_pause_by_a_policy_is_told_like_one_by_a_person(project: LookProject, ask: Ask) -> None:
    why = "3 runs in a row failed, last run 41"
    project.store.schedulers.pause(Pause(pipeline="night", at=NOON, by="crude-link", why=why))
    assert f"paused by crude-link: {why}" in ask("schedule", "next", "1").out
