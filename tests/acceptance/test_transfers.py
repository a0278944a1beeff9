"""Downloads and uploads of a run: what is brought when, what is not, and what is left to do after a failure."""

from __future__ import annotations

import shutil

import pytest
from acceptance.starting import Folder

#: Fetches folder `far/in`, copies it with a mark, and brings `out` away.
CONFIG = """
name: seg
download: {from: far/in, to: data/in}
upload: {from: data/out, to: far/out}
steps:
  - name: work
    command: |
      echo ran >> work.log
      mkdir -p [path-to-local-outputs]
      for file in [path-to-local-inputs]/*; do cp "$file" [path_to_local_outputs]/; done
"""


def names(folder: Folder, place: str) -> set[str]:
    root = folder.directory / place
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()} if root.exists() else set()


def test_a_folder_is_fetched_worked_on_and_brought_away(folder: Folder) -> None:
    folder.config(CONFIG)
    folder.write("far/in/a b.txt", "1")
    folder.write("far/in/ü#%.txt", "2")
    assert folder.run("run").status == 0
    assert names(folder, "far/out") == {"a b.txt", "ü#%.txt"}
    assert folder.steps() == {
        "run.listing": "succeeded",
        "run.download": "succeeded",
        "work": "succeeded",
        "run.upload": "succeeded",
    }
    shown = folder.run("show", "last").out
    assert "download far/in data/in" in shown
    assert "upload data/out far/out" in shown


def test_only_what_this_run_made_is_brought_away(folder: Folder) -> None:
    folder.config(CONFIG)
    folder.write("far/in/new.txt", "1")
    folder.write("data/out/old.txt", "from an earlier run")
    assert folder.run("run").status == 0
    assert names(folder, "far/out") == {"new.txt"}


@pytest.mark.parametrize("option", ["--only", "--from"])
def test_a_run_that_begins_with_the_upload_brings_all_that_lies_there(folder: Folder, option: str) -> None:
    folder.config(CONFIG)
    folder.write("data/out/old.txt", "from an earlier run")
    assert folder.run("run", option, "run.upload").status == 0
    assert folder.steps()["run.upload"] == "succeeded"
    assert names(folder, "far/out") == {"old.txt"}


def test_notes_on_what_is_in_the_folder_of_a_run_go_with_it(folder: Folder) -> None:
    folder.config(CONFIG.replace("to: data/in", 'to: "${run.dir}/in"'))
    folder.write("far/in/new.txt", "1")
    assert folder.run("run").status == 0
    assert len(list(folder.directory.glob(".crude-link/runs/1/transfers/*.jsonl"))) == 1
    assert len(list(folder.directory.glob(".crude-link/transfers/*.jsonl"))) == 1


def test_what_downloads_have_had_can_be_forgotten(folder: Folder) -> None:
    folder.config(CONFIG.replace("to: data/in", "to: data/in, only: new, if_empty: skip"))
    folder.write("far/in/new.txt", "1")
    for _ in range(2):
        assert folder.run("run").status == 0
    assert folder.read("work.log") == "ran\n"
    listed = folder.run("clean", "--forget", "seg", "far/in/")
    assert listed.last_line.startswith("1 file that seg has had from far/in/ would be forgotten")
    assert folder.run("clean", "--forget", "seg", "far/in", "--yes").last_line.startswith(
        "forgot 1 file that seg has"
    )
    assert folder.run("run").status == 0
    assert folder.read("work.log") == "ran\nran\n"
    wrong = folder.run("clean", "--forget", "seg", "far/on")
    assert wrong.status == 2
    assert "What downloads had, as PIPELINE PLACE: seg far/in" in wrong.err


def test_what_earlier_runs_left_is_cleared_away_where_that_is_wanted(folder: Folder) -> None:
    folder.config(CONFIG.replace("to: far/out", "to: far/out, stale: clean"))
    folder.write("far/in/new.txt", "1")
    folder.write("data/out/old.txt", "from an earlier run")
    assert folder.run("run").status == 0
    assert names(folder, "data/out") == names(folder, "far/out") == {"new.txt"}


