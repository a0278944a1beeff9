"""How the agent starts processes: what they find, and what is said when they cannot be started."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from executor_bench import Bench

from crude_link.clock import SystemClock
from crude_link.executors.local import LocalExecutor
from crude_link.model.event import Wrote
from crude_link.model.order import Screen, View
from crude_link.model.pipeline import Stdin
from crude_link.model.run import Ending
from crude_link.model.status import Status
from crude_link.model.wish import Keyboard, Resize


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    executor = LocalExecutor(SystemClock())
    bench = Bench(executor, tmp_path)
    bench.hold()
    yield bench
    executor.close()


def reason(bench: Bench, *argv: str) -> str:
    outcome = bench.outcome(bench.order("start", *argv))
    assert outcome.ending is Ending.NOT_STARTED
    return outcome.reason


def script(bench: Bench, text: str, mode: int = 0o755) -> None:
    path = bench.folder / "x.sh"
    path.write_bytes(text.encode())
    path.chmod(mode)


def test_a_script_that_is_not_executable_is_told_how_to_become_it(bench: Bench) -> None:
    script(bench, "#!/bin/sh\n", 0o644)
    assert reason(bench, "./x.sh") == "./x.sh is not executable: chmod +x ./x.sh"


def test_a_script_without_a_first_line_is_told_so(bench: Bench) -> None:
    script(bench, "echo hi\n")
    assert "Exec format error" in reason(bench, "./x.sh")
    assert "no #! line" in reason(bench, "./x.sh")


def test_a_script_whose_interpreter_is_missing_names_it(bench: Bench) -> None:
    script(bench, "#!/no/such/python\n")
    assert reason(bench, "./x.sh").endswith("the interpreter of its #! line does not exist: /no/such/python")


def test_a_script_with_windows_line_ends_is_told_so(bench: Bench) -> None:
    script(bench, "#!/bin/sh\r\necho hi\r\n")
    assert "carriage return" in reason(bench, "./x.sh")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("./missing",), "cannot start ./missing: no such file or directory"),
        (("/tmp",), "/tmp is a directory, no program"),
        ((), "there is no program to start: the command is empty"),
        (("true", "a\0b"), "cannot start true: embedded null byte"),
    ],
)
def test_what_cannot_be_started_says_why(bench: Bench, argv: tuple[str, ...], words: str) -> None:
    assert reason(bench, *argv) == words


def test_too_many_arguments_are_told_so(bench: Bench) -> None:
    assert "too long" in reason(bench, "true", "x" * 3_000_000)


def test_a_missing_directory_is_told_so(bench: Bench) -> None:
    outcome = bench.outcome(bench.order("start", "true", cwd=bench.folder / "gone"))
    assert outcome.reason == f"cannot start in {bench.folder / 'gone'}: no such file or directory"


def test_a_step_finds_default_signals_no_input_and_no_stray_descriptors(bench: Bench) -> None:
    program = (
        "import os, signal, sys\n"
        "names = [s.name for s in signal.Signals if signal.getsignal(s) == signal.SIG_IGN]\n"
        "print(sorted(names), signal.pthread_sigmask(signal.SIG_BLOCK, []), os.getsid(0) == os.getpid())\n"
        "print(sorted(os.listdir('/proc/self/fd')), sys.stdin.read() == '', os.getcwd())\n"
        "try: open('/dev/tty')\n"
        "except OSError as error: print(error.strerror)\n"
    )
    order = bench.order("look", sys.executable, "-c", program)
    assert bench.outcome(order).status is Status.SUCCEEDED
    lines = order.log.stdout.read_text().splitlines()
    # Python itself ignores these two.
    assert lines[0] == "['SIGPIPE', 'SIGXFSZ'] set() True"
    assert lines[1] == f"['0', '1', '2', '3'] True {bench.folder}"
    assert lines[2] == "No such device or address"


def test_a_broken_pipe_ends_a_step_as_it_does_by_hand(bench: Bench) -> None:
    order = bench.order("pipe", "bash", "-c", "yes | head -1; echo ${PIPESTATUS[0]}")
    bench.outcome(order)
    assert order.log.stdout.read_text() == "y\n141\n"


def test_streams_are_terminals_where_a_person_has_terminals(bench: Bench) -> None:
    program = "import os; print(os.isatty(0), os.isatty(1), os.isatty(2), tuple(os.get_terminal_size(1)))"
    order = bench.order("tty", sys.executable, "-c", program, view=View(stdout=Screen(rows=33, columns=99)))
    bench.outcome(order)
    assert order.log.stdout.read_bytes() == b"False True False (99, 33)\n"


def test_all_that_was_written_to_a_terminal_is_there_at_the_end(bench: Bench) -> None:
    screen = Screen(rows=24, columns=80)
    for number in range(20):
        order = bench.order(f"tty-{number}", "seq", "3000", view=View(stdout=screen, stderr=screen))
        bench.outcome(order)
        assert order.log.stdout.read_text() == "".join(f"{line}\n" for line in range(1, 3001))


@pytest.mark.parametrize("view", [View(), View(stdout=Screen(rows=24, columns=80))])
def test_a_step_with_the_terminal_as_stdin_is_asked_and_answered(bench: Bench, view: View) -> None:
    program = "import signal; print(input('name? ')); print(open('/dev/tty').isatty())"
    order = bench.order("ask", sys.executable, "-c", program, stdin=Stdin.TERMINAL, view=view)
    bench.executor.start(order)
    bench.wait_for(lambda event: isinstance(event, Wrote) and b"name?" in event.data)
    bench.executor.tell(Keyboard(key=order.key, data=b"Ada\n"))
    assert bench.end_of(order).status is Status.SUCCEEDED
    assert order.log.stdout.read_text().endswith("Ada\nTrue\n")


def test_a_step_that_asks_without_a_keyboard_is_told_of_it(bench: Bench) -> None:
    outcome = bench.outcome(bench.order("ask", sys.executable, "-c", "input('sure? ')"))
    assert outcome.reason.startswith("exit 1; it asked for input, and steps have no keyboard")


@pytest.fixture
def narrow_group() -> Iterator[Path]:
    """A control group with little memory (version 1 or 2), where we may make one."""
    for root, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        folder = Path(root) / f"crude-link-test-{os.getpid()}"
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            (folder / limit).write_text("30000000")
            yield folder
            return
        except OSError:
            continue
        finally:
            folder.rmdir()
    pytest.skip("no control group can be made here")


def test_a_step_that_the_kernel_killed_for_its_memory_is_told_so(bench: Bench, narrow_group: Path) -> None:
    hog = f"{sys.executable} -c 'x = bytearray(200_000_000)'"
    enter = f"echo $$ > {narrow_group}/cgroup.procs; "
    killed = bench.outcome(bench.order("hog", "sh", "-c", f"{enter} exec {hog}"))
    assert killed.reason == "killed by the kernel: out of memory"
    below = bench.outcome(bench.order("below", "sh", "-c", f"{enter} {hog}; exit $?"))
    assert below.reason == "exit 137; one of its processes was killed by the kernel: out of memory"


def test_the_step_hears_of_a_new_size(bench: Bench) -> None:
    program = (
        "import os, signal\n"
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGWINCH])\n"
        "print('ready', flush=True)\n"
        "signal.sigwait([signal.SIGWINCH])\n"
        "print(tuple(os.get_terminal_size(1)))\n"
    )
    order = bench.order("size", sys.executable, "-c", program, view=View(stdout=Screen(rows=24, columns=80)))
    bench.executor.start(order)
    bench.wait_for(lambda event: isinstance(event, Wrote))
    bench.executor.tell(Resize(screen=Screen(rows=50, columns=132)))
    bench.end_of(order)
    assert order.log.stdout.read_text() == "ready\n(132, 50)\n"


def test_measures_of_a_step_are_its_own(bench: Bench) -> None:
    # A process begins with the peak of the one that started it: here that of the tests, which may be large.
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + 80_000_000
    program = f"data = bytearray({size}); [x * x for x in range(1_000_000)]"
    outcome = bench.outcome(bench.order("big", sys.executable, "-c", program))
    assert outcome.peak_memory is not None
    assert outcome.peak_memory > size
    assert not outcome.peak_is_bound
    assert outcome.cpu.total_seconds() > 0
    small = bench.outcome(bench.order("small", "true"))
    assert small.peak_is_bound
    assert os.environ.get("CRUDE_LINK_MARK") is None


def test_a_step_bears_the_marks_of_its_agent_its_run_and_whoever_runs_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRUDE_LINK_MARK", "agent:outer run:/outer")
    bench = Bench(LocalExecutor(SystemClock()), tmp_path)
    try:
        bench.hold()
        order = bench.order("marks", "printenv", "CRUDE_LINK_MARK")
        bench.outcome(order)
    finally:
        bench.executor.close()
    outer, outer_run, agent, run, attempt = order.log.stdout.read_text().split()
    assert (outer, outer_run) == ("agent:outer", "run:/outer")
    assert agent.startswith("agent:")
    assert run == f"run:{tmp_path.resolve() / 'lock-1'}"
    assert attempt.startswith("attempt:")


def test_an_agent_can_be_had_without_standard_streams(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from executor_bench import Bench\n"
        "from crude_link.clock import SystemClock\n"
        "from crude_link.executors.local import LocalExecutor\n"
        "bench = Bench(LocalExecutor(SystemClock()), Path(sys.argv[2]))\n"
        "bench.hold()\n"
        "bench.outcome(bench.order('ran', 'touch', 'ran'))\n"
        "bench.executor.close()\n"
    )
    command = [sys.executable, "-c", program, str(Path(__file__).parent.parent), str(tmp_path)]
    subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command], check=True)
    assert (tmp_path / "ran").exists()
