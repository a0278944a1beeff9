"""The small programs that are not steps, really started; and the sleep that a signal ends."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pexpect
import pytest

from crude_link.clock import SystemClock
from crude_link.programs import (
    CodeProbe,
    ProgramError,
    check_interpreter,
    interpreter_version,
    is_over,
    open_editor,
    output_of,
    start_detached,
)


def wait_for(condition: Callable[[], bool]) -> None:
    """Return when the condition holds; fail after 20 s."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def git(project: Path, *arguments: str) -> str:
    """Run git in `project` as somebody with a name and no configuration of his own."""
    env = {"PATH": os.environ["PATH"], "HOME": str(project), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    return subprocess.run(
        ["git", *who, *arguments], cwd=project, env=env, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def work_tree(tmp_path: Path) -> Path:
    """A repository with one commit."""
    git(tmp_path, "init", "-q")
    (tmp_path / "train.py").write_text("one\n")
    git(tmp_path, "add", "train.py")
    git(tmp_path, "commit", "-q", "-m", "one")
    return tmp_path


# --- output -----------------------------------------------------------------------------------------------


def test_text_goes_through_the_shell_and_loses_one_newline(tmp_path: Path) -> None:
    assert output_of("printf '%s\\n\\n' \"$((6 * 7))\"", cwd=tmp_path) == "42\n"


def test_an_argv_list_goes_through_no_shell(tmp_path: Path) -> None:
    assert output_of(["printf", "%s", "$HOME; *"], cwd=tmp_path) == "$HOME; *"


def test_it_runs_where_and_with_what_it_is_told(tmp_path: Path) -> None:
    here = output_of('echo "$PLACE $(pwd -P)"', cwd=tmp_path, environment={"PLACE": "in", "PATH": os.defpath})
    assert here == f"in {tmp_path.resolve()}"


def test_it_has_no_keyboard(tmp_path: Path) -> None:
    assert output_of("cat; echo done", cwd=tmp_path) == "done"


def test_a_failure_says_which_command_and_its_last_line(tmp_path: Path) -> None:
    with pytest.raises(
        ProgramError, match=r"^`echo one >&2; echo two >&2; exit 3` ended with exit 3: two$"
    ) as caught:
        output_of("echo one >&2; echo two >&2; exit 3", cwd=tmp_path)
    assert caught.value.exit_status == 2


def test_a_program_that_is_not_there_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="`no-such-program -x` cannot be started: No such file"):
        output_of(["no-such-program", "-x"], cwd=tmp_path)


def test_output_that_is_not_utf8_can_be_turned_back_into_its_bytes(tmp_path: Path) -> None:
    assert os.fsencode(output_of("printf 'a\\377b'", cwd=tmp_path)) == b"a\xffb"


def test_what_takes_too_long_is_ended_with_all_its_children(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=r"took longer than 0\.5 s"):
        output_of("sleep 1000 & echo $! >pid; wait", cwd=tmp_path, timeout=timedelta(seconds=0.5))
    child = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
    wait_for(lambda: not child.exists() or child.read_text().rpartition(")")[2].split()[0] == "Z")


# --- interpreters -----------------------------------------------------------------------------------------


def test_an_interpreter_tells_its_version(tmp_path: Path) -> None:
    version = ".".join(map(str, sys.version_info[:3]))
    assert interpreter_version(sys.executable, cwd=tmp_path).startswith(version)
    (tmp_path / "python-link").symlink_to(sys.executable)
    assert interpreter_version("./python-link", cwd=tmp_path).startswith(version)
    assert check_interpreter("./python-link", cwd=tmp_path) is None


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("./not-there", "cannot be started: No such file or directory"),
        ("true", "is no Python interpreter"),
        ("false", "ended with exit 1"),
    ],
)
def test_what_is_no_interpreter_is_said_in_words(tmp_path: Path, path: str, words: str) -> None:
    problem = check_interpreter(path, cwd=tmp_path)
    assert problem is not None
    assert words in problem
    assert f"`{path}`" in problem


# --- git --------------------------------------------------------------------------------------------------


def test_outside_a_work_tree_there_is_no_state(tmp_path: Path) -> None:
    assert CodeProbe.start(tmp_path).result() is None