def test_no_run_clears_away_or_brings_what_another_makes_meanwhile(folder: Folder) -> None:
    waiting = (
        CONFIG.replace("to: far/out", "to: far/out, stale: clean") + "      until [ -e done ]; do sleep 0.02; done\n"
    )
    folder.config(waiting)
    folder.write("far/in/new.txt", "1")
    first = folder.start("run", "--no-prompt")
    folder.wait_for_text("work.log", "ran")
    second = folder.run("run", "--no-prompt")
    assert second.status == 1
    assert "run 1, which is still going, uploads from" in second.last_line
    folder.write("done", "")
    assert first.wait() == 0
    assert names(folder, "far/out") == {"new.txt"}
    assert folder.run("resume", "2", "--no-prompt").status == 0
    assert names(folder, "far/out") == {"new.txt"}


def test_a_failed_upload_fails_the_run_and_resume_does_only_the_upload(folder: Folder) -> None:
    folder.config(CONFIG)
    folder.write("far/in/a.txt", "1")
    folder.write("far/out", "a file, where a folder should be made")
    ended = folder.run("run", "--no-prompt")
    assert ended.status in (1, 4)
    assert "'run.upload'" in ended.last_line
    assert names(folder, "data/out") == {"a.txt"}
    (folder.directory / "far/out").unlink()
    assert folder.run("resume", "--no-prompt").status == 0
    assert folder.read("work.log") == "ran\n"
    assert names(folder, "far/out") == {"a.txt"}


def test_a_resumed_run_finds_what_it_fetched_also_when_somebody_took_it_away(folder: Folder) -> None:
    folder.config(CONFIG.replace("to: data/in", "to: data/in, only: new") + "      [ -e done ]\n")
    folder.write("far/in/a.txt", "1")
    folder.write("far/in/b.txt", "2")
    assert folder.run("run", "--no-prompt").status == 1
    (folder.directory / "data/in/a.txt").unlink()
    shutil.rmtree(folder.directory / "data/out")
    folder.write("data/in/b.txt", "worked on in place")
    folder.write("far/in/later.txt", "3")
    folder.write("done", "")
    assert folder.run("resume", "--no-prompt").status == 0
    assert names(folder, "far/out") == {"a.txt", "b.txt"}
    assert folder.read("far/out/b.txt") == "worked on in place"
    assert folder.run("run", "--no-prompt").status == 0
    assert names(folder, "data/in") == {"later.txt"}


def test_a_resumed_run_works_on_what_it_fetched_although_the_store_has_it_no_more(folder: Folder) -> None:
    folder.config(CONFIG.replace("to: data/in", "to: data/in, only: new, if_empty: skip") + "      [ -e done ]\n")
    folder.write("far/in/a.txt", "1")
    assert folder.run("run", "--no-prompt").status == 1
    (folder.directory / "far/in/a.txt").rename(folder.directory / "far/in/moved.txt")
    folder.write("data/in/made-here.txt", "2")
    folder.write("done", "")
    assert folder.run("resume", "--no-prompt").status == 0
    assert names(folder, "far/out") == {"a.txt", "made-here.txt"}


def test_a_resumed_run_fails_where_what_it_fetched_is_nowhere_any_more(folder: Folder) -> None:
    folder.config(CONFIG + "      [ -e done ]\n")
    folder.write("far/in/a.txt", "1")
    folder.write("far/in/b.txt", "2")
    assert folder.run("run", "--no-prompt").status == 1
    for place in ("data/in/a.txt", "far/in/a.txt"):
        (folder.directory / place).unlink()
    folder.write("done", "")
    ended = folder.run("resume", "--no-prompt")
    assert ended.status == 1
    assert "'a.txt': this run has fetched it, and now it is neither here nor there" in ended.out + ended.err
    assert folder.read("work.log") == "ran\n"


