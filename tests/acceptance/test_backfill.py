"""`schedule backfill`: the slots of the past, in order, once each."""

from __future__ import annotations

import signal
from datetime import datetime, timedelta, timezone

import pytest
from acceptance.starting import Ended, Folder, wait_until

from crude_link.model.schedule import Schedule
from crude_link.store import Project, open_store

DAILY = """
name: night
timezone: Europe/Berlin
cron: {hour: 2}
steps: [{name: work, command: 'echo $CRUDE_LINK_SCHEDULED_FOR >> lines; test ! -e bad'}]
"""
WEEK = ("--from", "2026-03-26", "--to", "2026-03-30")
SLOTS = [
    "2026-03-26T02:00:00+01:00",
    "2026-03-27T02:00:00+01:00",
    "2026-03-28T02:00:00+01:00",
    "2026-03-29T03:00:00+02:00",
    "2026-03-30T02:00:00+02:00",
]


@pytest.fixture
def night(folder: Folder) -> Folder:
    folder.config(DAILY)
    return folder


def backfill(folder: Folder, *words: str, keys: str = "") -> Ended:
    return folder.run("schedule", "backfill", "night", *words, keys=keys)


def lines(folder: Folder) -> list[str]:
    return folder.read("lines").split()


def fates(folder: Folder) -> list[tuple[int | None, str]]:
    return [(row["run"], row["fate"]) for row in folder.json("schedule", "history")]


def test_the_slots_of_some_days_are_run_in_order_each_with_its_own_time(night: Folder) -> None:
    ended = backfill(night, *WEEK)
    assert ended.status == 0, ended.err
    assert lines(night) == SLOTS
    assert fates(night) == [
        (5, "back-filled"),
        (4, "back-filled"),
        (3, "back-filled"),
        (2, "back-filled"),
        (1, "back-filled"),
    ]
    assert ended.last_line == "back-filled 5 of 5 slots of night · crude-link schedule history night"


def test_slots_that_ran_are_left_out_and_run_again_only_when_that_is_wanted(night: Folder) -> None:
    backfill(night, "--from", "2026-03-27", "--to", "2026-03-27")
    again = backfill(night, "--from", "2026-03-26", "--to", "2026-03-27")
    assert again.status == 0
    assert lines(night) == [SLOTS[1], SLOTS[0]]
    nothing = backfill(night, "--from", "2026-03-26", "--to", "2026-03-27")
    assert (nothing.status, "2 ran already · --again runs them once more" in nothing.err) == (0, True)
    assert backfill(night, "--from", "2026-03-26", "--to", "2026-03-27", "--again").status == 0
    assert lines(night) == [SLOTS[1], SLOTS[0], SLOTS[0], SLOTS[1]]
    assert {fate for _, fate in fates(night)} == {"back-filled", "repeated"}


def test_a_dry_run_lists_and_runs_nothing(night: Folder) -> None:
    backfill(night, "--from", "2026-03-27", "--to", "2026-03-27")
    ended = backfill(night, *WEEK, "--dry-run")
    head, *rows = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert head == "slot time entry became now"
    assert rows[0] == "2026-03-26 02:00 +01:00 hour=2 Europe/Berlin back-filled"
    assert rows[1] == "2026-03-27 02:00 +01:00 hour=2 Europe/Berlin back-filled, run 1 left out"
    assert len(rows) == 5
    assert len(lines(night)) == 1


def test_a_dry_run_leaves_nothing_behind(night: Folder) -> None:
    assert backfill(night, *WEEK, "--dry-run").status == 0
    assert not night.home.exists()


def test_it_stops_at_a_failure_and_says_how_to_go_on(night: Folder) -> None:
    night.write("bad", "")
    ended = backfill(night, *WEEK)
    assert ended.status == 1
    assert len(lines(night)) == 1
    _, resume, again = ended.last_line.split(" · ")
    assert resume == "crude-link resume 1"
    assert again == "crude-link schedule backfill night --from '2026-03-27 02:00 +01:00' --to 2026-03-30"
    (night.directory / "bad").unlink()
    assert night.run(*resume.split()[1:]).status == 0
    assert backfill(night, "--from", "2026-03-27 02:00 +01:00", "--to", "2026-03-30").status == 0
    assert lines(night) == [SLOTS[0], *SLOTS]


def test_or_goes_on_after_it(night: Folder) -> None:
    night.write("bad", "")
    ended = backfill(night, "--from", "2026-03-26", "--to", "2026-03-27", "--keep-running")
    assert ended.status == 1
    assert lines(night) == SLOTS[:2]
    assert "runs 1, 2 did not succeed · crude-link resume 1 · crude-link resume 2" in ended.last_line


def test_ctrl_c_ends_it_and_says_how_to_go_on(night: Folder) -> None:
    night.config(DAILY.replace("test ! -e bad", "sleep 600"))
    begun = night.start("schedule", "backfill", *WEEK)
    night.wait_for_text("lines", SLOTS[0])
    begun.send_signal(signal.SIGINT)
    assert begun.wait() == 130
    night.wait_for_nobody()
    assert lines(night) == SLOTS[:1]
    last = night.read("err").splitlines()[-1]
    assert (
        "4 slots are left · crude-link resume 1 · crude-link schedule backfill night --from '2026-03-27 02:00" in last
    )


