"""Transfers of single tasks: what each fetches and brings away, and what is left here afterwards."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from acceptance.starting import Folder, wait_until

NAMES = ("a.txt", "b c.txt", "ü#%.txt", "it's [5].txt", "{x} & $HOME.txt")
#: Each task fetches its file, writes it in capitals, and brings that away.
CONFIG = """
name: seg
steps:
  - name: scans
    foreach: {lines: urls.txt}
    download: {from: "{item}", to: "work/{index}/{name}"}
    upload: {from: "work/{index}/out", to: "far/results/{stem}"}
    command: |
      echo {index} >> ran.log
      mkdir [path-to-local-outputs]
      tr a-z A-Z < [path-to-local-inputs] > [path-to-local-outputs]/{name}
"""

FUNCTION = """
import os, pathlib

def work(item):
    place = pathlib.Path("work", os.environ["CRUDE_LINK_TASK"])
    (place / "out").mkdir()
    (place / "out" / "x").write_text(next(place.glob("*.txt")).read_text())
    with open("ran.log", "a") as file:
        file.write(f"{place.name}\\n")
    assert "CRUDE_LINK_STORAGE" not in os.environ
    return place.name
"""


def prepared(folder: Folder, text: str = CONFIG) -> None:
    """Write a config, and the far files that its tasks fetch."""
    folder.config(text)
    paths = [folder.write(f"far/in/{name}", f"this is {name}") for name in NAMES]
    folder.write("urls.txt", "".join(f"{path}\n" for path in paths))


def files(folder: Folder, place: str) -> dict[str, str]:
    root = folder.directory / place
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


def left(folder: Folder, place: str = "work") -> list[str]:
    """Return all that is in a folder, also empty folders."""
    root = folder.directory / place
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def results() -> dict[str, str]:
    return {f"{name.removesuffix('.txt')}/{name}": f"this is {name}".upper() for name in NAMES}


def ran(folder: Folder) -> list[str]:
    return sorted(folder.read("ran.log").split())


def noted(folder: Folder) -> list[str]:
    """Return what a run remembers of how far its tasks are."""
    return left(folder, ".crude-link/runs/1/steps/scans/tasks/errands")


def test_each_task_fetches_its_file_brings_its_result_and_leaves_nothing(folder: Folder) -> None:
    prepared(folder)
    ended = folder.run("run")
    assert ended.status == 0, ended.err
    assert {name.casefold(): text.casefold() for name, text in files(folder, "far/results").items()} == {
        name.casefold(): text.casefold() for name, text in results().items()
    }
    assert left(folder) == noted(folder) == []
    assert (folder.directory / "work").is_dir()
    log = folder.run("logs", "last", "scans", "--task", "1").out
    assert "fetched 1 file" in log
    assert "brought 1 file" in log


def test_no_more_lies_here_than_the_tasks_that_run_need(folder: Folder) -> None:
    prepared(folder, CONFIG.replace("command: |", "parallel: 2\n    command: |\n      ls work | wc -l >> counted"))
    folder.write("urls.txt", folder.read("urls.txt") * 10)
    assert folder.run("run").status == 0
    assert len(folder.read("counted").split()) == 10 * len(NAMES)
    assert set(folder.read("counted").split()) <= {"1", "2"}


def test_the_record_shows_the_command_of_the_task(folder: Folder) -> None:
    prepared(folder, CONFIG.replace("command: |", "command: [sh, -e, work.sh, '{index}', '{name}']\n    x: |"))
    folder.config(folder.read("config.yaml").partition("    x: |")[0])
    folder.write("work.sh", 'mkdir work/$1/out; cp "work/$1/$2" work/$1/out/')
    assert folder.run("run").status == 0
    assert folder.run("export", "last", "scans", "--joblog", "jobs.tsv").status == 0
    assert "sh -e work.sh 1 a.txt" in folder.read("jobs.tsv")
    planned = folder.run("plan").out
    lines = [line.strip().removeprefix("scans ").strip() for line in planned.splitlines()[-3:]]
    assert lines == [
        "download {item} to work/{index}/{name}",
        "sh -e work.sh {index} {name}",
        "upload work/{index}/out to far/results/{stem}",
    ]
    shown = folder.run("show", "last").out
    assert "sh -e work.sh '{index}' '{name}'" in shown
    assert "around.py" not in shown + folder.read("jobs.tsv")


def test_a_failed_task_keeps_what_it_made_and_not_what_it_fetched(folder: Folder) -> None:
    prepared(folder, CONFIG + "      test ! -e bad || exit 3\n")
    folder.write("bad", "")
    assert folder.run("run", "--no-prompt").status == 1
    assert not (folder.directory / "far/results").exists()
    made = {f"{number}/out/{name}" for number, name in enumerate(NAMES, start=1)}
    assert set(files(folder, "work")) == made
    tasks = folder.json("tasks", "last", "scans", "--failed")
    assert {task["exit_status"] for task in tasks} == {3}


def test_a_task_that_is_tried_again_brings_what_all_its_tries_made(folder: Folder) -> None:
    prepared(folder)
    folder.write(
        "try.sh", "mkdir -p work/$1/out; echo $2 > work/$1/out/$CRUDE_LINK_ATTEMPT; test $CRUDE_LINK_ATTEMPT = 2"
    )
    text = CONFIG.partition("    command:")[0] + '    command: [sh, try.sh, "{index}", "{name}"]\n    retries: 1\n'
    folder.config(text)
    assert folder.run("run").status == 0
    assert files(folder, "far/results/a") == {"1": "a.txt\n", "2": "a.txt\n"}
    assert left(folder) == noted(folder) == []


def test_after_a_failed_upload_resume_uploads_and_runs_nothing_again(folder: Folder) -> None:
    prepared(folder)
    folder.write("far/results", "a file, where a folder should be made")
    assert folder.run("run", "--no-prompt").status == 1
    assert ran(folder) == ["1", "2", "3", "4", "5"]
    assert set(files(folder, "work")) == {f"{number}/out/{name}" for number, name in enumerate(NAMES, start=1)}
    (folder.directory / "far/results").unlink()
    shutil.rmtree(folder.directory / "far/in")  # nothing is fetched again either
    ended = folder.run("resume", "--no-prompt")
    assert ended.status == 0, ended.err
    assert ran(folder) == ["1", "2", "3", "4", "5"]
    assert len(files(folder, "far/results")) == len(NAMES)
    assert left(folder) == noted(folder) == []


def test_a_task_whose_result_was_changed_after_a_failed_upload_runs_again(folder: Folder) -> None:
    prepared(folder)
    folder.write("far/results", "a file, where a folder should be made")
    assert folder.run("run", "--no-prompt").status == 1
    (folder.directory / "far/results").unlink()
    shutil.rmtree(folder.directory / "work/1/out")
    assert folder.run("resume", "--no-prompt").status == 0
    assert ran(folder) == ["1", "1", "2", "3", "4", "5"]
    assert len(files(folder, "far/results")) == len(NAMES)


def test_what_a_function_returned_is_not_lost_with_a_failed_upload(folder: Folder) -> None:
    prepared(folder, CONFIG.partition("    command:")[0] + "    function: work.py:work\n")
    folder.write("work.py", FUNCTION)
    folder.write("far/results", "a file, where a folder should be made")
    assert folder.run("run", "--no-prompt").status == 1
    (folder.directory / "far/results").unlink()
    assert folder.run("resume", "--no-prompt").status == 0
    assert ran(folder) == ["1", "2", "3", "4", "5"]
    assert set(files(folder, "far/results")) == {f"{name.removesuffix('.txt')}/x" for name in NAMES}
    found = [json.loads(line) for path in folder.home.rglob("*.results") for line in path.read_text().splitlines()]
    assert sorted(each["value"] for each in found) == ["1", "2", "3", "4", "5"]


def test_what_was_there_before_stays(folder: Folder) -> None:
    prepared(folder)
    folder.write("work/1/mine.txt", "mine")
    folder.write("work/1/out2/mine.txt", "mine")
    folder.write("work/2/out/old.txt", "from another time")
    folder.config(CONFIG.replace("mkdir [", "mkdir -p ["))
    assert folder.run("run").status == 0
    assert files(folder, "work") == {
        "1/mine.txt": "mine",
        "1/out2/mine.txt": "mine",
        "2/out/old.txt": "from another time",
    }
    assert len(files(folder, "far/results")) == len(NAMES)


def test_without_an_upload_only_what_was_fetched_is_removed(folder: Folder) -> None:
    text = CONFIG.replace('    upload: {from: "work/{index}/out", to: "far/results/{stem}"}\n', "")
    prepared(folder, text.replace("[path-to-local-outputs]", "work/{index}/out"))
    assert folder.run("run").status == 0
    assert set(files(folder, "work")) == {f"{number}/out/{name}" for number, name in enumerate(NAMES, start=1)}


def test_what_is_to_be_kept_is_kept(folder: Folder) -> None:
    prepared(folder, CONFIG.replace('/{stem}"}', '/{stem}", keep: true}'))
    assert folder.run("run").status == 0
    assert set(files(folder, "work")) == {f"{number}/out/{name}" for number, name in enumerate(NAMES, start=1)}
    prepared(folder, CONFIG.replace('/{name}"}', '/{name}", keep: true}').replace("work/", "other/"))
    assert folder.run("run").status == 0
    assert set(files(folder, "other")) == {f"{number}/{name}" for number, name in enumerate(NAMES, start=1)}


def test_what_is_removed_unasked_is_named(folder: Folder) -> None:
    prepared(folder, CONFIG + "      echo x > work/{index}/by-the-way\n")
    assert folder.run("run").status == 0
    assert left(folder) == []
    log = folder.run("logs", "last", "scans", "--task", "2").out
    assert "removed with work/2, neither fetched nor brought: by-the-way" in log


def test_a_task_that_finds_nothing_to_fetch_can_be_left_out(folder: Folder) -> None:
    prepared(folder, CONFIG.replace('/{name}"}', '/{name}", if_empty: skip}'))
    (folder.directory / "far/in/a.txt").unlink()
    (folder.directory / "far/in/a.txt").mkdir()
    assert folder.run("run").status == 0
    assert ran(folder) == ["2", "3", "4", "5"]
    assert left(folder) == []


def test_what_a_failing_command_left_can_be_brought_all_the_same(folder: Folder) -> None:
    text = CONFIG.replace('/{stem}"}', '/{stem}", when: always}') + "      exit 3\n"
    prepared(folder, text)
    assert folder.run("run", "--no-prompt").status == 1
    assert len(files(folder, "far/results")) == len(NAMES)
    assert len(files(folder, "work")) == len(NAMES)


def test_without_transfers_tasks_run_on_what_lies_there(folder: Folder) -> None:
    prepared(folder)
    for number, name in enumerate(NAMES, start=1):
        folder.write(f"work/{number}/{name}", "lies here")
    shutil.rmtree(folder.directory / "far")
    assert folder.run("run", "--no-transfer").status == 0
    assert files(folder, "work")["1/out/a.txt"] == "LIES HERE"


def test_what_was_done_is_skipped_next_time(folder: Folder) -> None:
    prepared(folder, CONFIG.replace("urls.txt}", "urls.txt, once: true}"))
    (folder.directory / "far/in/a.txt").unlink()
    assert folder.run("run", "--no-prompt").status == 1
    folder.write("far/in/a.txt", "late")
    assert folder.run("run").status == 0
    assert ran(folder) == ["1", "2", "3", "4", "5"]
    assert files(folder, "far/results")["a/a.txt"] == "LATE"


def test_a_task_ends_as_its_command_ends(folder: Folder) -> None:
    prepared(folder, CONFIG.partition("    command:")[0] + "    command: test {index} != 2 && kill -SEGV $$\n")
    assert folder.run("run", "--no-prompt").status == 1
    tasks = {task["task"]: task for task in folder.json("tasks", "last", "scans")}
    assert (tasks[1]["signal"], tasks[2]["exit_status"]) == (signal.SIGSEGV, 1)
    folder.config(CONFIG.partition("    command:")[0] + "    command: [no-such-program, '{item}']\n")
    assert folder.run("run", "--no-prompt").status == 2


def test_a_task_that_takes_too_long_is_ended_and_leaves_what_it_made(folder: Folder) -> None:
    prepared(folder, CONFIG + "      test {index} != 1 || sleep 100\n    timeout: 3s\n    stop_grace: 1s\n")
    assert folder.run("run", "--no-prompt").status == 1
    assert set(files(folder, "work")) == {"1/out/a.txt"}
    assert "timed out" in folder.run("tasks", "last", "scans", "--failed").out
    assert len(files(folder, "far/results")) == len(NAMES) - 1
    folder.wait_for_nobody()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_brings_nothing_more_and_goes_on_with_resume(folder: Folder, number: int) -> None:
    prepared(folder, CONFIG + "      test -e go || sleep 100\n")
    begun = folder.start("run", "--no-prompt")
    wait_until(lambda: len(ran(folder)) >= 2, "two tasks run")
    os.kill(begun.pid, number)
    begun.wait()
    folder.wait_for_nobody()
    assert not (folder.directory / "far/results").exists()
    assert not [name for name in files(folder, "work") if "/out/" not in name]
    folder.write("go", "")
    folder.config(CONFIG.replace("mkdir [", "mkdir -p [") + "      test -e go || sleep 100\n")
    assert folder.run("resume", "--no-prompt", "--reload").status == 0
    assert len(files(folder, "far/results")) == len(NAMES)
    assert left(folder) == noted(folder) == []


def test_tasks_that_would_share_a_place_do_not_meet(folder: Folder) -> None:
    text = CONFIG.replace("work/{index}/{name}", "work/{stem}.txt").replace("work/{index}/out", "out/{stem}")
    text = text.replace("    command:", "    parallel: 1\n    command:")
    prepared(folder, text.replace("mkdir [", "mkdir -p [") + "      test -e go || exit 3\n")
    other = folder.write("far/other/a.txt", "another a")
    folder.write("urls.txt", f"{folder.directory}/far/in/a.txt\n{other}\n")
    assert folder.run("run", "--no-prompt").status == 1
    assert "let each task have a place of its own" in folder.run("logs", "last", "scans").out
    assert files(folder, "out") == {"a/a.txt": "THIS IS A.TXT"}


@pytest.mark.parametrize(
    ("place", "item"),
    [("work/{item}", "../evil.txt"), ("work/{item}", ".."), ("{item}", "/etc/evil.txt"), ("{name}/x", "a/../..")],
)
def test_an_input_cannot_lead_out_of_the_place_that_is_fixed(folder: Folder, place: str, item: str) -> None:
    prepared(folder, CONFIG.replace('from: "{item}", to: "work/{index}/{name}"', f'from: far/in, to: "{place}"'))
    folder.write("urls.txt", f"fine\n{item}\n")
    ended = folder.run("run", "--no-prompt")
    assert ended.status == 1
    assert "may not lead out of" in folder.run("tasks", "last", "scans", "--failed").out
    folder.write("urls.txt", f"{item}\n")
    ended = folder.run("run", "--no-prompt")
    assert ended.status == 2
    assert "may not lead out of" in ended.err


def test_tasks_of_two_runs_in_one_place_wait_for_each_other(folder: Folder) -> None:
    prepared(
        folder,
        CONFIG.replace("    command:", "    parallel: 1\n    command:")
        + "      while test ! -e go; do sleep 0.05; done\n",
    )
    folder.write("urls.txt", f"{folder.directory}/far/in/a.txt\n")
    first = folder.start("run", "--no-prompt")
    wait_until(lambda: ran(folder) == ["1"], "the first run is in its task")
    folder.write("urls.txt", f"{folder.directory}/far/in/b c.txt\n")
    second = folder.start("run", "--no-prompt")
    wait_until(lambda: any(folder.home.glob("runs/2/steps/scans/tasks/*.out")), "the second run has begun its task")
    wait_until(
        lambda: any("waiting" in path.read_text() for path in folder.home.glob("runs/2/steps/scans/tasks/*.out")),
        "it waits",
    )
    folder.write("go", "")
    assert [first.wait(), second.wait()] == [0, 0]
    assert files(folder, "far/results") == {"a/a.txt": "THIS IS A.TXT", "b c/b c.txt": "THIS IS B C.TXT"}
    assert left(folder) == left(folder, ".crude-link/transfers/places") == []


def test_what_is_behind_a_link_is_brought_and_not_removed(folder: Folder) -> None:
    head = CONFIG.partition("    command:")[0]
    prepared(folder, head + "    command: ln -s ../../precious work/{index}/out\n")
    folder.write("precious/a.txt", "dear to somebody")
    assert folder.run("run").status == 0
    assert len(files(folder, "far/results")) == len(NAMES)
    assert files(folder, "precious") == {"a.txt": "dear to somebody"}
    assert left(folder) == []


def test_a_script_in_another_directory_finds_what_was_fetched(folder: Folder) -> None:
    prepared(folder)
    folder.write("sub/here", "")
    head = CONFIG.partition("    command:")[0]
    folder.config(
        head
        + "    cwd: sub\n    command: mkdir ../work/{index}/out && cp ../work/{index}/*.txt ../work/{index}/out\n"
    )
    assert folder.run("run").status == 0
    assert len(files(folder, "far/results")) == len(NAMES)
    assert [path.name for path in Path(folder.directory, "sub").iterdir()] == ["here"]
