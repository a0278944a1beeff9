"""A config that changes while runs and schedules live: what is taken up, what is told, and what is refused."""

from __future__ import annotations

import signal

import pytest
from acceptance.starting import Folder, wait_until

FAILING = """
steps:
  - {name: first, command: echo first >> lines}
  - {name: second, command: echo second >> lines; test -e good}
"""
EVERY_SECOND = "cron: {second: '*'}\n"


@pytest.fixture
def failed(folder: Folder) -> Folder:
    folder.config(FAILING)
    assert folder.run("run", "--no-prompt").status == 1
    return folder


def test_resume_says_that_the_config_has_changed_since(failed: Folder) -> None:
    failed.write("good", "")
    failed.config(FAILING.replace("test -e good", "echo new"))
    ended = failed.run("resume")
    assert ended.status == 0
    assert "config.yaml has changed since; this goes on with what it said then" in ended.err
    assert "resume 1 --reload" in ended.err


def test_resume_says_that_a_script_has_changed_since(folder: Folder) -> None:
    folder.write("fail.py", "raise SystemExit(1)\n")
    folder.config("steps: [{name: only, script: fail.py}]\n")
    assert folder.run("run", "--no-prompt").status == 1
    folder.write("fail.py", "print('mended')\n")
    ended = folder.run("resume")
    assert ended.status == 0
    assert "only: fail.py is not the file that run 1 had" in ended.err


def test_reload_tells_what_differs_key_by_key(failed: Folder) -> None:
    failed.write("good", "")
    failed.config(
        FAILING.replace("test -e good", "test -e good; echo 2") + "  - {name: third, command: echo third}\n"
    )
    ended = failed.run("resume", "--reload")
    assert ended.status == 0
    assert "second: command: echo second >> lines; test -e good → " in ended.err
    assert "new in the config: third" in ended.err


def test_reload_of_a_run_of_one_step_that_was_renamed_is_refused(folder: Folder) -> None:
    folder.config(FAILING)
    assert folder.run("run", "--only", "second", "--no-prompt").status == 1
    folder.config(FAILING.replace("name: second", "name: other"))
    ended = folder.run("resume", "--reload")
    assert ended.status == 2
    assert "run 1 was asked for --only second, and config.yaml has no step 'second' any more" in ended.err
    assert len(folder.json("show", "1")["sittings"]) == 1


def test_reload_from_a_step_that_was_renamed_is_refused(folder: Folder) -> None:
    folder.config(FAILING)
    assert folder.run("run", "--from", "second", "--no-prompt").status == 1
    folder.config(FAILING.replace("name: second", "name: other"))
    assert folder.run("resume", "--reload").status == 2


def test_reload_without_the_config_or_the_pipeline_is_refused_in_words(failed: Folder) -> None:
    failed.config("name: other\n" + FAILING)
    ended = failed.run("resume", "--reload")
    assert (ended.status, "has no pipeline 'project' any more" in ended.err) == (2, True)
    (failed.directory / "config.yaml").unlink()
    ended = failed.run("resume", "--reload")
    assert (ended.status, "there is no such file" in ended.err) == (2, True)


def test_the_schedule_outlives_a_config_that_vanishes_and_comes_back(folder: Folder) -> None:
    config = folder.config(EVERY_SECOND + "steps: [{name: work, command: echo x >> lines}]\n")
    begun = folder.start("--non-interactive")
    wait_until(lambda: "x" in folder.read("lines"), "a first run")
    text = config.read_text()
    config.unlink()
    folder.wait_for_text("crude-link.log", "config.yaml cannot be used; the schedules go on with what it said before")
    done = len(folder.read("lines"))
    wait_until(lambda: len(folder.read("lines")) > done, "a run without a config file")
    assert folder.json("show", "last")["config"]["text"] == text
    folder.config(text.replace("echo x", "echo y"))
    wait_until(lambda: "y" in folder.read("lines"), "a run by the new config")
    assert "config.yaml has changed: from the next slot on it is as it says now" in folder.read("crude-link.log")
    begun.send_signal(signal.SIGTERM)
    assert begun.wait() == 143


def test_the_schedule_follows_a_cron_that_changes(folder: Folder) -> None:
    folder.config(EVERY_SECOND + "steps: [{name: work, command: echo x >> lines}]\n")
    begun = folder.start("--non-interactive")
    wait_until(lambda: folder.read("lines"), "a first run")
    folder.config("cron: {year: 2099}\nsteps: [{name: work, command: echo y >> lines}]\n")
    folder.wait_for_text("crude-link.log", "config.yaml has changed")
    folder.wait_for_text("crude-link.log", "next run at 2099-01-01")
    assert begun.poll() is None
    begun.send_signal(signal.SIGINT)
    assert begun.wait() == 130


def test_pipelines_come_and_go_with_the_config(folder: Folder) -> None:
    folder.config(EVERY_SECOND + "name: one\nsteps: [{name: work, command: echo x >> lines}]\n")
    begun = folder.start("--non-interactive")
    wait_until(lambda: folder.read("lines"), "a first run")
    folder.config(EVERY_SECOND + "name: two\nsteps: [{name: work, command: echo y >> lines}]\n")
    wait_until(lambda: "y" in folder.read("lines"), "a run of the new pipeline")
    assert "one: not followed any more" in folder.read("crude-link.log")
    assert "x" not in folder.read("lines").partition("y")[2]
    begun.terminate()
    assert begun.wait() == 143


def test_a_scheduler_with_nothing_left_to_follow_ends_and_it_is_no_success(folder: Folder) -> None:
    folder.config(EVERY_SECOND + "steps: [{name: work, command: echo x >> lines}]\n")
    begun = folder.start("--non-interactive")
    wait_until(lambda: folder.read("lines"), "a first run")
    folder.config("steps: [{name: work, command: echo x >> lines}]\n")
    assert begun.wait() == 1
    assert "no schedule is left to follow" in folder.read("crude-link.log")


def test_a_schedule_that_can_never_fire_again_is_refused_at_the_start(folder: Folder) -> None:
    folder.config("cron: {year: 2020}\nsteps: ['echo done']\n")
    for words in (["validate"], ["--non-interactive"]):
        ended = folder.run(*words)
        assert ended.status == 2
        assert "its last time has passed" in ended.err


def test_mistakes_of_the_config_and_of_its_scripts_are_told_together(folder: Folder) -> None:
    folder.write("train.py", "import fire\n\n\ndef main(lr):\n    pass\n\n\nfire.Fire(main)\n")
    folder.config("steps:\n  - {script: train.py, arguments: {rate: 1}}\n  - {script: gone.py}\n  - {comand: true}\n")
    ended = folder.run("validate")
    assert ended.status == 2
    for words in ("config.yaml:2:", "rate", "gone.py", "did you mean 'command'"):
        assert words in ended.err