def test_many_are_begun_only_after_a_question(night: Folder) -> None:
    days = ("--from", "2026-03-01", "--to", "2026-03-22")
    refused = backfill(night, *days)
    assert refused.status == 1
    assert "Begin 22 runs? [y/N]" in refused.err
    assert lines(night) == []
    assert backfill(night, *days, keys="y\n").status == 0
    assert len(lines(night)) == 22
    assert backfill(night, *days, "--again", "--yes").status == 0
    assert len(lines(night)) == 44


def test_several_entries_are_run_in_order_of_time_or_one_of_them(folder: Folder) -> None:
    folder.config("""
pipelines:
  night:
    timezone: UTC
    cron: '0 2,4 * * *'
    steps: [{name: work, command: 'echo $CRUDE_LINK_SCHEDULED_FOR >> lines'}]
  day: {timezone: UTC, cron: '0 12 * * *', steps: [{name: work, command: echo day >> lines}]}
""")
    which = folder.run("schedule", "backfill", "--from", "2026-03-26")
    assert (which.status, "which pipeline? crude-link schedule backfill night|day" in which.err) == (2, True)
    assert backfill(folder, "--from", "2026-03-26 03:00", "--to", "2026-03-27 03:00").status == 0
    assert [line[:13] for line in lines(folder)] == ["2026-03-26T04", "2026-03-27T02"]
    unknown = backfill(folder, "--from", "2026-03-26", "--entry", "0 2,4 * * *")
    assert (unknown.status, "Did you mean '0 2,4 * * * UTC'?" in unknown.err) == (2, True)


def test_each_entry_has_its_own_params(folder: Folder) -> None:
    folder.config("""
name: night
timezone: UTC
params: {size: 1}
schedule:
  - {name: large, cron: {hour: 2}, params: {size: 2}}
  - {name: small, every: 12h}
steps: [{name: work, command: 'echo ${params.size} >> lines'}]
""")
    ended = backfill(folder, "--from", "2026-03-26 00:00", "--to", "2026-03-26 12:00")
    assert ended.status == 0, ended.err
    assert lines(folder) == ["1", "2", "1"]
    assert "slot 2 of 3: 2026-03-26 02:00 +00:00 of `large`" in ended.err
    assert backfill(folder, "--from", "2026-03-27", "--to", "2026-03-27", "--entry", "large").status == 0
    assert lines(folder)[3:] == ["2"]


def test_a_schedule_that_has_ended_had_slots(folder: Folder) -> None:
    folder.config(DAILY.replace("{hour: 2}", "{hour: 2, end_date: '2026-03-27'}"))
    ended = backfill(folder, "--from", "2026-03-25", "--to", "2026-03-30")
    assert ended.status == 0, ended.err
    assert [line[:10] for line in lines(folder)] == ["2026-03-25", "2026-03-26"]


def test_slots_that_were_back_filled_hide_none_before_them_from_the_scheduler(folder: Folder) -> None:
    folder.config(DAILY.replace("Europe/Berlin", "UTC").replace("{hour: 2}", "{minute: '*'}"))
    now = datetime.now(timezone.utc)
    with open_store(Project(directory=folder.directory, home=folder.home)) as store:
        schedule = Schedule(fields={"minute": "*"}, timezone="UTC")
        store.ledger.settle("night", schedule, now - timedelta(minutes=10))
    for minutes in (9, 4):
        slot = f"{now - timedelta(minutes=minutes):%Y-%m-%d %H:%M}"
        assert backfill(folder, "--from", slot, "--to", slot).status == 0
    begun = folder.start("schedule", "start")
    wait_until(lambda: len(lines(folder)) >= 3, "the slot that is caught up")
    begun.terminate()
    begun.wait()
    missed = next(row for row in folder.json("schedule", "history") if row["fate"] == "missed")
    assert missed["count"] >= 9
    assert now - datetime.fromisoformat(missed["slot_time"]) > timedelta(minutes=9)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "2999-01-01"), "lies in the future"),
        (("--from", "2026-03-26", "--to", "2026-03-25"), "is after --to 2026-03-25"),
        (("--from", "yesterday"), "is no day and no time"),
        (("--to", "2026-03-25"), "missing option '--from'"),
    ],
)
def test_what_cannot_be_meant_is_refused(night: Folder, words: tuple[str, ...], said: str) -> None:
    ended = backfill(night, *words)
    assert (ended.status, said in ended.err) == (2, True)
    assert not night.home.exists()


def test_more_than_anybody_could_mean_is_refused(folder: Folder) -> None:
    folder.config(DAILY.replace("{hour: 2}", "{second: '*'}"))
    ended = backfill(folder, "--from", "2026-03-01", "--to", "2026-03-02")
    assert (ended.status, "more than 10,000 slots" in ended.err) == (2, True)
