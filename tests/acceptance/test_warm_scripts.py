"""Warm scripts: what a task forked from a warm Python does is what `python script.py` does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from acceptance.starting import Folder, wait_until

CONFIG = """
steps:
  - name: many
    script: tools/work.py
    arguments: {number: "{item}", text: "a b"}
    foreach: {range: 3}
    env: {PYTHONHASHSEED: 0}
    parallel: 2
    warm: true
"""
#: Each ends in another way, or tells where and what it is.
SCRIPTS = {
    "arguments": "import sys\nprint(sys.argv, sys.orig_argv[1:])\n",
    "place": "import os, sys\nprint(os.getcwd(), sys.path[0], __file__, sys.argv[0])\n",
    "main": "print(__name__, sorted(globals()), __doc__, __spec__, __package__, __cached__, type(__loader__))\n"
    "import sys\nprint(sys.modules['__main__'].__dict__ is globals(), __builtins__)\n",
    "docstring": '"""What it does."""\nprint(__doc__)\n',
    "pickle": "import pickle\nclass Point: pass\nprint(pickle.dumps(Point()))\n",
    "standard streams": "import sys\nprint('out'); sys.stderr.write('err\\n'); print(repr(sys.stdin.read()))\n"
    "print(sys.stdout.isatty(), sys.stdout.encoding, sys.stderr.errors)\n",
    "neighbour": "from neighbour import VALUE\nprint(VALUE)\n",
    "exit status": "import sys\nsys.exit(3)\n",
    "exit with a large status": "import sys\nsys.exit(259)\n",
    "exit with a text": "import sys\nprint('first')\nsys.exit('text')\n",
    "exit at once": "import os\nprint('lost?', flush=True)\nos._exit(5)\n",
    "exception": "import os\ndef inner(): raise ValueError('no: ü')\ninner()\n",
    "exception with a cause": "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise KeyError from error\n",
    "failing import": "import os\nprint('before')\nimport no_such_module\n",
    "import that is tried": "try:\n    import no_such_module as one\nexcept ImportError:\n    import json as one\n"
    "print(one.__name__)\n",
    "signal": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n",
    "interrupt": "print('before')\nraise KeyboardInterrupt\n",
    "segmentation fault": "import ctypes\nprint('before', flush=True)\nctypes.string_at(0)\n",
    "exit functions": "import atexit\natexit.register(print, 'at exit')\nprint('body')\n",
    "threads": "import threading, time\n"
    "threading.Thread(target=lambda: (time.sleep(0.1), print('thread'))).start()\nprint('main')\n",
    "files that are not closed": "file = open('left', 'w')\nfile.write('whole')\n"
    "import atexit, os\natexit.register(lambda: print(os.path.getsize('left')))\n"
    "class Last:\n    def __del__(self): print('deleted')\nlast = Last()\n",
    "output at import": "import loud\nprint('body')\n",
    "a thread after the imports": "import threaded\nprint('body')\n",
    "a process of its own": "import subprocess\nprint(subprocess.check_output(['echo', 'child']))\n",
    "a pool": "import multiprocessing\nif __name__ == '__main__':\n"
    "    with multiprocessing.get_context('spawn').Pool(1) as pool: print(pool.map(abs, [-1, -2]))\n",
    "a hook": "import sys\nsys.excepthook = lambda kind, error, trace: print('hook', kind, trace.tb_lineno)\n1 / 0\n",
    "recursion": "def deeper(): deeper()\ntry:\n    deeper()\nexcept RecursionError as error:\n    print(error)\n",
    "signals": "import signal\nprint(*map(signal.getsignal, (2, 13, 15, 17)), signal.pthread_sigmask(0, []))\n",
    "session": "import os\nprint(os.getsid(0) == os.getpid() == os.getpgrp())\n",
    "descriptors": "import os\nprint(sorted(os.listdir('/proc/self/fd'))[:3], len(os.listdir('/proc/self/fd')))\n",
    "limits": "import resource\nprint(resource.getrlimit(resource.RLIMIT_NOFILE))\n",
}


@pytest.fixture
def project(folder: Folder) -> Folder:
    folder.config(CONFIG)
    folder.write("tools/neighbour.py", "VALUE = 17\n")
    folder.write("tools/loud.py", "import sys\nprint('said at import')\nsys.stderr.write('and warned\\n')\n")
    folder.write(
        "tools/threaded.py",
        "import threading\nwaits = threading.Event()\nthreading.Thread(target=waits.wait, daemon=True).start()\n",
    )
    return folder


def plain(project: Folder, number: int) -> tuple[int, bytes, bytes]:
    """Return what `python tools/work.py` does by hand, its session aside."""
    done = subprocess.run(
        [sys.executable, "tools/work.py", f"--number={number}", "--text=a b"],
        cwd=project.directory,
        env={**project.environment, "PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def warm(project: Folder, number: int) -> tuple[int, bytes, bytes]:
    """Return what its task did."""
    task = project.json("tasks", "last", "many")[number]
    status = -task["signal"] if task["signal"] else task["exit_status"]
    out, err = (output(project, number + 1, stream) for stream in ("--stdout", "--stderr"))
    return status, out, err


def output(project: Folder, task: int, stream: str) -> bytes:
    return project.run("logs", "last", "many", "--task", str(task), stream).out.encode()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_warm_script_does_what_it_does_by_hand(project: Folder, name: str) -> None:
    project.write("tools/work.py", SCRIPTS[name])
    by_hand = plain(project, 1)
    left = project.read("left")
    project.write("left", "")
    ended = project.run("run", "--no-prompt")
    assert ended.status == (1 if by_hand[0] else 0), ended.err
    assert warm(project, 1) == by_hand
    assert project.read("left") == left


def test_each_import_is_done_once_for_all_tasks(project: Folder) -> None:
    project.write("tools/counted.py", "open('imported', 'a').write('x')\n")
    project.write("tools/work.py", "import counted\nopen('ran', 'a').write('x')\n")
    assert project.run("run").status == 0
    assert (project.read("imported"), project.read("ran")) == ("x", "xxx")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import threaded\n", "a thread runs after its imports (Thread-1"),
        ("import no_such_module\n", "the import in line 1 fails: ModuleNotFoundError"),
        ("import deadly\n", "it ended with exit status 7 as it did its imports"),
    ],
)
def test_where_it_cannot_fork_it_says_so_once_and_starts_tasks_the_ordinary_way(
    project: Folder, text: str, words: str
) -> None:
    project.write("tools/deadly.py", "import os\nos._exit(7)\n")
    project.write("tools/work.py", text + "print('body')\n")
    ended = project.run("run", "--no-prompt")
    assert ended.err.count("tasks are started the ordinary way") == 1, ended.err
    assert words in ended.err
    assert {warm(project, number) for number in range(3)} == {plain(project, 0)}
    project.wait_for_nobody()


def test_imports_below_a_line_that_may_change_them_are_left_to_the_tasks(project: Folder) -> None:
    project.write("tools/counted.py", "import os\nopen('imported', 'a').write(os.environ.get('LATE', '-'))\n")
    project.write("tools/work.py", "import os\nos.environ['LATE'] = 'x'\nimport counted\n")
    ended = project.run("run")
    assert project.read("imported") == "xxx"
    assert "imports below line 2 of" in ended.err


def test_random_numbers_are_others_in_each_task(project: Folder) -> None:
    project.write("tools/work.py", "import random\nprint(random.random())\n")
    assert project.run("run").status == 0
    assert len({output(project, task, "--stdout") for task in (1, 2, 3)}) == 3


def test_a_script_that_is_changed_meanwhile_is_read_again(project: Folder) -> None:
    change = "from pathlib import Path\nprint('old')\nPath(__file__).write_text(\"print('the new one')\")\n"
    project.write("tools/work.py", change)
    project.config(CONFIG.replace("parallel: 2", "parallel: 1"))
    assert project.run("run").status == 0
    said = [output(project, task, "--stdout") for task in (1, 2, 3)]
    assert said == [b"old\n", b"the new one\n", b"the new one\n"]


def test_a_task_that_takes_too_long_is_ended_with_all_it_has_started(project: Folder) -> None:
    project.write(
        "tools/work.py",
        "import subprocess, sys, time\n"
        "if sys.argv[1] == '--number=1':\n    subprocess.Popen(['sleep', '60'])\n    time.sleep(60)\n",
    )
    project.config(CONFIG + "    timeout: 1s\n    stop_grace: 200ms\n")
    assert project.run("run", "--no-prompt").status == 1
    endings = [task["ending"] for task in project.json("tasks", "last", "many")]
    assert endings == ["exited", "timed out", "exited"]
    project.wait_for_nobody()


def test_tasks_go_on_when_the_warm_python_is_killed(project: Folder) -> None:
    project.write(
        "tools/work.py",
        "import os, time\n"
        "try: print(os.getppid(), file=open('parent', 'x'))\n"
        "except FileExistsError: pass\n"
        "while not os.path.exists('go'): time.sleep(0.01)\nprint('whole')\n",
    )
    begun = project.start("run", "--no-prompt")
    wait_until(lambda: project.read("parent").endswith("\n"), "a task runs")
    os.kill(int(project.read("parent")), signal.SIGKILL)
    project.write("go", "")
    assert begun.wait() == 0, project.read("err")
    assert [output(project, task, "--stdout") for task in (1, 2, 3)] == [b"whole\n"] * 3
    assert "it ended by signal 9 in the midst of its tasks" in project.read("err")
    project.wait_for_nobody()


def test_a_stop_ends_its_tasks_and_the_warm_python(project: Folder) -> None:
    project.write("tools/work.py", "import time\nopen('began', 'w').close()\ntime.sleep(60)\n")
    begun = project.start("run", "--no-prompt")
    wait_until((project.directory / "began").exists, "a task runs")
    assert project.run("stop", "last").status == 0
    assert begun.wait() != 0
    project.wait_for_nobody()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("    foreach: {range: 3}\n", ""), "without `foreach` there is one task"),
        (("script: tools/work.py", "command: echo"), "a command is no Python"),
        (("tools/work.py", "tools/work.sh"), "`tools/work.sh` is no Python script"),
        (("warm: true", "warm: 3"), "is true, false or `{reuse: N}`, not 3"),
        (("warm: true", "warm: {reuse: 10}"), "`reuse` is for functions"),
    ],
)
def test_what_cannot_be_warm_is_refused(project: Folder, change: tuple[str, str], words: str) -> None:
    project.write("tools/work.py", "")
    project.config(CONFIG.replace(*change))
    ended = project.run("validate")
    assert ended.status == 2
    assert words in ended.err


def test_the_folder_of_the_run_keeps_nothing_of_it(project: Folder) -> None:
    project.write("tools/work.py", "print(1)\n")
    assert project.run("run").status == 0
    kept = sorted(path.name for path in Path(project.home / "runs/1/steps/many/tasks").iterdir())
    assert set(kept) <= {"1-1.archive", "1-2.archive"}


@pytest.mark.parametrize("victims", ["agent", "coordinator", "everybody of ours"])
def test_a_crash_leaves_no_process_and_what_was_not_done_is_done_after_it(project: Folder, victims: str) -> None:
    project.write(
        "tools/work.py", "import sys, time\ntime.sleep(0.05)\nopen('ran', 'a').write(sys.argv[1] + '\\n')\n"
    )
    project.config(CONFIG.replace("range: 3", "range: 30"))
    begun = project.start("run", "--no-prompt")
    wait_until(lambda: len(project.read("ran").split()) > 3, "some tasks have run")
    pids = {
        "agent": project.agents()[:1],
        "coordinator": [begun.pid],
        "everybody of ours": [begun.pid, *project.agents()],
    }[victims]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    begun.wait()
    if victims != "agent":
        assert project.run("resume", "--no-prompt").status == 0
    assert [task["status"] for task in project.json("tasks", "last", "many")] == ["succeeded"] * 30
    assert {f"--number={number}" for number in range(30)} == set(project.read("ran").split())
    assert len(project.read("ran").split()) <= 32
    project.wait_for_nobody()
