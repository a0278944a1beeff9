"""--non-interactive: the log file, the schedule, and how both end."""

from __future__ import annotations

import re
import signal
import sys

import pytest
from acceptance.starting import COMMAND, LAUNCHER, Folder, wait_until

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d (INFO |WARN |ERROR) (\[(\d+)( [\w-]+)?\] )?.*")
EVERY_SECOND = "cron: {second: '*'}\n"


def log_lines(folder: Folder, name: str = "crude-link.log") -> list[str]:
    return folder.read(name).splitlines()


def count(folder: Folder) -> int:
    return len(folder.read("lines").split())


@pytest.mark.parametrize("entrance", [COMMAND, LAUNCHER], ids=["crude-link", "scheduler.py"])
def test_without_cron_it_runs_once_and_logs_each_line_once(folder: Folder, entrance: tuple[str, ...]) -> None:
    folder.config("""
steps:
  - {name: talk, command: "for i in 1 2 3; do echo out $i; echo err $i >&2; done"}
  - {name: more, command: "printf 'no end'"}
""")
    ended = folder.run("--non-interactive", "--log-file", "my.log", entrance=entrance)
    assert ended.status == 0, ended.err
    assert "out 1" not in ended.out + ended.err
    lines = log_lines(folder, "my.log")
    assert all(LINE.fullmatch(line) for line in lines), lines
    for text in ("[1 talk] out 1", "[1 talk] out 3", "[1 talk] err 2", "[1 more] no end"):
        assert sum(line.endswith(text) for line in lines) == 1
    assert not (folder.directory / "crude-link.log").exists()
    assert "crude-link show 1" in ended.last_line


def test_the_log_of_earlier_runs_is_kept(folder: Folder) -> None:
    folder.write("crude-link.log", "what was there before\n")
    folder.config("steps: [{name: talk, command: echo once}]\n")
    for _ in range(3):
        assert folder.run("--non-interactive").status == 0
    lines = log_lines(folder)
    assert lines[0] == "what was there before"
    assert sum(line.endswith("once") and "] once" in line for line in lines) == 3
    assert [number for number in (1, 2, 3) if any(line.endswith(f"[{number} talk] once") for line in lines)] == [
        1,
        2,
        3,
    ]


def test_a_failure_without_cron_ends_with_1_and_says_so_in_the_log(folder: Folder) -> None:
    folder.config("steps: [{name: bad, command: exit 7}, {name: after, command: echo after >> lines}]\n")
    ended = folder.run("--non-interactive", keys="y\ny\n")
    assert ended.status == 1
    assert "crude-link logs 1 bad · crude-link resume 1" in ended.last_line
    assert "[y/N]" not in ended.err
    errors = [line for line in log_lines(folder) if " ERROR " in line]
    assert any("exit 7" in line for line in errors)
    assert "crude-link resume 1" in log_lines(folder)[-1]
    assert count(folder) == 0


def test_a_config_that_is_broken_is_told_in_the_log_too(folder: Folder) -> None:
    folder.config("steps: [{name: bad, comand: exit 7}]\n")
    ended = folder.run("--non-interactive")
    assert ended.status == 2
    assert "command" in ended.err
    assert "comand" in folder.read("crude-link.log")


def test_lines_come_as_they_happen(folder: Folder) -> None:
    folder.config("steps: [{name: slow, command: 'echo early; while [ ! -e go ]; do sleep 0.05; done; echo late'}]\n")
    begun = folder.start("--non-interactive")
    folder.wait_for_text("crude-link.log", "] early")
    assert "] late" not in folder.read("crude-link.log")
    folder.write("go", "")
    assert begun.wait() == 0
    assert folder.read("crude-link.log").count("] early") == 1
    assert "] late" in folder.read("crude-link.log")


def test_a_progress_bar_is_one_line_of_the_log(folder: Folder) -> None:
    folder.write(
        "bar.py", "import sys\nfor i in range(101):\n    sys.stderr.write(f'\\r{i} %')\nprint(file=sys.stderr)\n"
    )
    folder.config(f"steps: [{{name: bar, command: [{sys.executable}, bar.py]}}]\n")
    assert folder.run("--non-interactive").status == 0
    bars = [line for line in log_lines(folder) if " %" in line]
    assert [line.rpartition("] ")[2] for line in bars] == ["100 %"]