def test_the_project_itself_is_brought_without_its_records(folder: Folder) -> None:
    folder.config("upload: {from: ., to: far/out}\nsteps: [{command: echo 1 > made.txt}]\n")
    assert folder.run("run", "--no-prompt").status == 0
    assert names(folder, "far/out") == {"made.txt"}


def test_nothing_is_brought_away_when_a_step_failed_unless_that_is_wanted(folder: Folder) -> None:
    failing = CONFIG + "  - {name: tail, command: exit 3, continue_on_failure: true}\n"
    folder.config(failing)
    folder.write("far/in/a.txt", "1")
    assert folder.run("run", "--no-prompt").status == 1
    assert folder.steps()["run.upload"] == "skipped"
    assert "not every step succeeded: tail failed" in folder.run("show", "last").out
    folder.config(failing.replace("to: far/out", "to: far/out, when: always"))
    folder.write("data/in/a.txt", "changed here")
    assert folder.run("run", "--no-prompt").status == 1
    assert names(folder, "far/out") == {"a.txt"}


def test_a_run_fetches_only_what_no_succeeded_run_has_had(folder: Folder) -> None:
    folder.config(CONFIG.replace("to: data/in", "to: data/in, only: new, if_empty: skip") + "  - 'test ! -e bad'\n")
    folder.write("far/in/a.txt", "1")
    folder.write("bad", "")
    assert folder.run("run", "--no-prompt").status == 1
    folder.write("far/in/b.txt", "2")
    (folder.directory / "bad").unlink()
    assert folder.run("run").status == 0  # the failed one has had nothing
    assert names(folder, "data/in") == {"a.txt", "b.txt"}
    folder.write("far/in/c.txt", "3")
    assert folder.run("run").status == 0
    assert names(folder, "data/in") == {"c.txt"}
    ended = folder.run("run")
    assert ended.status == 0
    assert folder.steps()["work"] == folder.steps()["run.upload"] == "skipped"
    assert "needs run.download, which brought nothing" in ended.err
    assert folder.runs()[0]["reason"] == "nothing to do: run.download found nothing"


def test_what_was_fetched_and_worked_on_by_no_step_is_new_still(folder: Folder) -> None:
    new = "only: new, if_empty: skip"
    two = f"download: [{{from: far/in, to: data/in, {new}}}, {{from: far/more, to: data/more, {new}}}]"
    folder.config(
        CONFIG.replace("download: {from: far/in, to: data/in}", two).replace("[path-to-local-inputs]", "data/*")
    )
    folder.write("far/in/a.txt", "1")
    (folder.directory / "far/more").mkdir()
    assert folder.run("run").status == 0
    assert folder.steps()["work"] == "skipped"
    assert folder.run("run", "--only", "run.download").status == 0
    folder.write("far/more/b.txt", "2")
    assert folder.run("run").status == 0
    assert names(folder, "far/out") == {"a.txt", "b.txt"}


def test_a_resumed_run_remembers_what_it_fetched_before(folder: Folder) -> None:
    folder.config(CONFIG.replace("to: data/in", "to: data/in, only: new") + "  - 'test ! -e bad'\n")
    folder.write("far/in/a.txt", "1")
    folder.write("bad", "")
    assert folder.run("run", "--no-prompt").status == 1
    (folder.directory / "bad").unlink()
    assert folder.run("resume").status == 0
    ended = folder.run("run", "--no-prompt")
    assert ended.status == 1
    assert "nothing that no succeeded run has had" in ended.err


def test_without_transfers_what_lies_there_is_used(folder: Folder) -> None:
    folder.config(CONFIG)
    folder.write("data/in/local.txt", "1")
    assert folder.run("run", "--no-transfer").status == 0
    assert folder.steps() == {"work": "succeeded"}
    assert names(folder, "data/out") == {"local.txt"}
    assert not names(folder, "far/out")