def test_a_repository_without_commits_has_no_state(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert CodeProbe.start(tmp_path).result() is None


def test_without_git_there_is_no_state(work_tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(work_tree))
    assert CodeProbe.start(work_tree).result() is None


def test_a_clean_tree_is_its_commit(work_tree: Path) -> None:
    code = CodeProbe.start(work_tree).result()
    assert code is not None
    assert (code.commit, code.dirty, code.diff_digest) == (git(work_tree, "rev-parse", "HEAD").strip(), False, None)


def test_a_changed_tree_has_the_digest_of_its_difference(work_tree: Path) -> None:
    (work_tree / "train.py").write_text("two\n")
    folder = work_tree / "deep" / "down"
    folder.mkdir(parents=True)
    difference = git(work_tree, "diff", "--full-index", "HEAD")
    code = CodeProbe.start(folder).result()
    assert code is not None
    assert (code.dirty, code.diff_digest) == (True, hashlib.sha256(difference.encode()).hexdigest())


def test_a_large_difference_is_read_whole(work_tree: Path) -> None:
    (work_tree / "train.py").write_text("a line of the larger kind\n" * 100_000)
    probe = CodeProbe.start(work_tree)
    code = probe.result()
    assert probe.result() == code
    difference = git(work_tree, "diff", "--full-index", "HEAD")
    assert code is not None
    assert code.diff_digest == hashlib.sha256(difference.encode()).hexdigest()


def test_asking_leaves_another_repositorys_variables_and_locks_alone(
    work_tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    (work_tree / ".git" / "index.lock").touch()
    assert CodeProbe.start(work_tree).result() is not None


# --- editor, detached, sleep ------------------------------------------------------------------------------


def test_the_editor_may_have_options_and_gets_the_file(tmp_path: Path) -> None:
    file = tmp_path / "a config.yaml"
    open_editor(file, {"PATH": os.environ["PATH"], "EDITOR": "cp /dev/null"})
    assert file.read_bytes() == b""


def test_an_editor_that_fails_or_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="the editor `false` ended with exit 1"):
        open_editor(tmp_path / "x", {"PATH": os.environ["PATH"], "VISUAL": "false"})
    with pytest.raises(ProgramError, match="set EDITOR"):
        open_editor(tmp_path / "x", {"PATH": str(tmp_path)})


def test_ctrl_c_in_the_shell_does_not_reach_us(tmp_path: Path) -> None:
    program = (
        "import os; from pathlib import Path; from crude_link.programs import open_shell\n"
        f"open_shell(Path({str(tmp_path)!r}), dict(os.environ, SHELL='cat'))\nprint('still', 'here')"
    )
    child = pexpect.spawn(sys.executable, ["-c", program], encoding="utf-8", timeout=20)
    child.sendline("ready")
    child.expect("ready\r\nready")
    child.sendintr()
    child.expect("still here")
    child.wait()
    assert child.exitstatus == 0


def test_a_detached_program_has_its_own_session_and_writes_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "out.log"
    log.write_text("before\n")
    pid = start_detached(
        ["sh", "-c", "echo out; echo err >&2; pwd -P; cat; echo end"], cwd=tmp_path, environment=os.environ, log=log
    )
    assert os.getsid(pid) == pid
    os.waitpid(pid, 0)
    assert log.read_text() == f"before\nout\nerr\n{tmp_path.resolve()}\nend\n"


def test_a_detached_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    here = Path.cwd()
    with pytest.raises(ProgramError, match="`no-such-program` cannot be started"):
        start_detached(["no-such-program"], cwd=tmp_path, environment=os.environ, log=tmp_path / "log")
    assert Path.cwd() == here


def test_a_signal_ends_the_sleep_and_the_former_wake_up_descriptor_hears_of_it() -> None:
    came: list[int] = []
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    formerly = signal.signal(signal.SIGUSR1, lambda number, _frame: came.append(number))
    before = signal.set_wakeup_fd(write_end)
    try:
        # Sent until it was heard: the first ones may come before the sleep begins.
        heard = threading.Event()

        def knock() -> None:
            while not heard.wait(0.05):
                os.kill(os.getpid(), signal.SIGUSR1)

        thread = threading.Thread(target=knock)
        thread.start()
        clock = SystemClock()
        clock.sleep_until(clock.now() + timedelta(hours=1))
        heard.set()
        thread.join()
        assert came
        assert signal.set_wakeup_fd(write_end) == write_end
        assert os.read(read_end, 1) == bytes([signal.SIGUSR1])
    finally:
        signal.set_wakeup_fd(before)
        signal.signal(signal.SIGUSR1, formerly)
        os.close(read_end)
        os.close(write_end)


def test_a_sleep_ends_at_its_moment_in_a_thread_too() -> None:
    clock = SystemClock()
    moment = clock.now() + timedelta(milliseconds=20)
    thread = threading.Thread(target=clock.sleep_until, args=(moment,))
    thread.start()
    thread.join()
    assert clock.now() >= moment


def test_it_is_known_when_a_program_that_was_let_go_is_over(tmp_path: Path) -> None:
    pid = start_detached(["sh", "-c", "cat go"], cwd=tmp_path, environment=dict(os.environ), log=tmp_path / "log")
    while not is_over(pid):
        pass
    assert is_over(pid)
    assert "go" in (tmp_path / "log").read_text()


def test_a_program_reads_what_it_is_given(tmp_path: Path) -> None:
    assert output_of("tr a-z A-Z", cwd=tmp_path, given=b"loud\n") == "LOUD"
    assert output_of("true", cwd=tmp_path, given=b"x" * 1_000_000) == ""
