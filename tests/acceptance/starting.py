"""Starts crude-link as users do: by both entrances, in a pipe and in a pseudo-terminal."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pexpect

REPOSITORY = Path(__file__).resolve().parent.parent.parent
COMMAND = (sys.executable, "-m", "crude_link")
LAUNCHER = (sys.executable, str(REPOSITORY / "crude_link" / "scheduler.py"))
#: Nothing here may take so long; a wait that does is a failure.
PATIENCE = 30.0
_MARK = "ACCEPTANCE_TEST"
_OURS = ("CRUDE_LINK_HOME", "NO_COLOR", "EDITOR", "VISUAL", "SHELL", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


#: A pipeline of three steps that say in `lines` that they ran; the second fails while there is a file `bad`.
THREE = """
name: demo
params: {word: hello}
steps:
  - {name: one, command: "echo one ${params.word} >> lines"}
  - {name: two, command: "echo two >> lines; test ! -e bad"}
  - {name: three, command: echo three >> lines}
"""


class Ended(NamedTuple):
    """A crude-link that has ended."""

    status: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        """The last line that it said."""
        return self.err.rstrip("\n").rpartition("\n")[2]


class Process(NamedTuple):
    """A living process of a test."""

    pid: int
    command: str
    step: str | None


def wait_until(holds: Callable[[], object], what: str | Callable[[], str], patience: float = PATIENCE) -> None:
    """Return when `holds`; AssertionError when it never does, with what it was to be, or is instead then."""
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, f"never happened: {what if isinstance(what, str) else what()}"
        time.sleep(0.02)


def plain(text: str) -> str:
    """Return what a terminal was sent without its colours and cursor movements."""
    return _ESCAPE.sub("", text)


@dataclass
class Folder:
    """A project directory, and what was started in it. Every process started here bears a mark in its environment."""

    directory: Path
    environment: Mapping[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @classmethod
    def at(cls, directory: Path) -> Folder:
        kept = {name: value for name, value in os.environ.items() if name not in _OURS}
        return cls(directory, {**kept, _MARK: str(directory), "HOME": str(directory.parent), "TERM": "xterm"})

    # --- files ------------------------------------------------------------------------------------------

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def config(self, text: str) -> Path:
        return self.write("config.yaml", text)

    def read(self, name: str) -> str:
        """Return a file's text; empty when it is not there."""
        path = self.directory / name
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @property
    def home(self) -> Path:
        return self.directory / ".crude-link"

    # --- crude-link -------------------------------------------------------------------------------------

    def run(
        self,
        *words: str,
        keys: str = "",
        env: Mapping[str, str] | None = None,
        entrance: Sequence[str] = COMMAND,
        cwd: Path | None = None,
    ) -> Ended:
        """Run crude-link between pipes until it ends; `keys` is what stands on its stdin."""
        ended = subprocess.run(
            [*entrance, *words],
            cwd=cwd or self.directory,
            env={**self.environment, **(env or {})},
            input=keys,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert f'File "{REPOSITORY / "crude_link"}' not in ended.stderr, ended.stderr
        assert "should not have happened" not in ended.stderr, ended.stderr
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def start(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start crude-link in the background, in a session of its own, its output in files `out` and `err`."""
        with (self.directory / "out").open("a") as out, (self.directory / "err").open("a") as err:
            begun = subprocess.Popen(
                [*COMMAND, *words],
                cwd=self.directory,
                env={**self.environment, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                text=True,
                start_new_session=True,
            )
        self.started.append(begun)
        return begun

    def terminal(
        self, *words: str, env: Mapping[str, str] | None = None, entrance: Sequence[str] = COMMAND
    ) -> pexpect.spawn[str]:
        """Start crude-link in a pseudo-terminal, whose closing it hears of also where the tests run under `nohup`."""
        program, *arguments = entrance
        return pexpect.spawn(
            program,
            [*arguments, *words],
            cwd=str(self.directory),
            env={**self.environment, **(env or {})},
            encoding="utf-8",
            timeout=PATIENCE,
            dimensions=(40, 120),
            preexec_fn=_hear_the_terminal_close,
        )

    # --- what is recorded -------------------------------------------------------------------------------

    def json(self, *words: str) -> Any:
        """Return what a command prints with `--json`."""
        ended = self.run(*words, "--json")
        assert ended.status == 0, ended.err
        return json.loads(ended.out)

    def runs(self) -> list[dict[str, Any]]:
        """Return all runs, newest first; none where there is no store yet."""
        if not (self.home / "crude-link.db").exists():
            return []
        found: list[dict[str, Any]] = self.json("runs", "--limit", "1000")
        return found

    def steps(self, run: str = "last") -> dict[str, str]:
        """Return how the steps of a run stand."""
        return {state["name"]: state["status"] for state in self.json("show", run)["steps"]}

    # --- processes --------------------------------------------------------------------------------------

    def living(self) -> list[Process]:
        """Return the living processes that bear our mark."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal():
                continue
            with suppress(OSError):
                environment = (entry / "environ").read_bytes().split(b"\0")
                if f"{_MARK}={self.directory}".encode() not in environment:
                    continue
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                heads = [item for item in environment if item.startswith(b"CRUDE_LINK_STEP=")]
                step = heads[0].partition(b"=")[2].decode() if heads else None
                if command:  # otherwise it is a zombie
                    found.append(Process(int(entry.name), command, step))
        return found

    def step_processes(self) -> list[Process]:
        """Return the living processes of steps."""
        return [process for process in self.living() if process.step]

    def agents(self) -> list[int]:
        """Return the agents, which are children of a crude-link, and behind them their guards."""
        ours = [process for process in self.living() if not process.step]
        found = [process.pid for process in ours if "crude_link.agent" in process.command]
        parents = [process.pid for process in ours if "-m crude_link" in process.command]
        return sorted(found, key=lambda pid: _parent(pid) not in parents)

    def wait_for_nobody(self) -> None:
        """Wait until nothing that was started here lives any more."""
        wait_until(lambda: not self.living(), lambda: f"all processes end; still there: {self.living()}")

    def wait_for_text(self, name: str, text: str) -> None:
        """Wait until a file holds a text."""
        wait_until(lambda: text in self.read(name), f"{name} holds {text!r}")

    def end(self) -> None:
        """End what is left of the test."""
        for begun in self.started:
            if begun.poll() is None:
                begun.kill()
            begun.wait()
        for process in self.living():
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)


def _parent(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return int(status.rpartition(")")[2].split()[1])


def _hear_the_terminal_close() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