def test_a_run_without_transfers_stays_without_them_when_its_config_is_loaded_again(folder: Folder) -> None:
    folder.config(CONFIG + "  - 'test ! -e bad'\n")
    folder.write("data/in/local.txt", "1")
    folder.write("bad", "")
    assert folder.run("run", "--no-transfer", "--no-prompt").status == 1
    (folder.directory / "bad").unlink()
    folder.config(CONFIG + "  - 'test ! -e bad && touch reloaded'\n")
    ended = folder.run("resume", "--reload", "--no-prompt")
    assert ended.status == 0, ended.err
    assert folder.steps() == {"work": "succeeded", "step-2": "succeeded"}
    assert (folder.directory / "reloaded").exists()
    assert not names(folder, "far/out")


def test_a_download_is_tried_again_as_often_as_it_says(folder: Folder) -> None:
    text = CONFIG.replace("to: data/in", "to: data/in, retries: {max: 2, delay: 1ms}, timeout: 1h")
    folder.config(text.replace("far/in", "'far/${run.id}'"))
    assert folder.run("run", "--no-prompt").status == 4
    shown = folder.run("show").out
    assert "run.download 3 " in shown
    assert "run.download 4 " not in shown


def test_the_transfers_of_a_step_go_with_it(folder: Folder) -> None:
    folder.config(
        """
steps:
  - {name: first, command: "mkdir -p made && echo 1 > made/first.txt"}
  - name: second
    command: cat [path-to-local-inputs]/x.txt > made/second.txt
    download: {from: far/in, to: here}
    upload: {from: made, to: far/made}
  - {name: third, command: ls far/made/second.txt}
"""
    )
    folder.write("far/in/x.txt", "x")
    assert folder.run("run").status == 0
    assert names(folder, "far/made") == {"first.txt", "second.txt"}
    shutil.rmtree(folder.directory / "far/made")
    assert folder.run("run", "--only", "second").status == 0
    assert names(folder, "far/made") == {"second.txt"}  # all that this run made
    steps = folder.steps()
    assert {name for name, status in steps.items() if status == "skipped"} == {"first", "third"}
    assert folder.run("run", "--only", "second.upload").status == 0
    assert names(folder, "far/made") == {"first.txt", "second.txt"}  # all that lies there


def test_what_cannot_be_reached_is_told_before_any_step(folder: Folder) -> None:
    folder.config(CONFIG)
    ended = folder.run("run")
    assert ended.status == 2
    assert "config.yaml:3:1: run.download: " in ended.err
    assert "far/in" in ended.err
    assert not folder.runs()


def test_a_transfer_that_cannot_even_begin_has_a_status_of_its_own(folder: Folder) -> None:
    folder.config(CONFIG.replace("from: far/in", "from: 'far/${run.id}'"))
    ended = folder.run("run", "--no-prompt")
    assert ended.status == 4
    assert folder.steps()["run.download"] == "failed"
    assert folder.run("wait").status == 4


def test_the_document_of_the_cloud_storage_job_runner_runs_job_by_job(folder: Folder) -> None:
    folder.write("remote/team/images/x.png", "x")
    bucket = (folder.directory / "remote" / "team").as_uri()
    job = f"""
    bucket-name: {bucket}
    path-to-remote-inputs: images
    path_to_local_inputs: 'NAME in'
    path-to-local-outputs: NAME-out
    path_to_remote_outputs: NAME-annotated/
    steps:
      - mkdir -p [path-to-local-outputs]
      - ls
      - cp [path_to_local_inputs]/x.png "[path-to-local-outputs]"
"""
    folder.config("jobs:\n  one:" + job.replace("NAME", "1") + "  two:" + job.replace("NAME", "2"))
    assert folder.run("run", "two").status == 0
    assert names(folder, "remote/team") == {"images/x.png", "2-annotated/x.png"}
    assert folder.run().status == 0
    assert names(folder, "remote/team") == {"images/x.png", "1-annotated/x.png", "2-annotated/x.png"}
    ended = folder.run("run", "three")
    assert ended.status == 2
    assert "Known: one, two" in ended.err