def test_the_log_is_rotated_at_2_mb_with_3_backups(folder: Folder) -> None:
    folder.config("steps: [{name: much, command: 'seq -f line-%g 250000'}]\n")
    assert folder.run("--non-interactive").status == 0
    logs = sorted(path.name for path in folder.directory.glob("crude-link.log*"))
    assert logs == ["crude-link.log", "crude-link.log.1", "crude-link.log.2", "crude-link.log.3"]
    assert all((folder.directory / name).stat().st_size <= 2_000_000 for name in logs)
    kept = [
        line.rpartition("line-")[2]
        for name in reversed(logs)
        for line in log_lines(folder, name)
        if "] line-" in line
    ]
    numbers = [int(float(text)) for text in kept]
    assert numbers == list(range(250_000 - len(numbers) + 1, 250_001))


def test_cron_drives_runs_until_it_is_stopped(folder: Folder) -> None:
    folder.config(EVERY_SECOND + "steps: [{name: work, command: echo x >> lines; echo worked}]\n")
    begun = folder.start("--non-interactive")
    wait_until(lambda: count(folder) >= 3, "three runs")
    begun.send_signal(signal.SIGTERM)
    assert begun.wait() == 143
    runs = folder.runs()
    assert len(runs) >= 3
    assert {run["origin"] for run in runs} == {"schedule"}
    assert len({run["slot_time"] for run in runs}) == len(runs)
    log = folder.read("crude-link.log")
    for run in runs:
        assert log.count(f"[{run['id']} work] worked") <= 1
    assert log.count("] worked") == count(folder)


def test_a_failure_ends_the_schedule_with_1(folder: Folder) -> None:
    folder.config(EVERY_SECOND + "steps: [{name: work, command: 'echo x >> lines; test $(wc -l < lines) -lt 2'}]\n")
    begun = folder.start("--non-interactive")
    assert begun.wait() == 1
    assert count(folder) == 2
    assert [run["status"] for run in folder.runs()] == ["failed", "succeeded"]
    assert any(" ERROR " in line and "schedule ends" in line for line in log_lines(folder))


def test_keep_running_goes_on_after_a_failure(folder: Folder) -> None:
    folder.config(EVERY_SECOND + "steps: [{name: work, command: 'echo x >> lines; exit 1'}]\n")
    begun = folder.start("--non-interactive", "--keep-running")
    wait_until(lambda: count(folder) >= 3, "three runs that fail")
    assert begun.poll() is None
    begun.terminate()
    assert begun.wait() == 143
    assert {run["status"] for run in folder.runs()} <= {"failed", "cancelled"}


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("cron", [EVERY_SECOND, ""], ids=["cron", "once"])
def test_signals_end_it_cleanly_in_the_middle_of_a_run(
    folder: Folder, number: signal.Signals, status: int, cron: str
) -> None:
    folder.config(cron + "steps: [{name: work, command: 'echo begun; sleep 600', stop_grace: 0.2s}]\n")
    begun = folder.start("--non-interactive")
    folder.wait_for_text("crude-link.log", "] begun")
    begun.send_signal(number)
    assert begun.wait() == status
    folder.wait_for_nobody()
    run = folder.runs()[0]
    assert run["status"] == "cancelled"
    assert "stopped by" in run["reason"]
    assert "cancelled" in log_lines(folder)[-2]
    assert "stopped by" in log_lines(folder)[-1]
    assert "Traceback" not in folder.read("err")


def test_a_signal_between_two_runs_ends_it_too(folder: Folder) -> None:
    folder.config("cron: '@yearly'\nsteps: [{name: work, command: echo x >> lines}]\n")
    begun = folder.start("--non-interactive")
    folder.wait_for_text("crude-link.log", "next run at")
    begun.terminate()
    assert begun.wait() == 143
    assert count(folder) == 0


def test_a_slot_during_a_run_is_skipped_and_said(folder: Folder) -> None:
    folder.config(
        EVERY_SECOND + "steps: [{name: work, command: 'echo x >> lines; while [ ! -e go ]; do sleep 0.1; done'}]\n"
    )
    begun = folder.start("--non-interactive")
    folder.wait_for_text("crude-link.log", "skipped the slot")
    assert count(folder) == 1
    folder.write("go", "")
    wait_until(lambda: count(folder) >= 2, "the next run")
    begun.terminate()
    begun.wait()


