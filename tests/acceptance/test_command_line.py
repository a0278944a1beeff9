"""The commands, as typed one after the other."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys

import pytest
from acceptance.starting import COMMAND, THREE, Folder


def lines(folder: Folder) -> list[str]:
    return folder.read("lines").splitlines()


@pytest.fixture
def failed(three: Folder) -> Folder:
    """Three steps; the second of run 1 failed because of the file `bad`."""
    three.write("bad", "")
    assert three.run("run", "--no-prompt").status == 1
    return three


# --- run ----------------------------------------------------------------------------------------------------


def test_from_only_and_set_choose_what_runs(three: Folder) -> None:
    assert three.run("run", "--from", "two").status == 0
    assert lines(three) == ["two", "three"]
    assert three.run("run", "--only", "one", "--set", "word=bye").status == 0
    assert lines(three)[2:] == ["one bye"]
    assert three.steps() == {"one": "succeeded", "two": "skipped", "three": "skipped"}
    assert three.run("run", "--set", "params.word='a  b'", "--only", "one").status == 0
    assert three.json("show")["params"] != three.json("show", "1")["params"]


@pytest.mark.parametrize(
    "words",
    [
        ("run", "--from", "tow"),
        ("run", "--only", "tow"),
        ("run", "demmo"),
        ("run", "--set", "wrod=1"),
        ("run", "--set", "word"),
        ("run", "--from", "one", "--only", "two"),
        ("runn",),
        ("show", "77"),
        ("show", "last~9"),
        ("show", "9" * 20),
        ("show", "²"),
        ("runs", "--limit", "9" * 20),
        ("clean", "--days", "1e12"),
        ("clean", "--days", "nan"),
        ("clean", "--days", "-1"),
        ("show", "latest"),
        ("logs", "1", "tow"),
        ("resume", "77"),
        ("stop", "77"),
        ("wait", "77"),
        ("rerun", "77"),
        ("-c", "missing.yaml"),
        ("validate", "-c", "missing.yaml"),
        ("--no-such-option",),
    ],
    ids=shlex.join,
)
def test_what_does_not_exist_is_a_usage_error_of_one_paragraph(three: Folder, words: tuple[str, ...]) -> None:
    three.run("run")
    ended = three.run(*words)
    assert ended.status == 2, ended
    assert ended.err
    assert ended.err.startswith("crude-link: ")
    assert len(ended.err.splitlines()) == 1
    assert len(lines(three)) == 3


LATER = """run --runs-on gpu/init --from other.yaml"""


@pytest.mark.parametrize("words", LATER.split("/"))
def test_what_is_not_built_yet_is_refused_by_name(three: Folder, words: str) -> None:
    ended = three.run(*words.split())
    assert ended.status == 2
    assert "comes with" in ended.last_line
    assert "which this version of crude-link does not have yet" in ended.last_line
    assert not three.home.exists()


def test_resume_goes_on_at_what_is_not_done(failed: Folder) -> None:
    (failed.directory / "bad").unlink()
    ended = failed.run("resume")
    assert ended.status == 0, ended.err
    assert lines(failed) == ["one hello", "two", "two", "three"]
    assert len(failed.json("show")["sittings"]) == 2
    again = failed.run("resume", "1")
    assert again.status == 0
    assert "nothing is left to do" in again.err
    assert len(lines(failed)) == 4


def test_resume_takes_the_config_as_it_was(failed: Folder) -> None:
    failed.config(THREE.replace("echo three", "echo changed").replace("test ! -e bad", "true"))
    assert failed.run("resume", "--no-prompt").status == 1
    assert lines(failed) == ["one hello", "two", "two"]


def test_reload_takes_the_config_as_it_is(failed: Folder) -> None:
    failed.config(THREE.replace("echo three", "echo changed").replace("test ! -e bad", "true"))
    ended = failed.run("resume", "--reload")
    assert ended.status == 0, ended.err
    assert lines(failed) == ["one hello", "two", "two", "changed"]


def test_reload_says_which_finished_steps_differ_and_wants_them_accepted(failed: Folder) -> None:
    failed.config(THREE.replace("echo one", "echo ONE").replace("test ! -e bad", "true"))
    refused = failed.run("resume", "--reload")
    assert refused.status == 2
    assert "one" in refused.err
    assert "--accept-changes" in refused.err
    assert lines(failed) == ["one hello", "two"]
    ended = failed.run("resume", "--reload", "--accept-changes")
    assert ended.status == 0, ended.err
    assert lines(failed) == ["one hello", "two", "two", "three"]
    assert any(each["verdict"] == "accept" for each in failed.json("show")["decisions"])


def test_rerun_does_it_again_from_the_record_and_says_what_differs(folder: Folder) -> None:
    folder.write("script.py", "print('as it was')\n")
    folder.config(
        "params: {n: 1}\nsteps: [{script: script.py, arguments: {n: '${params.n}'}, argument_style: plain}]\n"
    )
    assert folder.run("run", "--set", "n=5").status == 0
    folder.config("steps: [{command: echo something else}]\n")
    folder.write("script.py", "import sys\nprint('as it is', sys.argv[1:])\n")
    ended = folder.run("rerun", "1")
    assert ended.status == 0, ended.err
    assert ended.out == "as it is ['--n=5']\n"
    assert "script.py is not the file that run 1 had" in ended.err
    assert folder.json("show")["rerun_of"] == 1


# --- looking ------------------------------------------------------------------------------------------------


def test_json_of_every_looking_command_parses(failed: Folder) -> None:
    assert [run["status"] for run in failed.json("runs")] == ["failed"]
    shown = failed.json("show", "last")
    assert [each["name"] for each in shown["steps"]] == ["one", "two", "three"]
    assert shown["attempts"][1]["outcome"]["exit_status"] == 1
    assert failed.json("why")
    assert [step["does"] for step in failed.json("plan")["demo"]] == ["run", "run", "run"]
    logged = failed.run("logs", "--json")
    assert logged.status == 0
    for line in logged.out.splitlines():
        json.loads(line)


def test_looking_before_the_first_run_says_so_and_writes_nothing(three: Folder) -> None:
    for words in (("runs",), ("show",), ("logs",), ("why",), ("resume",), ("wait",), ("stop",)):
        ended = three.run(*words)
        assert ended.status in (0, 2), words
        assert ended.err, words
    assert not three.home.exists()


def test_plan_says_what_would_run_and_how_long_it_takes(three: Folder) -> None:
    assert three.run("run").status == 0
    planned = three.run("plan", "--from", "two")
    assert planned.status == 0
    assert "skip" in planned.out
    assert "not selected" in planned.out
    assert three.json("plan")["demo"][0]["usual_seconds"] is not None
    assert len(three.runs()) == 1


def test_validate_finds_every_problem_at_once(folder: Folder) -> None:
    folder.config(
        "steps:\n  - {script: missing.py}\n  - {command: echo x, retires: 3}\n  - {command: 'echo', shel: sh}\n"
    )
    ended = folder.run("validate")
    assert ended.status == 2
    assert "retries" in ended.err
    assert "shell" in ended.err
    assert not folder.home.exists()


def test_validate_names_the_command_that_runs_what_it_checked(three: Folder) -> None:
    assert three.run("validate").last_line == "config.yaml: demo is ready to run: one → two → three · crude-link run"
    ended = three.run("validate", "-c", "config.yaml", "--set", "word=a b")
    assert ended.last_line.endswith(" · crude-link run -c config.yaml --set 'word=a b'")


def test_validate_does_not_run_the_scripts(folder: Folder) -> None:
    folder.write("script.py", "open('ran', 'w')\n")
    folder.config("steps: [{script: script.py}]\n")
    assert folder.run("validate").status == 0
    assert not (folder.directory / "ran").exists()


def test_init_writes_a_commented_config_and_never_over_another(folder: Folder) -> None:
    assert folder.run("init").status == 0
    written = folder.read("config.yaml")
    assert written.count("#") > 5
    assert folder.run("init").status == 2
    assert folder.read("config.yaml") == written


def test_schema_is_a_json_schema_that_knows_the_keys(folder: Folder) -> None:
    import jsonschema

    ended = folder.run("schema")
    assert ended.status == 0
    schema = json.loads(ended.out)
    jsonschema.validators.validator_for(schema).check_schema(schema)
    jsonschema.validate({"steps": [{"command": "echo", "retries": 3}]}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"steps": [{"command": "echo", "retires": 3}]}, schema)


def test_completion_in_bash_offers_the_commands(folder: Folder) -> None:
    made = folder.run("completion", "bash")
    assert made.status == 0
    checked = subprocess.run(["bash", "-n"], input=made.out, text=True, check=False, capture_output=True)
    assert checked.returncode == 0, checked.stderr
    offered = folder.run(
        env={"_CRUDE_LINK_COMPLETE": "bash_complete", "COMP_WORDS": "crude-link re", "COMP_CWORD": "1"}
    )
    assert {line.partition(",")[2] for line in offered.out.split()} == {"resume", "rerun", "results"}
    for shell in ("zsh", "fish"):
        assert folder.run("completion", shell).status == 0


def test_clean_lists_first_and_removes_with_yes_but_never_a_live_run(three: Folder) -> None:
    for _ in range(3):
        three.run("run")
    three.config(
        "name: demo\nsteps: [{name: hold, command: 'echo holding; while [ ! -e go ]; do sleep 0.05; done'}]\n"
    )
    live = three.start("run")
    three.wait_for_text("out", "holding")
    listed = three.run("clean", "--runs", "0")
    assert listed.status == 0
    assert [line.split()[:2] for line in listed.out.splitlines()][1:] == [["3", "demo"], ["2", "demo"], ["1", "demo"]]
    assert listed.last_line.endswith("would be removed · the same command with --yes removes them")
    assert len(three.runs()) == 4
    removed = three.run("clean", "--runs", "0", "--yes")
    assert removed.status == 0, removed.err
    assert 4 in [run["id"] for run in three.runs()]
    assert len(three.runs()) < 4
    three.write("go", "")
    assert live.wait() == 0
    assert three.run("clean", "--size", "lots").status == 2


# --- logs ---------------------------------------------------------------------------------------------------


def test_logs_follow_a_run_until_it_ends(folder: Folder) -> None:
    folder.config("steps: [{name: slow, command: 'echo early; while [ ! -e go ]; do sleep 0.05; done; echo late'}]\n")
    assert folder.run("run", "--detach").out == "1\n"
    following = folder.start("logs", "-f")
    folder.wait_for_text("out", "early")
    assert following.poll() is None
    folder.write("go", "")
    assert following.wait() == 0
    assert [line for line in folder.read("out").splitlines() if "==>" not in line] == ["early", "late"]


def test_logs_keep_the_streams_apart_and_whole(folder: Folder) -> None:
    folder.write(
        "both.py", "import os\nos.write(1, b'out \\xff\\n')\nos.write(2, b'err\\n')\nos.write(1, b'no end')\n"
    )
    folder.config(f"steps: [{{name: both, command: [{sys.executable}, both.py]}}]\n")
    ended = subprocess.run(
        [*COMMAND, "run"], cwd=folder.directory, env=folder.environment, capture_output=True, check=False
    )
    assert ended.returncode == 0
    assert ended.stdout.startswith(b"out \xff\nno end")
    logged = subprocess.run(
        [*COMMAND, "logs", "both", "--stdout"],
        cwd=folder.directory,
        env=folder.environment,
        capture_output=True,
        check=False,
    )
    assert logged.stdout == b"out \xff\nno end\n"
    assert folder.run("logs", "both", "--stderr").out == "err\n"


@pytest.mark.parametrize(
    "words", ["logs", "logs --json", "runs", "show", "show --json", "why", "plan", "schema", "--help"]
)
def test_a_reader_that_leaves_early_is_no_error(folder: Folder, words: str) -> None:
    folder.config("steps: [{name: much, command: 'seq 100000'}]\n")
    assert folder.run("run").status == 0
    piped = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {shlex.join(COMMAND)} {words} | head -1"],
        cwd=folder.directory,
        env=folder.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert piped.stderr == ""
    assert piped.returncode == 0
    assert piped.stdout.count("\n") == 1


def test_a_run_whose_stdout_is_closed_early_still_runs_to_its_end(folder: Folder) -> None:
    folder.config(
        "steps: [{name: much, command: 'seq 100000; echo done > lines'}, {name: more, command: echo x >> lines}]\n"
    )
    piped = subprocess.run(
        ["bash", "-c", f"{shlex.join(COMMAND)} run | head -1; exit ${{PIPESTATUS[0]}}"],
        cwd=folder.directory,
        env=folder.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert piped.returncode == 0, piped.stderr
    assert lines(folder) == ["done", "x"]
    assert piped.stderr.count("stdout") <= 1