def test_a_broken_edit_between_slots_does_not_stop_the_schedule(folder: Folder) -> None:
    good = EVERY_SECOND + "steps: [{name: work, command: echo x >> lines}]\n"
    folder.config(good)
    begun = folder.start("--non-interactive")
    wait_until(lambda: count(folder) >= 1, "the first run")
    folder.config(good.replace("steps", "stpes"))
    folder.wait_for_text("crude-link.log", "cannot be used")
    before = count(folder)
    wait_until(lambda: count(folder) > before, "a run with the config as it was")
    folder.config(good.replace("echo x", "echo y"))
    folder.wait_for_text("lines", "y")
    assert begun.poll() is None
    begun.terminate()
    begun.wait()


def test_two_with_the_same_log_write_whole_lines(folder: Folder) -> None:
    folder.config("steps: [{name: work, command: 'seq -f number-%g 3000'}]\n")
    both = [folder.start("--non-interactive") for _ in range(2)]
    assert [each.wait() for each in both] == [0, 0]
    lines = log_lines(folder)
    assert all(LINE.fullmatch(line) for line in lines)
    for run in (1, 2):
        numbers = [line.rpartition("-")[2] for line in lines if f"[{run} work] number-" in line]
        assert numbers == [str(number) for number in range(1, 3001)]


def test_a_log_that_can_no_longer_be_written_is_said_and_the_run_goes_on(folder: Folder) -> None:
    # Between the two a line may be logged, into a new file.
    change = "echo x >> lines; until mv the.log old.log && mkdir the.log; do :; done"
    folder.config(f"steps: [{{name: work, command: {change}}}]\n")
    ended = folder.run("--non-interactive", "--log-file", "the.log")
    assert "the.log cannot be written" in ended.err
    assert ended.status == 0
    assert count(folder) == 1


def test_each_pipeline_follows_its_own_cron_and_one_without_is_named(folder: Folder) -> None:
    folder.config("""
pipelines:
  often: {cron: {second: '*'}, steps: [{name: a, command: echo often >> lines}]}
  seldom: {cron: '@yearly', steps: [{name: a, command: echo seldom >> lines}]}
  never: {steps: [{name: a, command: echo never >> lines}]}
""")
    begun = folder.start("--non-interactive")
    wait_until(lambda: count(folder) >= 2, "two runs")
    begun.terminate()
    assert begun.wait() == 143
    assert set(folder.read("lines").split()) == {"often"}
    log = folder.read("crude-link.log")
    assert "seldom: next run at" in log
    assert "never has no schedule" in log


def test_a_crontab_line_works_as_in_crontab(folder: Folder) -> None:
    folder.config("cron: '* * * * *'\nsteps: [{name: work, command: echo x >> lines}]\n")
    begun = folder.start("--non-interactive")
    folder.wait_for_text("crude-link.log", "next run at")
    line = next(line for line in log_lines(folder) if "next run at" in line)
    assert re.search(r":00 [+-]\d\d:\d\d$", line)
    begun.terminate()
    begun.wait()


def test_an_empty_cron_is_an_error_for_it_would_fire_every_second(folder: Folder) -> None:
    folder.config("cron:\nsteps: [{name: work, command: echo x >> lines}]\n")
    ended = folder.run("--non-interactive")
    assert ended.status == 2
    assert "cron" in ended.err
    assert count(folder) == 0


def test_what_ends_it_is_in_the_log_whatever_it_is(folder: Folder) -> None:
    folder.config("steps: ['echo done']\n")
    folder.home.mkdir()
    (folder.home / "crude-link.db").write_bytes(b"this is no database at all" * 100)
    ended = folder.run("--non-interactive")
    assert ended.status == 3
    assert " ERROR " in log_lines(folder)[-1]
    assert "crude-link.db" in log_lines(folder)[-1]


def test_that_it_was_stopped_between_runs_is_in_the_log(folder: Folder) -> None:
    folder.config("cron: {year: 2099}\nsteps: ['echo done']\n")
    begun = folder.start("--non-interactive")
    folder.wait_for_text("crude-link.log", "next run at 2099")
    begun.send_signal(signal.SIGTERM)
    assert begun.wait() == 143
    assert "WARN  stopped by TERM" in log_lines(folder)[-1]
